//! `/signup`.

use maud::{Markup, html};

use super::form::{self, Field, Kind};
use super::layout::{Page, Width, page};
use super::{CredentialsForm, Shell, link};

/// The sign-up form, which posts `username`, `password`, `csrf_token`, `remember` if it is
/// ticked and, if there is one, `next`.
pub(crate) fn signup(shell: &Shell<'_>, view: &CredentialsForm<'_>) -> Markup {
    let fields = [
        Field {
            form: "signup",
            name: "username",
            label: "User name",
            kind: Kind::Username(view.username),
            hint: Some("You log in with it. Another name to show can be set later."),
        },
        Field {
            form: "signup",
            name: "password",
            label: "Password",
            kind: Kind::NewPassword,
            hint: Some(form::NEW_PASSWORD_HINT),
        },
    ];
    page(
        shell,
        &Page {
            title: form::title(!view.errors.is_empty(), "Sign up", "Problem: Sign up"),
            here: Some("/signup"),
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Sign up" }
                    form method="post" action="/signup" {
                        (form::summary("signup", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        @for field in &fields { (form::field(field, view.errors)) }
                        (form::remember("signup", view.remember))
                        button.button.primary.full type="submit" { "Sign up" }
                    }
                }
                p.aside { "Have an account? " a href=(link::with_next("/login", view.next)) { "Log in" } }
            },
        },
    )
}
