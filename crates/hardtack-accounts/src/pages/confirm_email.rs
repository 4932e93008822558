//! `/email/confirm`.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::{Shell, form};

/// One button, which posts `csrf_token`: a program that opens links ahead of people presses none.
pub(crate) fn confirm_email(shell: &Shell<'_>, csrf_token: &str, username: &str) -> Markup {
    page(
        shell,
        &Page {
            title: "Confirm your email address",
            here: None,
            width: Width::Narrow,
            continue_to: None,
            main: html! {
                div.card {
                    h1 { "Confirm your email address" }
                    p { "This makes the address to which the link was sent that of " bdi.name { (username) } ". If that is not you, close this page." }
                    form method="post" action="/email/confirm" {
                        (form::csrf(csrf_token))
                        button.button.primary.full type="submit" { "Confirm" }
                    }
                }
            },
        },
    )
}
