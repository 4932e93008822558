//! The page `/service`.

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// Renders the page for a user who is logged in.
pub(crate) fn service(shell: &Shell<'_>, username: &str) -> Markup {
    page(
        shell,
        &Document {
            page: Page::Message,
            title: "Service",
            nav_path: Some("/service"),
            width: Width::Medium,
            main: html! {
                h1 { "Service" }
                p.lead { "Only people who are logged in can read this page." }
                div.card {
                    dl.facts {
                        div { dt { "User name" } dd { bdi { (username) } } }
                        div {
                            dt { "Checked" }
                            dd { "Your cookie’s signature, expiry and session, before this page was rendered" }
                        }
                    }
                }
                p { "To see where else you are logged in, go to " a href=(shell.path("/account/sessions")) { "your devices" } "." }
            },
            ..Document::default()
        },
    )
}
