//! `GET /logout`: a link cannot log anyone out, so it asks.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::{Shell, form};

/// Asks whether to log out; the button posts to `/logout`.
pub(crate) fn logout_confirm(shell: &Shell<'_>, csrf_token: &str) -> Markup {
    page(
        shell,
        &Page {
            title: "Log out",
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Log out?" }
                    p { "You will be logged out on this device only. Your other devices stay logged in." }
                    form.actions method="post" action="/logout" {
                        (form::csrf(csrf_token))
                        button.button.primary type="submit" { "Log out" }
                        a.button.quiet href="/" { "Stay logged in" }
                    }
                }
            },
        },
    )
}
