//! `/reauthenticate`: the password once more, before something that matters.

use maud::{Markup, html};

use super::form::{self, Field, Kind};
use super::layout::{Page, Width, page};
use super::{FieldError, Shell};

/// The form that asks someone logged in for their password again.
pub(crate) struct ReauthForm<'a> {
    /// The session's CSRF value.
    pub csrf_token: &'a str,
    /// Whose password it is.
    pub username: &'a str,
    /// Where to go afterwards: a path on this origin.
    pub next: Option<&'a str>,
    /// What was wrong; the field is `password`.
    pub errors: &'a [FieldError<'a>],
}

/// Asks for the password and says why. Posts `password`, `csrf_token` and, if there is one, `next`.
pub(crate) fn reauthenticate(shell: &Shell<'_>, view: &ReauthForm<'_>) -> Markup {
    let fields = [Field {
        form: "reauthenticate",
        name: "password",
        label: "Password",
        kind: Kind::CurrentPassword,
        hint: None,
    }];
    page(
        shell,
        &Page {
            title: form::title(!view.errors.is_empty(), "Confirm your password", "Problem: Confirm your password"),
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Please confirm your password" }
                    p {
                        "You are logged in as " bdi.name { (view.username) } ", but typed your password a while ago. "
                        "We ask again before showing your account, so that nobody who finds your device unlocked can take it over."
                    }
                    form method="post" action="/reauthenticate" {
                        (form::summary("reauthenticate", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        (form::username_for_password_managers(view.username))
                        @for field in &fields { (form::field(field, view.errors)) }
                        button.button.primary.full type="submit" { "Confirm" }
                    }
                }
            },
        },
    )
}
