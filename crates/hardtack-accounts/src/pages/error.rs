//! The error page.

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// The values that the error page shows.
pub(crate) struct ErrorView<'a> {
    /// The HTTP status of the response.
    pub status: u16,
    /// What happened, in a few words.
    pub title: &'a str,
    /// What happened and what to do, in a sentence or two.
    pub explanation: &'a str,
    /// The path and label of a link to a page on this site. If `action` is `None`, the error page links to the home
    /// page.
    pub action: Option<(&'a str, &'a str)>,
}

/// Renders the error page: what happened, what to do, and a link.
pub(crate) fn error_page(shell: &Shell<'_>, view: &ErrorView<'_>) -> Markup {
    let (url, label) = match view.action {
        Some((path, label)) => (shell.path(path), label),
        None => (shell.site.home.clone(), "Go to the home page"),
    };
    page(
        shell,
        &Document {
            page: Page::Message,
            title: view.title,
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    p.eyebrow { "Error " (view.status) }
                    h1 { (view.title) }
                    p { (view.explanation) }
                    p.actions { a.button.primary href=(url) { (label) } }
                }
            },
            ..Document::default()
        },
    )
}
