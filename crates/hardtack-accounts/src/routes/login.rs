//! `/login`: a name and a password for two cookies.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::LogIn;
use hardtack::request::Wants;
use hardtack_axum::{Auth, AuthError};
use http::StatusCode;
use maud::Markup;
use serde::{Deserialize, Deserializer};

use super::answer;
use super::visitor::Visitor;
use crate::accounts::{Proven, WrongPassword};
use crate::activity::Source;
use crate::input::Input;
use crate::pages::{CredentialsForm, FieldError, Notice, NoticeKind, Shell, login};
use crate::site::Site;

/// One sentence for an unknown name, a wrong password and a disabled user.
const NO_MATCH: &str = "That user name and password do not match.";

/// What the log-in and the sign-up form send.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    pub(super) username: String,
    pub(super) password: String,
    #[serde(deserialize_with = "ticked")]
    remember: Option<bool>,
    next: Option<String>,
}

/// A tick of a form, or `true` or `false` of a program.
fn ticked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct Tick;

    impl serde::de::Visitor<'_> for Tick {
        type Value = Option<bool>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E>(self, ticked: bool) -> Result<Self::Value, E> {
            Ok(Some(ticked))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "true" | "on" | "1" => Ok(Some(true)),
                "false" | "off" | "0" | "" => Ok(Some(false)),
                _ => Err(E::invalid_value(serde::de::Unexpected::Other("another text"), &self)),
            }
        }
    }

    deserializer.deserialize_any(Tick)
}

impl Typed {
    pub(super) fn from_query(auth: &Auth) -> Self {
        Self {
            next: auth.query("next"),
            remember: Some(auth.authenticator().sets_persistent_cookies()),
            ..Self::default()
        }
    }

    /// The log-in of a user, with the choice about its cookies. A box that is not ticked is not sent, so that
    /// a person always chooses; a program that says nothing gets what is configured.
    pub(super) fn log_in_of(&self, id: &str, wants: Wants) -> LogIn {
        let remember = self.remember.or((wants != Wants::Api).then_some(false));
        remember.into_iter().fold(LogIn::new(id), LogIn::remember)
    }

    /// The hidden field, which a form repeats, or else the query.
    pub(super) fn next_or_home(&self, auth: &Auth) -> String {
        self.next.as_deref().map_or_else(|| auth.next_or_home(), |next| auth.authenticator().next_or_home(Some(next)))
    }
}

/// The page with the form, which brings its pre-session cookie along.
pub(super) fn show_form(
    auth: &Auth,
    status: StatusCode,
    typed: &Typed,
    errors: &[FieldError<'_>],
    shell: Shell<'_>,
    form: fn(&Shell<'_>, &CredentialsForm<'_>) -> Markup,
) -> Result<Response, AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let next = typed.next.clone().or_else(|| auth.query("next")).and_then(|next| auth.authenticator().next(&next));
    let view = CredentialsForm {
        csrf_token: &csrf_token,
        next: next.as_ref().map(hardtack::request::NextPath::as_str),
        username: &typed.username,
        remember: typed.remember.unwrap_or_default(),
        errors,
    };
    Ok((cookies, answer::page(status, form(&shell, &view))).into_response())
}

pub(crate) async fn show(auth: Auth, visitor: Visitor) -> Result<Response, AuthError> {
    let ended = auth.query("ended").map(|_| Notice {
        kind: NoticeKind::Info,
        text: "Your session has ended. Log in again to go on where you were.",
    });
    let reset = auth.query("done").filter(|done| done == "reset").map(|_| Notice {
        kind: NoticeKind::Success,
        text: "Your password is changed, and all devices are logged out. Log in with the new one.",
    });
    show_form(&auth, StatusCode::OK, &Typed::from_query(&auth), &[], visitor.shell(ended.or(reset)), login)
}

pub(crate) async fn submit(
    State(site): State<Site>,
    auth: Auth,
    source: Source,
    Input(typed): Input<Typed>,
) -> Result<Response, AuthError> {
    auth.require_pre_session()?;
    let wants = auth.wants();
    match site.accounts.check(&typed.username, typed.password.clone(), &source).await {
        Ok(proven) => log_in(&site, &auth, &typed, proven).await,
        Err(refusal) => match answer::problem_of(wants, refusal) {
            Ok(WrongPassword) => no_match(&auth, &typed),
            Err(response) => Ok(*response),
        },
    }
}

async fn log_in(site: &Site, auth: &Auth, typed: &Typed, proven: Proven) -> Result<Response, AuthError> {
    let cookies = auth.log_in(typed.log_in_of(&proven.id, auth.wants())).await?;
    if !site.accounts.still_holds(&proven).await.map_err(|error| auth.refuse(error))? {
        // The password was changed while this log-in was on its way: its session must not live.
        auth.authenticator().revoke_all_sessions(&proven.id).await.map_err(|error| auth.refuse(error))?;
        return no_match(auth, typed);
    }
    let found = site.accounts.find(&proven.id).await.map_err(|error| auth.refuse(error))?;
    let Some(user) = found else { return no_match(auth, typed) };
    Ok((cookies, answer::done(auth.wants(), &typed.next_or_home(auth), serde_json::json!(user))).into_response())
}

fn no_match(auth: &Auth, typed: &Typed) -> Result<Response, AuthError> {
    let errors = [FieldError { field: "", text: NO_MATCH }];
    if auth.wants() == Wants::Page {
        return show_form(auth, StatusCode::UNAUTHORIZED, typed, &errors, Shell::default(), login);
    }
    Ok(answer::problem(auth.wants(), StatusCode::UNAUTHORIZED, "wrong_credentials", NO_MATCH, &[]))
}
