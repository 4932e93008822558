//! The page `/email/undo`.

use maud::{Markup, html};

use super::form;
use super::layout::{Page, Width, page};
use super::view::Shell;

/// What the page renders.
pub(crate) struct UndoEmailView<'a> {
    /// The pre-session CSRF token.
    pub csrf_token: &'a str,
    /// Binds the form to its link.
    pub form_key: &'a str,
    /// The user whose address was changed.
    pub username: &'a str,
    /// The address that is restored.
    pub address: &'a str,
}

/// Renders one button that posts `csrf_token` and `link`: mail scanners open links, but press no buttons.
pub(crate) fn undo_email(shell: &Shell<'_>, view: &UndoEmailView<'_>) -> Markup {
    page(
        shell,
        &Page {
            title: "Restore your email address",
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Restore your email address" }
                    p { "The account " bdi.name { (view.username) } " will use the address " bdi.name { (view.address) } " again, and all devices will be logged out. Then choose a new password." }
                    p { "If you changed the address yourself, close this page." }
                    form method="post" action="/email/undo" {
                        (form::csrf(view.csrf_token))
                        (form::link(view.form_key))
                        button.button.primary.full type="submit" { "Restore this address" }
                    }
                }
            },
            ..Page::default()
        },
    )
}
