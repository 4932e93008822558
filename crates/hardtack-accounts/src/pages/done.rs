//! A page that reports a success. The site sends this page instead of a redirect if the browser's next request might
//! fail, for example because the session store is down.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::view::Shell;

/// The values that the page shows.
pub(crate) struct DoneView<'a> {
    /// What was done, in a few words.
    pub title: &'a str,
    /// What happens next, in a sentence.
    pub text: &'a str,
    /// The path and the label of a link.
    pub action: (&'a str, &'a str),
}

/// Renders what was done, what happens next, and a link.
pub(crate) fn done_page(shell: &Shell<'_>, view: &DoneView<'_>) -> Markup {
    let (path, label) = view.action;
    page(
        shell,
        &Page {
            title: view.title,
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { (view.title) }
                    p { (view.text) }
                    p.actions { a.button.primary href=(path) { (label) } }
                }
            },
            ..Page::default()
        },
    )
}
