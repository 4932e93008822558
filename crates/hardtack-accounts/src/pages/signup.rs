//! The page `/signup`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::url;
use super::view::{CredentialsView, Shell};
use crate::settings::Page;

/// Renders the sign-up form. It posts `username`, `email`, `password` and `csrf_token`. It also posts `remember` if the
/// checkbox is checked, and `next` if the user should continue to a certain page.
pub(crate) fn signup(shell: &Shell<'_>, view: &CredentialsView<'_>) -> Markup {
    let password_hint = form::new_password_hint(view.min_password);
    let fields = [
        Field {
            form: "signup",
            name: "username",
            label: "User name",
            kind: FieldKind::Username(view.username),
            hint: Some("The name you log in with. You can set a display name later."),
        },
        Field {
            form: "signup",
            name: "email",
            label: "Email (optional)",
            kind: FieldKind::Email(view.email),
            hint: Some(form::email_hint(view.sends_mail)),
        },
        Field {
            form: "signup",
            name: "password",
            label: "Password",
            kind: FieldKind::NewPassword(view.min_password),
            hint: Some(&password_hint),
        },
    ];
    page(
        shell,
        &Document {
            page: Page::SignUp,
            title: form::title(!view.errors.is_empty(), "Sign up", "Problem: Sign up"),
            nav_path: Some("/signup"),
            width: Width::Narrow,
            description: Some("Create an account with a user name and a password."),
            main: html! {
                div.card {
                    h1 { "Sign up" }
                    form method="post" action=(shell.path("/signup")) {
                        (form::summary("signup", &fields, view.errors))
                        (form::csrf(view.csrf_token))
                        (form::next(view.next))
                        @for field in &fields { (form::field(field, view.errors)) }
                        (form::remember("signup", view.remember))
                        button.button.primary.full type="submit" { "Sign up" }
                    }
                }
                p.aside { "Have an account? " a href=(url::with_next(&shell.site.log_in, view.next)) { "Log in" } }
            },
            ..Document::default()
        },
    )
}
