//! A page that reports success. The site sends this page instead of a redirect if the browser's next request might
//! fail, for example because the session store is down.

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// The values that the page shows.
pub(crate) struct DoneView<'a> {
    /// What was done, in a few words.
    pub title: &'a str,
    /// What happens next, in a sentence.
    pub text: &'a str,
    /// The path and label of a link to another page of this site. If this field is `None`, the page links to the home
    /// page instead.
    pub action: Option<(&'a str, &'a str)>,
}

/// Renders a page that says what was done and what happens next, with a link.
pub(crate) fn done_page(shell: &Shell<'_>, view: &DoneView<'_>) -> Markup {
    let (url, label) = match view.action {
        Some((path, label)) => (shell.path(path), label),
        None => (shell.site.home.clone(), "Continue"),
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
                    h1 { (view.title) }
                    p { (view.text) }
                    p.actions { a.button.primary href=(url) { (label) } }
                }
            },
            ..Document::default()
        },
    )
}
