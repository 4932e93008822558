//! `/`: who is logged in, and what there is to see.

use maud::{Markup, html};

use super::Shell;
use super::layout::{Page, Width, page};

/// The home page, for anyone.
pub(crate) fn home(shell: &Shell<'_>) -> Markup {
    page(
        shell,
        &Page {
            title: "Home",
            here: Some("/"),
            width: Width::Wide,
            continue_to: None,
            main: html! {
                section.hero {
                    div {
                        @if let Some(viewer) = &shell.viewer {
                            h1 { "You are logged in as " bdi.name { (viewer.name) } }
                        } @else {
                            h1 { span { "Log in once." } " " span { "Log out everywhere." } }
                        }
                        p.lead {
                            "This site shows two signed cookies doing the work of a login: a short-lived one that every request carries, and a longer-lived one that renews it. "
                            "You can see each device where you are logged in, and log any of them out at once."
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
                    (tile("/service", "Service", "A page for anyone who is logged in."))
                    (tile("/account", "Account", "Your name, email and password. Asks for your password again if you typed it long ago."))
                    (tile("/account/sessions", "Devices", "Where you are logged in, and a way to log each one out."))
                }
            },
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
