//! The page `/email/confirm`.

use maud::{Markup, html};

use super::form;
use super::layout::{Page, Width, page};
use super::view::Shell;

/// Renders one button that posts `csrf_token` and `link`: mail scanners open links, but press no buttons.
pub(crate) fn confirm_email(shell: &Shell<'_>, csrf_token: &str, form_key: &str, username: &str) -> Markup {
    page(
        shell,
        &Page {
            title: "Confirm your email address",
            nav_path: None,
            width: Width::Narrow,
            main: html! {
                div.card {
                    h1 { "Confirm your email address" }
                    p { "The address that this link was sent to will be confirmed for the account " bdi.name { (username) } ". If that is not your account, close this page." }
                    form method="post" action="/email/confirm" {
                        (form::csrf(csrf_token))
                        (form::link(form_key))
                        button.button.primary.full type="submit" { "Confirm" }
                    }
                }
            },
            ..Page::default()
        },
    )
}
