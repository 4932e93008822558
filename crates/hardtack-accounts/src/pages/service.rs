//! `/service`: a page for people who are logged in.

use maud::{Markup, html};

use super::Shell;
use super::layout::{Page, Width, page};

/// What someone logged in as `username` sees.
pub(crate) fn service(shell: &Shell<'_>, username: &str) -> Markup {
    page(
        shell,
        &Page {
            title: "Service",
            here: Some("/service"),
            width: Width::Medium,
            continue_to: None,
            main: html! {
                h1 { "Service" }
                p.lead { "Only people who are logged in can read this page." }
                div.card {
                    dl.facts {
                        div { dt { "User name" } dd { bdi { (username) } } }
                        div { dt { "Checked" } dd { "The signature, the expiry and the session behind your cookie, before this page was made." } }
                    }
                }
                p { "To see where else you are logged in, go to " a href="/account/sessions" { "your devices" } "." }
            },
        },
    )
}
