//! The notice after a link has been used. It names the account, because another user may be logged in.

use axum::response::Response;
use hardtack::error::WithCauses;
use hardtack::request::Wants;
use hardtack_axum::Auth;

use crate::page_cookie::{PageCookie, names};
use crate::site::Site;
use crate::users::User;

/// The id of the user whose link was used. The cookie is kept until the home page has been shown, but for at most a
/// minute.
const COOKIE: PageCookie = PageCookie { name: names::LINK_USED, path: "/", max_age: 60 };

/// If the client is a browser, sets a cookie with the id of the link's owner. The home page reads the cookie to say
/// whose link was used, and then deletes the cookie. API clients do not need the cookie, because the response itself
/// tells them the result.
pub(super) fn remember(response: Response, user_id: &str, auth: &Auth) -> Response {
    match auth.wants() {
        Wants::Page => COOKIE.set(response, user_id, auth.authenticator()),
        _ => response,
    }
}

/// Deletes the cookie if the browser has it.
pub(super) fn forget(response: Response, auth: &Auth) -> Response {
    match COOKIE.find(auth.headers(), auth.authenticator()) {
        Some(_) => COOKIE.clear(response, auth.authenticator()),
        None => response,
    }
}

/// Returns the user whose link was used.
pub(super) async fn user(site: &Site, auth: &Auth) -> Option<User> {
    let id = COOKIE.find(auth.headers(), auth.authenticator())?;
    site.accounts.find(id).await.unwrap_or_else(|error| {
        tracing::warn!(event = "store_unavailable", error = %WithCauses(&error));
        None
    })
}

/// Returns a notice for the home page that says what a link has done. `viewer` is the user who is logged in, if any.
/// `owner` is the user whom the link belonged to, if that is known.
pub(super) fn text(done: &str, owner: Option<&User>, viewer: Option<&User>) -> Option<String> {
    let whose = match (owner, viewer) {
        (Some(owner), Some(viewer)) if owner.id == viewer.id => "your account".to_owned(),
        (Some(owner), _) => format!("the account {}", owner.username),
        // The link was used some time ago, or in another browser.
        (None, Some(_)) => "an account".to_owned(),
        (None, None) => "your account".to_owned(),
    };
    let text = match done {
        "email" => format!("The email address of {whose} has been confirmed."),
        "reset" | "undo-password" | "reset-soon" => format!("The password of {whose} has been changed."),
        "chosen" => format!("The password of {whose} has been set."),
        "undo" => format!("The email address of {whose} has been restored."),
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
        assert_eq!(text(Some(&ada), Some(&ada)), "The email address of your account has been confirmed.");
        assert_eq!(text(Some(&ada), None), "The email address of the account ada has been confirmed.");
        let other = "The email address of the account bob has been confirmed. You are logged in as ada.";
        assert_eq!(text(Some(&bob), Some(&ada)), other);
        assert_eq!(super::text("else", Some(&bob), None), None);
    }
}
