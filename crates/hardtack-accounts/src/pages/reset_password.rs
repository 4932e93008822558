//! `/password/reset`.

use maud::{Markup, html};

use super::form::{self, Field, Kind};
use super::layout::{Page, Width, page};
use super::{FieldError, Shell};

/// The form for a new password.
pub(crate) struct ResetForm<'a> {
    /// The pre-session CSRF value.
    pub csrf_token: &'a str,
    /// Whose password it is.
    pub username: &'a str,
    /// What was wrong; the field is `new_password`.
    pub errors: &'a [FieldError<'a>],
}

/// Asks for the new password. Posts `new_password` and `csrf_token`.
pub(crate) fn reset(shell: &Shell<'_>, view: &ResetForm<'_>) -> Markup {
    let fields = [Field {
        form: "reset",
        name: "new_password",
        label: "New password",
        kind: Kind::NewPassword,
        hint: Some(form::NEW_PASSWORD_HINT),
    }];
    page(
        shell,
        &Page {
            title: form::title(!view.errors.is_empty(), "Choose a new password", "Problem: Choose a new password"),
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Choose a new password" }
                    p { "It is for " bdi.name { (view.username) } ". All devices will be logged out; then log in with it." }
                    form method="post" action="/password/reset" {
                        (form::summary("reset", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Set the password" }
                    }
                }
            },
        },
    )
}
