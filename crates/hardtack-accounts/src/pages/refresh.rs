//! `GET /token/refresh`, when it cannot be done without being seen.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::{Shell, form, link};

/// One button, which posts to `/token/refresh` with `next`.
///
/// With `continue_url`, a path on this origin, the browser goes there at once by itself and the button
/// is for browsers that don't. An address elsewhere is left out.
pub(crate) fn refresh_confirm(
    shell: &Shell<'_>,
    csrf_token: &str,
    next: Option<&str>,
    continue_url: Option<&str>,
) -> Markup {
    page(
        shell,
        &Page {
            title: "Continue",
            here: None,
            width: Width::Narrow,
            continue_to: continue_url.and_then(link::local),
            main: html! {
                div.card {
                    h1 { "Welcome back" }
                    p { "You are still logged in. Continue to where you were going." }
                    form method="post" action="/token/refresh" {
                        (form::csrf(csrf_token))
                        (form::next(next))
                        button.button.primary.full type="submit" { "Continue" }
                    }
                }
            },
        },
    )
}
