//! The home page.

use maud::{Markup, html};

use super::layout::{Page, Width, page};
use super::view::Shell;

/// Renders the home page, for visitors and for users who are logged in.
pub(crate) fn home(shell: &Shell<'_>) -> Markup {
    page(
        shell,
        &Page {
            title: "Home",
            nav_path: Some("/"),
            width: Width::Wide,
            description: Some("Log in once, see every device where you are logged in, and log out any device."),
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
                            "The longer-lived cookie renews the short-lived cookie. "
                            "You can see every device where you are logged in, and log out any device."
                        }
                        @if shell.viewer.is_none() {
                            p.actions {
                                a.button.primary href="/signup" { "Sign up" }
                                a.button.quiet href="/login" { "Log in" }
                            }
                        }
                    }
                    img.mark src="/assets/hardtack.svg" alt="" width="176" height="176";
                }
                h2.unseen { "Pages" }
                ul.tiles {
                    (tile("/service", "Service", "A page that only logged-in users can see."))
                    (tile(
                        "/account",
                        "Account",
                        "Change your name, email and password. You may have to enter your password again.",
                    ))
                    (tile("/account/sessions", "Devices", "See where you are logged in, and log out any device."))
                }
            },
            ..Page::default()
        },
    )
}

fn tile(path: &str, title: &str, text: &str) -> Markup {
    html! {
        li.tile {
            h3 { a href=(path) { (title) } }
            p { (text) }
        }
    }
}
