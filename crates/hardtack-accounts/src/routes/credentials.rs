//! The form on `/login` and `/signup`.

use axum::response::{IntoResponse, Response};
use hardtack::LogIn;
use hardtack::request::{NextPath, Wants};
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use maud::Markup;
use serde::{Deserialize, Deserializer};

use crate::extract::{JsonBody, JsonType, is_unverified, next_or_home, next_page};
use crate::pages::{CredentialsView, FieldError, Notice, NoticeKind, Shell};
use crate::respond;
use crate::site::Site;

/// The fields that a log-in or sign-up submits.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CredentialsInput {
    pub(super) username: String,
    pub(super) password: String,
    /// The email address. Only the sign-up form has this field.
    pub(super) email: String,
    #[serde(deserialize_with = "checkbox_or_bool")]
    remember: Option<bool>,
    next: Option<String>,
}

/// The body of a log-in.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct LogInInput(pub(super) CredentialsInput);

impl JsonBody for LogInInput {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[
        ("username", JsonType::String),
        ("password", JsonType::String),
        ("remember", JsonType::Boolean),
        ("next", JsonType::StringOrNull),
    ];

    const REQUIRED: &'static [&'static str] = &["username", "password"];
}

/// The body of a sign-up.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct SignUpInput(pub(super) CredentialsInput);

impl JsonBody for SignUpInput {
    const MEMBERS: &'static [(&'static str, JsonType)] = &[
        ("username", JsonType::String),
        ("password", JsonType::String),
        ("email", JsonType::String),
        ("remember", JsonType::Boolean),
        ("next", JsonType::StringOrNull),
    ];
}

/// Deserializes a form's checkbox, or an API client's `true` or `false`.
fn checkbox_or_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct CheckboxOrBool;

    impl serde::de::Visitor<'_> for CheckboxOrBool {
        type Value = Option<bool>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok(Some(value))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "true" | "on" | "1" => Ok(Some(true)),
                "false" | "off" | "0" | "" => Ok(Some(false)),
                _ => Err(E::invalid_value(serde::de::Unexpected::Other("another text"), &self)),
            }
        }
    }

    deserializer.deserialize_any(CheckboxOrBool)
}

impl CredentialsInput {
    /// Returns an empty form that takes `next` from the query. The checkbox "Stay logged in" is checked if the site's
    /// configuration makes cookies persistent.
    pub(super) fn from_query(auth: &Auth) -> Self {
        Self {
            next: auth.query("next"),
            remember: Some(auth.authenticator().sets_persistent_cookies()),
            ..Self::default()
        }
    }

    /// Returns the [`LogIn`] for a user. The field `remember` decides whether the browser gets persistent cookies or
    /// session cookies. Browsers omit a checkbox that is not checked, so if a form lacks the field, the browser gets
    /// session cookies. If an API client omits the field, the site's configuration decides.
    pub(super) fn log_in(&self, user: impl Into<LogIn>, wants: Wants) -> LogIn {
        let remember = self.remember.or((wants != Wants::Api).then_some(false));
        remember.into_iter().fold(user.into(), LogIn::remember)
    }

    /// Returns whether the user will continue to a page other than the home page after the log-in.
    pub(super) fn goes_on(&self, site: &Site, auth: &Auth) -> bool {
        self.next_page(site, auth).is_some_and(|next| next.as_str() != auth.authenticator().urls().home_path())
    }

    fn next_page(&self, site: &Site, auth: &Auth) -> Option<NextPath> {
        let next = self.next.clone().or_else(|| auth.query("next"));
        next.and_then(|next| next_page(site, auth, &next))
    }

    /// Returns the page to send the user to next: the form's `next`, the query's `next`, or the home page.
    pub(super) fn next_or_home(&self, site: &Site, auth: &Auth) -> String {
        let next = self.next.clone().or_else(|| auth.query("next"));
        next_or_home(site, auth, next.as_deref())
    }
}

/// Responds with the page that contains the form, and sets the form's pre-session cookie.
pub(super) fn show_form(
    site: &Site,
    auth: &Auth,
    status: StatusCode,
    input: &CredentialsInput,
    errors: &[FieldError<'_>],
    shell: Shell<'_>,
    page: fn(&Shell<'_>, &CredentialsView<'_>) -> Markup,
) -> Result<Response, AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let next = input.next_page(site, auth);
    let view = CredentialsView {
        csrf_token: &csrf_token,
        next: next.as_ref().map(NextPath::as_str),
        username: &input.username,
        email: &input.email,
        sends_mail: site.accounts.sends_mail(),
        remember: input.remember.unwrap_or_default(),
        min_password: site.accounts.min_password(),
        errors,
    };
    Ok((cookies, respond::page(status, page(&shell, &view))).into_response())
}

/// Checks that a form for visitors, such as the log-in form, was sent from this site's own page.
///
/// # Errors
/// A different page sent the form, or the request does not show which page sent it. In the latter case, a browser gets
/// the result of `again`, which shows the form again with a notice that says what to do.
pub(super) fn require_own_form(
    site: &Site,
    auth: &Auth,
    again: impl FnOnce(Shell<'_>) -> Result<Response, AuthError>,
) -> Result<(), Box<Result<Response, AuthError>>> {
    let Err(error) = auth.require_pre_session() else { return Ok(()) };
    match shell_of_unverified(site, auth, &error) {
        Some(shell) => Err(Box::new(again(shell))),
        None => Err(Box::new(Err(error))),
    }
}

/// Returns a page shell for showing a refused form again, with a notice that explains the refusal. Returns `None` if
/// the client is not a browser, or if the form cannot have come from one of this site's pages.
pub(super) fn shell_of_unverified<'e>(site: &'e Site, auth: &Auth, error: &'e AuthError) -> Option<Shell<'e>> {
    if auth.wants() != Wants::Page || !is_unverified(error) {
        return None;
    }
    let notice = Notice { kind: NoticeKind::Problem, text: error.failure().reason().explanation() };
    Some(Shell { notice: Some(notice), ..Shell::unknown(&site.settings) })
}
