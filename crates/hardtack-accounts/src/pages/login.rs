//! The page `/login`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::url;
use super::view::{CredentialsView, Shell};
use crate::settings::Page;

/// Renders the log-in form. It posts `username`, `password` and `csrf_token`. It also posts `remember` if the checkbox
/// is checked, and `next` if the user should continue to a certain page.
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
        &Document {
            page: Page::LogIn,
            title: form::title(!view.errors.is_empty(), "Log in", "Problem: Log in"),
            nav_path: Some("/login"),
            width: Width::Narrow,
            description: Some("Log in with your user name and password."),
            main: html! {
                div.card {
                    h1 { "Log in" }
                    form method="post" action=(shell.path("/login")) {
                        (form::summary("login", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        @for field in &fields { (form::field(field, view.errors)) }
                        (form::remember("login", view.remember))
                        button.button.primary.full type="submit" { "Log in" }
                    }
                }
                p.aside { a href=(shell.path("/password/forgot")) { "Forgot your password?" } }
                @if shell.site.lets_sign_up() {
                    p.aside { "New here? " a href=(url::with_next(&shell.site.sign_up, view.next)) { "Sign up" } }
                }
            },
            ..Document::default()
        },
    )
}
