//! The page `/reauthenticate`, which asks for the password again before a sensitive action.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::view::{FieldError, Shell};
use crate::settings::Page;

/// The values that the page shows.
pub(crate) struct ReauthenticateView<'a> {
    /// The session's CSRF token.
    pub csrf_token: &'a str,
    /// The user who is logged in.
    pub username: &'a str,
    /// The path on this site to which the user is redirected after entering the password.
    pub next: Option<&'a str>,
    /// Errors of `password`.
    pub errors: &'a [FieldError<'a>],
}

/// Renders the re-authentication form. The form posts `password`, `csrf_token` and, if there is one, `next`.
pub(crate) fn reauthenticate(shell: &Shell<'_>, view: &ReauthenticateView<'_>) -> Markup {
    let fields = [Field {
        form: "reauthenticate",
        name: "password",
        label: "Password",
        kind: FieldKind::CurrentPassword,
        hint: None,
    }];
    page(
        shell,
        &Document {
            page: Page::Reauthenticate,
            title: form::title(!view.errors.is_empty(), "Confirm your password", "Problem: Confirm your password"),
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Please confirm your password" }
                    p {
                        "You are logged in as " bdi.name { (view.username) }
                        ", but it has been a while since you entered your password. "
                        "We ask for the password again before you open or change your account, so that someone who finds "
                        "your device unlocked cannot take over the account."
                    }
                    form method="post" action=(shell.path("/reauthenticate")) {
                        (form::summary("reauthenticate", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Confirm" }
                    }
                }
                p.aside { a href=(shell.path("/password/forgot")) { "Forgot your password?" } }
            },
            ..Document::default()
        },
    )
}
