//! The page `/password/forgot`.

use maud::{Markup, html};

use super::form::{self, Field, FieldKind};
use super::layout::{Document, Width, page};
use super::view::{FieldError, Shell};
use crate::settings::Page;
use crate::users::EmailAddress;

/// The values that the page shows.
pub(crate) struct ForgotPasswordView<'a> {
    /// The CSRF token for a visitor who is not logged in.
    pub csrf_token: &'a str,
    /// The address that was entered.
    pub email: &'a str,
    /// How users can contact the administrator.
    pub contact: Option<&'a str>,
    /// Errors of `email`.
    pub errors: &'a [FieldError<'a>],
}

/// Renders the form, which posts `email` and `csrf_token`.
pub(crate) fn forgot_password(shell: &Shell<'_>, view: &ForgotPasswordView<'_>) -> Markup {
    let fields = [Field {
        form: "forgot",
        name: "email",
        label: "Email",
        kind: FieldKind::RequiredEmail(view.email),
        hint: Some("The address you confirmed for your account."),
    }];
    frame(
        shell,
        form::title(!view.errors.is_empty(), "Forgot your password", "Problem: Forgot your password"),
        html! {
            p { "We will email you a link to choose a new password. The link works once and expires after an hour." }
            form method="post" action=(shell.path("/password/forgot")) {
                (form::summary("forgot", &fields, view.errors))
                (form::csrf(view.csrf_token))
                @for field in &fields { (form::field(field, view.errors)) }
                button.button.primary.full type="submit" { "Email me the link" }
            }
            p {
                "If you have not confirmed an email address, ask the administrator"
                (contact_suffix(view.contact))
                " for a reset link."
            }
        },
    )
}

/// Renders the page for a site that does not send email.
pub(crate) fn mail_is_off(shell: &Shell<'_>, contact: Option<&str>) -> Markup {
    frame(
        shell,
        "Forgot your password",
        html! {
            p {
                "This site does not send email, so ask the administrator"
                (contact_suffix(contact))
                " for a reset link. Tell the administrator your user name."
            }
            p { "The link opens a page where you choose a new password. The administrator does not see the password." }
        },
    )
}

/// Renders the administrator's contact in parentheses. If the contact is an email address or a URL, it becomes a link.
/// If there is no contact, renders nothing.
fn contact_suffix(contact: Option<&str>) -> Markup {
    let Some(contact) = contact else { return html! {} };
    let link = match EmailAddress::parse(contact) {
        Some(_) => Some(format!("mailto:{contact}")),
        None => (contact.starts_with("https://") || contact.starts_with("http://")).then(|| contact.to_owned()),
    };
    html! {
        " ("
        @if let Some(link) = link { a href=(link) { (contact) } } @else { (contact) }
        ")"
    }
}

fn frame(shell: &Shell<'_>, title: &str, content: Markup) -> Markup {
    page(
        shell,
        &Document {
            page: Page::ForgotPassword,
            title,
            nav_path: None,
            width: Width::Narrow,
            description: Some("How to get back into your account if you forget your password."),
            main: html! {
                div.card {
                    h1 { "Forgot your password?" }
                    (content)
                }
                p.aside { "Remembered it? " a href=(shell.site.log_in) { "Log in" } }
            },
            ..Document::default()
        },
    )
}
