//! `/password/forgot`.

use maud::{Markup, html};

use super::form::{self, Field, Kind};
use super::layout::{Page, Width, page};
use super::{FieldError, Shell};

/// The form for an address.
pub(crate) struct ForgotForm<'a> {
    /// The pre-session CSRF value.
    pub csrf_token: &'a str,
    /// What was typed as the address.
    pub email: &'a str,
    /// What was wrong; the field is `email`.
    pub errors: &'a [FieldError<'a>],
}

/// Asks where the letter should go. Posts `email` and `csrf_token`.
pub(crate) fn forgot(shell: &Shell<'_>, view: &ForgotForm<'_>) -> Markup {
    let fields = [Field {
        form: "forgot",
        name: "email",
        label: "Email",
        kind: Kind::RequiredEmail(view.email),
        hint: Some("The address that you have confirmed in your account."),
    }];
    frame(
        shell,
        form::title(!view.errors.is_empty(), "Forgot your password", "Problem: Forgot your password"),
        html! {
            p { "We send you a link with which you can choose another one. It works once, for an hour." }
            form method="post" action="/password/forgot" {
                (form::summary("forgot", &fields, view.errors))
                (form::csrf(view.csrf_token))
                @for field in &fields { (form::field(field, view.errors)) }
                button.button.primary.full type="submit" { "Send the link" }
            }
        },
    )
}

/// The same page where no letter can be sent.
pub(crate) fn no_mail(shell: &Shell<'_>) -> Markup {
    let text = "This site sends no mail. Ask the people who run it for a new password.";
    frame(shell, "Forgot your password", html! { p { (text) } })
}

fn frame(shell: &Shell<'_>, title: &str, content: Markup) -> Markup {
    page(
        shell,
        &Page {
            title,
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Forgot your password?" }
                    (content)
                }
                p.aside { "Remembered it? " a href="/login" { "Log in" } }
            },
        },
    )
}
