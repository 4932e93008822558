//! The page `/token/refresh`. Visitors see this page after they have followed a link from another site.

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::view::Shell;
use super::{form, url};
use crate::settings::Page;

/// Renders a button that posts `next` to `/token/refresh`.
///
/// If `continue_url` is a path on this site, the page also tells the browser to open that path at once. Any other URL
/// is ignored.
pub(crate) fn continue_refresh(
    shell: &Shell<'_>,
    csrf_token: &str,
    next: Option<&str>,
    continue_url: Option<&str>,
) -> Markup {
    page(
        shell,
        &Document {
            page: Page::Continue,
            title: "Continue",
            nav_path: None,
            width: Width::Narrow,
            refresh_to: continue_url.and_then(url::local),
            main: html! {
                div.card {
                    h1 { "Welcome back" }
                    p { "You are still logged in. Continue to where you were going." }
                    form method="post" action=(shell.path("/token/refresh")) {
                        (form::csrf(csrf_token))
                        (form::next(next))
                        button.button.primary.full type="submit" { "Continue" }
                    }
                }
            },
            ..Document::default()
        },
    )
}
