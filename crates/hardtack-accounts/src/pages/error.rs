//! The page for whatever went wrong.

use maud::{Markup, html};

use super::Shell;
use super::layout::{Page, Width, page};

/// What went wrong, for the person it happened to.
pub(crate) struct FailureView<'a> {
    /// The HTTP status that the page is sent with.
    pub status: u16,
    /// What happened, in a few words.
    pub title: &'a str,
    /// What happened and what to do, in a sentence or two.
    pub explanation: &'a str,
    /// The way on: where it leads and what it says. Without one, the page leads home.
    pub action: Option<(&'a str, &'a str)>,
}

/// An error page: what happened, what to do, and a link.
pub(crate) fn failure(shell: &Shell<'_>, view: &FailureView<'_>) -> Markup {
    let (path, label) = view.action.unwrap_or(("/", "Go to the home page"));
    page(
        shell,
        &Page {
            title: view.title,
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    p.eyebrow { "Error " (view.status) }
                    h1 { (view.title) }
                    p { (view.explanation) }
                    p.actions { a.button.primary href=(path) { (label) } }
                }
            },
        },
    )
}
