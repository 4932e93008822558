//! The page `/password/reset`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Page, Width, page};
use super::view::{FieldError, Shell};

/// What the page renders.
pub(crate) struct ResetPasswordView<'a> {
    /// The pre-session CSRF token.
    pub csrf_token: &'a str,
    /// Binds the form to its link.
    pub form_key: &'a str,
    /// The user whose password is reset.
    pub username: &'a str,
    /// Errors of `new_password`.
    pub errors: &'a [FieldError<'a>],
}

/// Renders the form, which posts `new_password`, `csrf_token` and `link`.
pub(crate) fn reset_password(shell: &Shell<'_>, view: &ResetPasswordView<'_>) -> Markup {
    let fields = [Field {
        form: "reset",
        name: "new_password",
        label: "New password",
        kind: FieldKind::NewPassword,
        hint: Some(form::NEW_PASSWORD_HINT),
    }];
    page(
        shell,
        &Page {
            title: form::title(!view.errors.is_empty(), "Choose a new password", "Problem: Choose a new password"),
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Choose a new password" }
                    p {
                        "This changes the password of " bdi.name { (view.username) }
                        " and logs out all devices. You can then log in with the new password."
                    }
                    form method="post" action="/password/reset" {
                        (form::summary("reset", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::link(view.form_key))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Set the password" }
                    }
                }
            },
            ..Page::default()
        },
    )
}
