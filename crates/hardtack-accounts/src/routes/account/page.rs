//! The page `/account`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hardtack::clock::Timestamp;
use hardtack::request::Wants;
use hardtack_axum::{Auth, CurrentUser, FreshAccessToken};
use http::{HeaderMap, StatusCode};

use crate::extract::{done, shell_of};
use crate::pages::{AccountView, FieldError, Notice, NoticeKind, TimeText, account};
use crate::respond;
use crate::routes::kept_form;
use crate::settings::SiteSettings;
use crate::site::Site;
use crate::users::{Profile, User};

/// The variable parts of the page.
pub(super) struct AccountPage<'a> {
    pub(super) site: &'a SiteSettings,
    pub(super) profile: Profile,
    pub(super) profile_errors: &'a [FieldError<'a>],
    pub(super) password_errors: &'a [FieldError<'a>],
    pub(super) notice: Option<Notice<'a>>,
    pub(super) sends_mail: bool,
    pub(super) min_password: u8,
    pub(super) owner: String,
    pub(super) now: Timestamp,
}

impl<'a> AccountPage<'a> {
    /// Creates the page with the stored profile and no error messages.
    pub(super) fn new(user: &User, site: &'a Site) -> Self {
        let profile = Profile { display_name: user.display_name.clone(), email: user.email.clone() };
        Self {
            site: &site.settings,
            profile,
            profile_errors: &[],
            password_errors: &[],
            notice: None,
            sends_mail: site.accounts.sends_mail(),
            min_password: site.accounts.min_password(),
            owner: kept_form::owner_field(user, &site.auth),
            now: site.auth.now(),
        }
    }

    pub(super) fn respond(&self, user: &CurrentUser<User>, status: StatusCode) -> Response {
        let csrf_token = user.token().csrf_token();
        let view = AccountView {
            csrf_token: &csrf_token,
            username: &user.username,
            display_name: &self.profile.display_name,
            email: &self.profile.email,
            stored_email: &user.email,
            email_confirmed: user.email_confirmed,
            sends_mail: self.sends_mail,
            owner: &self.owner,
            created: TimeText::new(user.created_at, self.now),
            profile_errors: self.profile_errors,
            password_errors: self.password_errors,
            min_password: self.min_password,
        };
        respond::page_with_times(status, account(&shell_of(self.site, user, self.notice), &view))
    }
}

fn info(text: &str) -> Option<Notice<'_>> {
    Some(Notice { kind: NoticeKind::Info, text })
}

fn success(text: &str) -> Option<Notice<'_>> {
    Some(Notice { kind: NoticeKind::Success, text })
}

/// Returns a notice that the settings have been saved. If the form has changed the address, or if the user has none, the
/// notice also says that a forgotten password cannot be reset by email.
fn saved(user: &User, sends_mail: bool, done: &str) -> String {
    let saved = "Your settings have been saved.";
    match &user.email {
        _ if !sends_mail || user.email_confirmed => saved.to_owned(),
        email if email.is_empty() => {
            format!("{saved} Without a confirmed email address, you cannot reset a forgotten password by email.")
        }
        email if done == "settings-limited" => format!(
            "{saved} We have not sent a link to {email}, because too many emails were requested in the last hour. \
             Request the link in an hour, with the button below. Until you confirm the address, you cannot reset a \
             forgotten password by email."
        ),
        email if done == "settings-link" => format!(
            "{saved} Open the link that we send to {email}. Until you confirm the address, you cannot reset a forgotten \
             password by email."
        ),
        _ => saved.to_owned(),
    }
}

/// Returns the notice to show if the submitted form was rendered for a different user.
pub(super) fn of_another(user: &User) -> String {
    format!(
        "Nothing was changed, because the form was opened while another user was logged in. You are now logged in as \
         {}. This page shows your own details.",
        user.username
    )
}

pub(crate) async fn show(
    State(site): State<Site>,
    auth: Auth,
    _fresh: FreshAccessToken,
    user: CurrentUser<User>,
    headers: HeaderMap,
) -> Response {
    if auth.wants() == Wants::Api {
        return axum::Json(user.into_user()).into_response();
    }
    let mut page = AccountPage::new(&user, &site);
    let done = done(&auth);
    let letter = match user.email_confirmed {
        true => "Your email address is confirmed.".to_owned(),
        false => format!("Open the link that we send to {}.", user.email),
    };
    let saved = saved(&user, site.accounts.sends_mail(), done.as_deref().unwrap_or_default());
    page.notice = match done.as_deref() {
        Some("settings" | "settings-link" | "settings-limited") => success(&saved),
        Some("password") => success("Your password has been changed. All other devices have been logged out."),
        Some("unchanged") => {
            info("Your password has not been changed yet. Enter your current password and your new password again.")
        }
        Some("kept") => {
            info("Your changes were not saved, and what you typed could not be kept. Enter your changes again.")
        }
        Some("unsent") => info("No email has been sent yet. Press “Send the email again” below."),
        Some("letter") if !user.email.is_empty() => success(&letter),
        _ => None,
    };
    if !kept_form::is_set(&headers, &site) {
        return page.respond(&user, StatusCode::OK);
    }
    let Some(profile) = kept_form::find(&headers, &user, &site) else {
        // The cookie that holds the kept form belongs to a different user of this browser, or is too old. Delete it.
        let text = of_another(&user);
        if done.as_deref() == Some("kept") && kept_form::is_of_another(&headers, &user, &site) {
            page.notice = Some(Notice { kind: NoticeKind::Problem, text: &text });
        }
        return kept_form::clear(page.respond(&user, StatusCode::OK), &site);
    };
    let still_here = "Your changes are still here, but have not been saved yet. Check them, then save.";
    let with_password = format!("{still_here} To change the email address, enter your current password again.");
    page.notice = info(if profile.email == user.email { still_here } else { &with_password });
    page.profile = profile;
    kept_form::clear(page.respond(&user, StatusCode::OK), &site)
}
