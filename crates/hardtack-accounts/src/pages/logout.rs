//! The `/logout` page. It asks for confirmation, because following a link must not log a user out.

use maud::{Markup, html};

use super::form;
use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// Renders a button that posts to `/logout`.
pub(crate) fn confirm_logout(shell: &Shell<'_>, csrf_token: &str) -> Markup {
    page(
        shell,
        &Document {
            page: Page::LogOut,
            title: "Log out",
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Log out?" }
                    p { "You will be logged out on this device only. Your other devices stay logged in." }
                    form.actions method="post" action=(shell.path("/logout")) {
                        (form::csrf(csrf_token))
                        button.button.primary type="submit" { "Log out" }
                        a.button.quiet href=(shell.site.home) { "Stay logged in" }
                    }
                }
            },
            ..Document::default()
        },
    )
}
