//! The notice that appears after a single-use link has been used. The notice names the account that the link belongs
//! to, because a different user might be logged in.
//!
//! On the site that `hardtack serve` runs, the home page shows the notice. An application that uses this crate has its
//! own home page, so its notice is shown on a separate page.

use axum::response::{IntoResponse, Redirect, Response};
use hardtack::request::Wants;
use hardtack_axum::Auth;
use http::{StatusCode, Uri};

use crate::extract::Sender;
use crate::page_cookie::{PageCookie, names};
use crate::pages::{DoneView, done_page};
use crate::respond;
use crate::site::Site;
use crate::users::User;

/// The cookie that contains the id of the user whose link was used. The cookie is kept until the notice has been shown,
/// but for no more than a minute.
const COOKIE: PageCookie = PageCookie { name: names::LINK_USED, path: "/", max_age: 60 };

/// If the client is a browser, sets a cookie with the id of the link's owner. The page that shows the notice uses this
/// cookie to say whose link was used, and then deletes it. API clients do not need the cookie, because their response
/// already contains the result.
pub(super) fn remember(response: Response, user_id: &str, site: &Site, wants: Wants) -> Response {
    match wants {
        Wants::Page => COOKIE.set(response, user_id, site.cookies()),
        _ => response,
    }
}

/// Deletes the cookie if the browser has it.
pub(super) fn forget(response: Response, site: &Site, auth: &Auth) -> Response {
    match COOKIE.find(auth.headers(), site.cookies()) {
        Some(_) => COOKIE.clear(response, site.cookies()),
        None => response,
    }
}

/// Returns the user whose link was used.
pub(super) async fn user(site: &Site, auth: &Auth) -> Option<User> {
    let id = COOKIE.find(auth.headers(), site.cookies())?;
    site.accounts.find(id).await.unwrap_or_else(|error| {
        respond::warn_of_missing(&error);
        None
    })
}

/// Responds with a page that says what the link did. If `done` is not the name of a notice, redirects to the home page.
pub(super) async fn message(site: &Site, auth: &Auth, done: &str) -> Response {
    let viewer = Sender::of(auth.headers(), &Uri::default(), site).await;
    let Some(text) = text(done, user(site, auth).await.as_ref(), viewer.user()) else {
        return Redirect::to(&site.settings.home).into_response();
    };
    let shell = viewer.shell(&site.settings);
    let view = DoneView { title: "Done", text: &text, action: None };
    forget(respond::page(StatusCode::OK, done_page(&shell, &view)), site, auth)
}

/// Returns the notice that says what the link did. `viewer` is the logged-in user, if any. `owner` is the link's owner,
/// if known.
pub(super) fn text(done: &str, owner: Option<&User>, viewer: Option<&User>) -> Option<String> {
    let whose = match (owner, viewer) {
        (Some(owner), Some(viewer)) if owner.id == viewer.id => "your account".to_owned(),
        (Some(owner), _) => format!("the account {}", owner.username),
        // The link was used some time ago, or in another browser.
        (None, Some(_)) => "an account".to_owned(),
        (None, None) => "your account".to_owned(),
    };
    let text = match done {
        "email" => format!("The email address for {whose} has been confirmed."),
        "reset" | "reset-soon" | "undo-password" | "undo-password-soon" => {
            format!("The password for {whose} has been changed.")
        }
        "chosen" => format!("The password for {whose} has been set."),
        "undo" | "undo-soon" => format!("The email address for {whose} has been restored."),
        _ => return None,
    };
    Some(match viewer.filter(|viewer| owner.is_none_or(|owner| owner.id != viewer.id)) {
        Some(viewer) => format!("{text} You are logged in as {}.", viewer.username),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use hardtack::clock::Timestamp;

    use super::*;

    #[test]
    fn the_notice_names_the_account_if_another_user_is_logged_in() {
        let user = |name: &str| User {
            id: name.to_owned(),
            username: name.to_owned(),
            display_name: String::new(),
            email: String::new(),
            email_confirmed: true,
            created_at: Timestamp::default(),
        };
        let (ada, bob) = (user("ada"), user("bob"));
        let text = |owner, viewer| text("email", owner, viewer).unwrap();
        assert_eq!(text(Some(&ada), Some(&ada)), "The email address for your account has been confirmed.");
        assert_eq!(text(Some(&ada), None), "The email address for the account ada has been confirmed.");
        let other = "The email address for the account bob has been confirmed. You are logged in as ada.";
        assert_eq!(text(Some(&bob), Some(&ada)), other);
        assert_eq!(super::text("else", Some(&bob), None), None);
    }
}
