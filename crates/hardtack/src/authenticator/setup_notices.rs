//! Warnings about mistakes in the application's setup that Hardtack notices while it handles requests. Each warning is
//! logged only once, except for the warning about a missing page, which is logged once for each missing page.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::config::Settings;
use crate::csrf::{CsrfError, same_origin_page};
use crate::developer_notice;
use crate::refusal::{Reason, Reply};
use crate::request::{Authority, RequestHead, loggable_path};
use crate::urls::Urls;

/// Which warnings have been logged.
#[derive(Debug, Default)]
pub(crate) struct SetupNotices {
    other_address: AtomicBool,
    unsent_cookie: AtomicBool,
    /// The missing pages for which a warning has been logged.
    missing: LogInPages,
    /// The pages that have not been requested since a refusal redirected a browser to them. Such a page might not
    /// exist.
    awaited: LogInPages,
}

/// One of the pages of the log-in flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogInPage {
    LogIn,
    Refresh,
    Reauthenticate,
}

impl LogInPage {
    /// Returns the page of the log-in flow that has this path.
    fn at(path: &str, urls: &Urls) -> Option<Self> {
        let pages =
            [(&urls.login, Self::LogIn), (&urls.refresh, Self::Refresh), (&urls.reauthenticate, Self::Reauthenticate)];
        pages.into_iter().find(|(url, _)| path == url.as_str()).map(|(_, page)| page)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of pages, with one bit for each page.
#[derive(Debug, Default)]
struct LogInPages(AtomicU8);

impl LogInPages {
    #[inline]
    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Adds the page, and returns whether it was not in the set yet.
    fn insert(&self, page: LogInPage) -> bool {
        self.0.fetch_or(page.bit(), Ordering::Relaxed) & page.bit() == 0
    }

    /// Removes the page, and returns whether it was in the set.
    fn remove(&self, page: LogInPage) -> bool {
        self.0.fetch_and(!page.bit(), Ordering::Relaxed) & page.bit() != 0
    }
}

impl SetupNotices {
    /// Checks whether a mistake in the setup might have caused a refusal. If `reply` redirects the browser to a page of
    /// the log-in flow, also remembers that page.
    pub(crate) fn notice_refusal(&self, reason: &Reason, reply: &Reply, head: &RequestHead<'_>, settings: &Settings) {
        if matches!(reason, Reason::Csrf(CsrfError::CrossSite)) {
            self.notice_other_address(head, settings);
        }
        let mut locations = reply.headers.iter().filter(|(name, _)| matches!(*name, "location" | "hx-redirect"));
        let path = locations.next().and_then(|(_, url)| url.split('?').next());
        if let Some(page) = path.and_then(|path| LogInPage::at(path, &settings.urls)) {
            self.awaited.insert(page);
        }
    }

    /// Logs a warning if a page sends a request to its own server, but the page's origin differs from the base URL's
    /// origin. The browser's `Sec-Fetch-Site` field shows whether the request goes to the page's own server. If this
    /// field is missing, the page's host is compared with the request's host.
    fn notice_other_address(&self, head: &RequestHead<'_>, settings: &Settings) {
        let Some(base) = &settings.base else { return };
        let Some(origin) = same_origin_page(head).or_else(|| same_host_page(head)) else { return };
        let is_known = base.is_origin(origin.as_bytes()) || base.is_loopback_origin(origin.as_bytes());
        if is_known || self.other_address.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = format!(
            "a request from {origin} was refused, because the base URL is {}; if {origin} is the address of your site, \
             {}",
            base.origin(),
            settings.names.or("write base_url", format!("write .base_url(\"{origin}\")"))
        );
        tracing::warn!(event = "base_url_differs", "{text}");
        developer_notice::print("base_url_differs", &text);
    }

    /// Logs that a route needs a token, but that browsers do not send the access cookie to the route's path. Only the
    /// first such request triggers a warning, because strangers can send any number of such requests.
    #[cold]
    pub(super) fn notice_unsent_access_cookie(&self, path: &str) {
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    event = "access_cookie_not_sent",
                    path = loggable_path(path),
                    "this route needs a token, but browsers do not send the access cookie to this path; add the path \
                     to CookiePolicy::access_paths"
                )
            };
        }
        match self.unsent_cookie.swap(true, Ordering::Relaxed) {
            false => log!(warn),
            true => log!(debug),
        }
    }

    /// Returns whether a page of the log-in flow is still awaited. A page is awaited from the time a refusal redirects
    /// a browser to it until a browser requests it.
    #[inline]
    pub(super) fn awaits_page(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Returns the page with this path, if a browser was redirected to it and no browser has requested it since.
    #[cold]
    pub(super) fn awaited_page(&self, path: &str, settings: &Settings) -> Option<LogInPage> {
        let page = LogInPage::at(&settings.public_path(path), &settings.urls)?;
        self.awaited.remove(page).then_some(page)
    }

    /// Warns that a page of the log-in flow does not exist.
    pub(super) fn notice_missing_page(&self, page: LogInPage, settings: &Settings) {
        if !self.missing.insert(page) {
            return;
        }
        let urls = &settings.urls;
        let (url, setter, who, handlers) = match page {
            LogInPage::LogIn => (&urls.login, "login", "must log in", "get(log_in_page).post(log_in)"),
            LogInPage::Refresh => (&urls.refresh, "refresh", "need new tokens", "get(refresh).post(refresh)"),
            LogInPage::Reauthenticate => {
                let handlers = "get(password_page).post(reauthenticate)";
                (&urls.reauthenticate, "reauthenticate", "must enter their password again", handlers)
            }
        };
        let inner = urls.without_base_path(url);
        let below = if inner == url {
            String::new()
        } else {
            format!(
                " (if the router is nested below the base URL's path, or if a proxy strips this path, use \"{inner}\", or \
                 PasswordLogIn::without_base_path)"
            )
        };
        let text = format!(
            "users who {who} are sent to {url}, which responds with 404; add a route such as .route(\"{url}\", \
             {handlers}){below}, or set a different page with .urls(Urls::default().{setter}(\"/…\"))"
        );
        tracing::error!(event = "log_in_page_missing", "{text}");
        developer_notice::print(&format!("log_in_page_missing {url}"), &text);
    }
}

/// Returns the origin of the page that sent the request, if the page has the same host as the request.
fn same_host_page<'a>(head: &RequestHead<'a>) -> Option<&'a str> {
    let [Some(origin), None] = head.headers().first_two("origin") else { return None };
    let origin = std::str::from_utf8(origin).ok()?;
    let (scheme, host) = origin.split_once("://")?;
    let is_same = matches!(scheme, "http" | "https") && Authority::parse(host).is_some() && head.host() == Some(host);
    is_same.then_some(origin)
}
