//! The HTML document around the content of a page: head, header, notice, main and footer.

use maud::{DOCTYPE, Markup, html};

use super::form;
use super::view::{Notice, NoticeKind, Shell, Viewer};

/// The parts that differ from page to page.
pub(super) struct Page<'a> {
    /// The title, without the site's name.
    pub title: &'a str,
    /// The path of this page, if the navigation links to it.
    pub nav_path: Option<&'a str>,
    /// The width of the content.
    pub width: Width,
    /// A path on this site that the browser opens at once, by `<meta http-equiv=refresh>`.
    pub refresh_to: Option<&'a str>,
    /// The text that search engines show below the title. If it is `None`, search engines are told not to list the
    /// page.
    pub description: Option<&'a str>,
    /// Whether the page contains times. If so, a script shows them in the browser's time zone.
    pub has_times: bool,
    /// The content, with the page's one `h1`.
    pub main: Markup,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self {
            title: "",
            nav_path: None,
            width: Width::Narrow,
            refresh_to: None,
            description: None,
            has_times: false,
            main: Markup::default(),
        }
    }
}

/// The width of a page's content.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// One form or one message.
    Narrow,
    /// Several sections.
    Medium,
    /// Sections side by side.
    Wide,
}

/// Renders the document.
pub(super) fn page(shell: &Shell<'_>, page: &Page<'_>) -> Markup {
    let width = match page.width {
        Width::Narrow => "narrow",
        Width::Medium => "medium",
        Width::Wide => "wide",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="theme-color" media="(prefers-color-scheme: light)" content="#ffffff";
                meta name="theme-color" media="(prefers-color-scheme: dark)" content="#12222b";
                @if let Some(path) = page.refresh_to {
                    meta http-equiv="refresh" content={ "0;url=" (path) };
                }
                title { (page.title) " · Hardtack" }
                @match page.description {
                    Some(text) => { meta name="description" content=(text); }
                    None => { meta name="robots" content="noindex"; }
                }
                link rel="icon" type="image/svg+xml" href="/assets/hardtack.svg";
                link rel="stylesheet" href="/assets/hardtack.css";
                @if page.has_times { script src="/assets/times.js" defer {} }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (header(shell, page.nav_path))
                main #main .(width) tabindex="-1" {
                    @if let Some(notice) = &shell.notice { (banner(notice)) }
                    (page.main)
                }
                footer.foot {
                    p { "Hardtack keeps you logged in with signed cookies that no script can read." }
                }
            }
        }
    }
}

/// Replaces the navigation of a page that was rendered before the site knew whether a user is logged in. The page gets
/// the navigation for the user or visitor in `shell`. Returns `None` if the page was already rendered for a user or
/// visitor.
pub(crate) fn with_navigation(page: &str, shell: &Shell<'_>) -> Option<String> {
    let unknown = header(&Shell::default(), None).into_string();
    page.contains(&unknown).then(|| page.replacen(&unknown, &header(shell, None).into_string(), 1))
}

fn header(shell: &Shell<'_>, nav_path: Option<&str>) -> Markup {
    let links: &[(&str, &str)] = match (&shell.viewer, shell.is_known || nav_path.is_some()) {
        (Some(_), _) => &[("/service", "Service"), ("/account", "Account"), ("/account/sessions", "Devices")],
        (None, true) => &[("/login", "Log in"), ("/signup", "Sign up")],
        // An error page may be rendered before the user is known, so it does not offer to log in.
        (None, false) => &[("/", "Home")],
    };
    html! {
        header.bar {
            div.bar-inner.known[shell.viewer.is_some()] {
                a.brand href="/" aria-current=[(nav_path == Some("/")).then_some("page")] {
                    img src="/assets/hardtack.svg" alt="" width="36" height="36";
                    span { "Hardtack" }
                }
                nav.menu aria-label="Site" {
                    ul {
                        @for &(path, label) in links {
                            li {
                                a href=(path) aria-current=[(nav_path == Some(path)).then_some("page")] { (label) }
                            }
                        }
                    }
                }
                @if let Some(viewer) = &shell.viewer { (user_menu(viewer)) }
            }
        }
    }
}

/// Renders the name of the user and the log-out button.
fn user_menu(viewer: &Viewer<'_>) -> Markup {
    html! {
        div.who {
            p {
                span.unseen { "Logged in as " }
                bdi { (viewer.name) }
            }
            form method="post" action="/logout" {
                (form::csrf(&viewer.csrf_token))
                button.button.quiet.small type="submit" { "Log out" }
            }
        }
    }
}

fn banner(notice: &Notice<'_>) -> Markup {
    // For people who cannot see the colour, the icon has the same meaning. For screen readers, a hidden word has the
    // same meaning.
    let (class, kind, icon) = match notice.kind {
        NoticeKind::Info => ("info", "Note: ", "M10 9v5.5M10 5.6v.3"),
        NoticeKind::Success => ("success", "Done: ", "M5.5 10.6l3 3 6-6.6"),
        NoticeKind::Problem => ("problem", "Problem: ", "M10 5.2v5.6M10 14.2v.3"),
    };
    let role = if notice.kind == NoticeKind::Problem { "alert" } else { "status" };
    html! {
        div.notice.(class) role=(role) {
            svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false" {
                circle cx="10" cy="10" r="9" fill="none" stroke="currentColor" stroke-width="1.6" {}
                path d=(icon) fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {}
            }
            p {
                span.unseen { (kind) }
                (notice.text)
            }
        }
    }
}
