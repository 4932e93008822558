//! The HTML document around a page's content: head, header, notice, main and footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::form;
use super::view::{Notice, NoticeKind, Shell, Viewer};
use crate::settings::{Page, PageView};

/// The parts of a document that differ from page to page.
pub(super) struct Document<'a> {
    /// Which page this is.
    pub page: Page,
    /// The title, without the site's name.
    pub title: &'a str,
    /// This page's path on the site, if the navigation links to the page.
    pub nav_path: Option<&'a str>,
    /// The width of the content.
    pub width: Width,
    /// A path on this site to which the browser goes immediately, through `<meta http-equiv=refresh>`.
    pub refresh_to: Option<&'a str>,
    /// The text that search engines show below the title. If it is `None`, search engines are told not to list the
    /// page.
    pub description: Option<&'a str>,
    /// Whether the page contains times. If so, a script shows them in the browser's time zone.
    pub has_times: bool,
    /// The content, including the page's only `h1`.
    pub main: Markup,
}

impl Default for Document<'_> {
    fn default() -> Self {
        Self {
            page: Page::Message,
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

/// Renders the document. If the application has a template for this page, the template renders it.
pub(super) fn page(shell: &Shell<'_>, document: &Document<'_>) -> Markup {
    let Some(template) = shell.site.templates.get(document.page) else { return own_page(shell, document) };
    let view = PageView {
        page: document.page,
        title: document.title,
        site_name: &shell.site.name,
        user: shell.viewer.as_ref().map(|viewer| viewer.name),
        head: head(shell, document).into_string(),
        notice: shell.notice.as_ref().map(|notice| banner(notice).into_string()).unwrap_or_default(),
        content: document.main.clone().into_string(),
        log_out: shell.viewer.as_ref().map(|viewer| log_out(shell, viewer).into_string()).unwrap_or_default(),
    };
    PreEscaped(template(&view))
}

fn own_page(shell: &Shell<'_>, document: &Document<'_>) -> Markup {
    let width = match document.width {
        Width::Narrow => "narrow",
        Width::Medium => "medium",
        Width::Wide => "wide",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head { (head(shell, document)) }
            body {
                a.skip href="#main" { "Skip to content" }
                (header(shell, document.nav_path))
                main #main .(width) tabindex="-1" {
                    @if let Some(notice) = &shell.notice { (banner(notice)) }
                    (document.main)
                }
                footer.foot {
                    @if shell.site.is_demo {
                        p { "Hardtack keeps you logged in with signed cookies that no script can read." }
                    } @else {
                        p { a href=(shell.site.home) { (home_label(shell)) } }
                    }
                }
            }
        }
    }
}

/// Renders the elements of `<head>`.
fn head(shell: &Shell<'_>, document: &Document<'_>) -> Markup {
    let site = shell.site;
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        @if site.is_demo {
            meta name="theme-color" media="(prefers-color-scheme: light)" content="#ffffff";
            meta name="theme-color" media="(prefers-color-scheme: dark)" content="#12222b";
        }
        @if let Some(path) = document.refresh_to {
            meta http-equiv="refresh" content={ "0;url=" (path) };
        }
        title {
            (document.title)
            @if !site.name.is_empty() { " · " (site.name) }
        }
        @match document.description {
            Some(text) => { meta name="description" content=(text); }
            None => { meta name="robots" content="noindex"; }
        }
        @if let Some(logo) = &site.logo {
            link rel="icon" type=[site.is_demo.then_some("image/svg+xml")] href=(logo);
        }
        link rel="stylesheet" href=(site.stylesheet());
        @for path in &site.stylesheets { link rel="stylesheet" href=(path); }
        @if document.has_times { script src=(shell.path("/assets/times.js")) defer {} }
    }
}

/// Returns the text of a link to the home page.
fn home_label<'a>(shell: &Shell<'a>) -> &'a str {
    if shell.site.name.is_empty() { "Home" } else { &shell.site.name }
}

/// Replaces the navigation of a page that was rendered before the site knew whether a user was logged in. The new
/// navigation is for the user or visitor in `shell`. Returns `None` if the page was already rendered for a user or
/// visitor, or if it was rendered by one of the application's templates.
pub(crate) fn with_navigation(page: &str, shell: &Shell<'_>) -> Option<String> {
    let unknown = header(&Shell::unknown(shell.site), None).into_string();
    page.contains(&unknown).then(|| page.replacen(&unknown, &header(shell, None).into_string(), 1))
}

/// Returns the navigation links. Each link consists of the page's path within the site, its URL and its label.
fn links(shell: &Shell<'_>, nav_path: Option<&str>) -> Vec<(&'static str, String, &'static str)> {
    let own = |path, label| (path, shell.path(path), label);
    let mut links = Vec::new();
    match (&shell.viewer, shell.is_known || nav_path.is_some()) {
        (Some(_), _) => {
            if shell.site.is_demo {
                links.push(own("/service", "Service"));
            }
            links.extend([own("/account", "Account"), own("/account/sessions", "Devices")]);
        }
        (None, true) => {
            links.push(("/login", shell.site.log_in.clone(), "Log in"));
            if shell.site.lets_sign_up() {
                links.push(("/signup", shell.site.sign_up.clone(), "Sign up"));
            }
        }
        // An error page may be rendered before the user is known, so it has no link to the log-in page.
        (None, false) => links.push(("/", shell.site.home.clone(), "Home")),
    }
    links
}

fn header(shell: &Shell<'_>, nav_path: Option<&str>) -> Markup {
    html! {
        header.bar {
            div.bar-inner.known[shell.viewer.is_some()] {
                a.brand href=(shell.site.home) aria-current=[(nav_path == Some("/")).then_some("page")] {
                    @if let Some(logo) = &shell.site.logo { img src=(logo) alt="" width="36" height="36"; }
                    span { (home_label(shell)) }
                }
                nav.menu aria-label="Site" {
                    ul {
                        @for (path, url, label) in links(shell, nav_path) {
                            li {
                                a href=(url) aria-current=[(nav_path == Some(path)).then_some("page")] { (label) }
                            }
                        }
                    }
                }
                @if let Some(viewer) = &shell.viewer { (user_menu(shell, viewer)) }
            }
        }
    }
}

/// Renders the user's name and the log-out button.
fn user_menu(shell: &Shell<'_>, viewer: &Viewer<'_>) -> Markup {
    html! {
        div.who {
            p {
                span.unseen { "Logged in as " }
                bdi { (viewer.name) }
            }
            (log_out(shell, viewer))
        }
    }
}

/// Renders the form with the log-out button.
fn log_out(shell: &Shell<'_>, viewer: &Viewer<'_>) -> Markup {
    html! {
        form method="post" action=(shell.path("/logout")) {
            (form::csrf(&viewer.csrf_token))
            button.button.quiet.small type="submit" { "Log out" }
        }
    }
}

fn banner(notice: &Notice<'_>) -> Markup {
    // The icon tells people who cannot see the color what the color means, and a hidden word tells screen readers.
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
