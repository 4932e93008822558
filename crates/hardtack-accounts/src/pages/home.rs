//! The home page.

use maud::{Markup, html};

use super::layout::{Document, Width, page};
use super::view::Shell;
use crate::settings::Page;

/// Renders the home page, for visitors and for users who are logged in.
pub(crate) fn home(shell: &Shell<'_>) -> Markup {
    page(
        shell,
        &Document {
            page: Page::Message,
            title: "Home",
            nav_path: Some("/"),
            width: Width::Wide,
            description: Some("Log in once, see every device where you are logged in, and log out any of them."),
            main: html! {
                section.hero {
                    div {
                        @if let Some(viewer) = &shell.viewer {
                            h1 { "You are logged in as " bdi.name { (viewer.name) } }
                        } @else {
                            h1 { span { "Log in once." } " " span { "Log out everywhere." } }
                        }
                        p.lead {
                            "This site keeps you logged in with two signed cookies. "
                            "Every request carries the short-lived cookie. "
                            "The longer-lived cookie renews it. "
                            "You can see every device where you are logged in, and log out any of them."
                        }
                        @if shell.viewer.is_none() {
                            p.actions {
                                @if shell.site.lets_sign_up() { a.button.primary href=(shell.site.sign_up) { "Sign up" } }
                                a.button.quiet href=(shell.site.log_in) { "Log in" }
                            }
                        }
                    }
                    img.mark src=(shell.path("/assets/hardtack.svg")) alt="" width="176" height="176";
                }
                h2.unseen { "Pages" }
                ul.tiles {
                    (tile(shell, "/service", "Service", "A page that only logged-in users can see."))
                    (tile(
                        shell,
                        "/account",
                        "Account",
                        "Change your name, email and password. You may have to enter your password again.",
                    ))
                    (tile(
                        shell,
                        "/account/sessions",
                        "Devices",
                        "See every device where you are logged in, and log out any of them.",
                    ))
                }
            },
            ..Document::default()
        },
    )
}

fn tile(shell: &Shell<'_>, path: &str, title: &str, text: &str) -> Markup {
    html! {
        li.tile {
            h3 { a href=(shell.path(path)) { (title) } }
            p { (text) }
        }
    }
}
