//! The page `/password/reset`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::view::{FieldError, Shell};
use crate::settings::Page;

/// The values that the reset-password page shows.
pub(crate) struct ResetPasswordView<'a> {
    /// The CSRF token for a visitor who is not logged in.
    pub csrf_token: &'a str,
    /// The value of the form's hidden field `link`, which identifies the emailed link without containing its token.
    pub form_key: &'a str,
    /// The user whose password is reset.
    pub username: &'a str,
    /// Whether the user chooses a password for the first time.
    pub is_first: bool,
    /// The minimum length of the new password, in characters.
    pub min_password: u8,
    /// Errors of `new_password`.
    pub errors: &'a [FieldError<'a>],
}

/// Renders the form, which posts `new_password`, `csrf_token` and `link`.
pub(crate) fn reset_password(shell: &Shell<'_>, view: &ResetPasswordView<'_>) -> Markup {
    let (title, problem) = match view.is_first {
        true => ("Choose a password", "Problem: Choose a password"),
        false => ("Choose a new password", "Problem: Choose a new password"),
    };
    let password_hint = form::new_password_hint(view.min_password);
    let fields = [Field {
        form: "reset",
        name: "new_password",
        label: if view.is_first { "Password" } else { "New password" },
        kind: FieldKind::NewPassword(view.min_password),
        hint: Some(&password_hint),
    }];
    page(
        shell,
        &Document {
            page: Page::ResetPassword,
            title: form::title(!view.errors.is_empty(), title, problem),
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { (title) }
                    p {
                        @if view.is_first {
                            "This sets the password for " bdi.name { (view.username) }
                            ". You can then log in with this password."
                        } @else {
                            "This changes the password for " bdi.name { (view.username) }
                            " and logs out all devices. You can then log in with the new password."
                        }
                    }
                    form method="post" action=(shell.path("/password/reset")) {
                        (form::summary("reset", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::link(view.form_key))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Set the password" }
                    }
                }
            },
            ..Document::default()
        },
    )
}
