//! The page `/email/confirm`.

use maud::{Markup, html};

use super::form;
use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// The values that the page shows.
pub(crate) struct ConfirmEmailView<'a> {
    /// The CSRF token for a visitor who is not logged in.
    pub csrf_token: &'a str,
    /// The value of the form's hidden field `link`, which identifies the emailed link without containing its token.
    pub form_key: &'a str,
    /// The user to whom the address belongs.
    pub username: &'a str,
    /// The address to confirm.
    pub address: &'a str,
}

/// Renders one button, which posts `csrf_token` and `link`. Opening the page must not change anything, because mail
/// scanners open links but do not press buttons.
pub(crate) fn confirm_email(shell: &Shell<'_>, view: &ConfirmEmailView<'_>) -> Markup {
    page(
        shell,
        &Document {
            page: Page::ConfirmEmail,
            title: "Confirm your email address",
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Confirm your email address" }
                    p { "Confirm " bdi.name { (view.address) } " as the email address of the account " bdi.name { (view.username) } ". If this is not your account, close this page." }
                    form method="post" action=(shell.path("/email/confirm")) {
                        (form::csrf(view.csrf_token))
                        (form::link(view.form_key))
                        button.button.primary.full type="submit" { "Confirm" }
                    }
                }
            },
            ..Document::default()
        },
    )
}
