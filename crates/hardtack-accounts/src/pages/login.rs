//! The page `/login`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Page, Width, page};
use super::url;
use super::view::{CredentialsView, Shell};

/// Renders the log-in form. It posts `username`, `password` and `csrf_token`. It also posts `remember` if the checkbox
/// is ticked, and `next` if the user should continue to a certain page.
pub(crate) fn login(shell: &Shell<'_>, view: &CredentialsView<'_>) -> Markup {
    let fields = [
        Field {
            form: "login",
            name: "username",
            label: "User name",
            kind: FieldKind::Username(view.username),
            hint: None,
        },
        Field { form: "login", name: "password", label: "Password", kind: FieldKind::CurrentPassword, hint: None },
    ];
    page(
        shell,
        &Page {
            title: form::title(!view.errors.is_empty(), "Log in", "Problem: Log in"),
            nav_path: Some("/login"),
            width: Width::Narrow,
            description: Some("Log in with your user name and password."),
            main: html! {
                div.card {
                    h1 { "Log in" }
                    form method="post" action="/login" {
                        (form::summary("login", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        @for field in &fields { (form::field(field, view.errors)) }
                        (form::remember("login", view.remember))
                        button.button.primary.full type="submit" { "Log in" }
                    }
                }
                p.aside { a href="/password/forgot" { "Forgot your password?" } }
                p.aside { "New here? " a href=(url::with_next("/signup", view.next)) { "Sign up" } }
            },
            ..Page::default()
        },
    )
}
