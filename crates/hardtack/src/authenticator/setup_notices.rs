//! Warnings about mistakes in the application's setup. Hardtack notices these mistakes when it handles requests. Each
//! warning is logged once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Settings;
use crate::csrf::CsrfError;
use crate::developer_notice;
use crate::refusal::{FailureKind, Reason};
use crate::request::{Authority, RequestHead};

/// Which warnings have been logged.
#[derive(Debug, Default)]
pub(crate) struct SetupNotices {
    other_address: AtomicBool,
    missing_page: AtomicBool,
    /// Set to `true` when the response to a refused request may redirect the browser to a page of the log-in flow. The
    /// page may not exist. Set to `false` when such a page is requested.
    awaits_page: AtomicBool,
}

/// A page of the log-in flow that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogInPage {
    LogIn,
    Refresh,
    Reauthenticate,
}

impl SetupNotices {
    /// Checks whether a mistake in the setup may have caused a refusal.
    pub(crate) fn notice_refusal(&self, reason: &Reason, head: &RequestHead<'_>, settings: &Settings) {
        match reason.kind() {
            FailureKind::NotFresh | FailureKind::RefreshNeeded | FailureKind::Missing if !self.awaits_page() => {
                self.awaits_page.store(true, Ordering::Relaxed);
            }
            _ if matches!(reason, Reason::Csrf(CsrfError::CrossSite)) => self.notice_other_address(head, settings),
            _ => {}
        }
    }

    /// Warns if a page has sent a request to its own host, but its origin is not the origin of the base URL.
    fn notice_other_address(&self, head: &RequestHead<'_>, settings: &Settings) {
        let Some(base) = &settings.base else { return };
        let [Some(origin), None] = head.headers().first_two("origin") else { return };
        let origin = std::str::from_utf8(origin).unwrap_or_default();
        let is_own_host = origin.split_once("://").is_some_and(|(scheme, host)| {
            matches!(scheme, "http" | "https") && Authority::parse(host).is_some() && head.host() == Some(host)
        });
        let is_known = base.is_origin(origin.as_bytes()) || base.is_loopback_origin(origin.as_bytes());
        if !is_own_host || is_known || self.other_address.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = format!(
            "a request was refused, because it came from {origin}, and the base URL is {}; if {origin} is the address \
             of your site, write .base_url(\"{origin}\")",
            base.origin()
        );
        tracing::warn!(event = "base_url_differs", "{text}");
        developer_notice::print("base_url_differs", &text);
    }

    /// Whether a browser may have been redirected to a page of the log-in flow, because its request was refused.
    #[inline]
    pub(super) fn awaits_page(&self) -> bool {
        self.awaits_page.load(Ordering::Relaxed)
    }

    /// Returns the page of the log-in flow that has this path. Returns `None` if no such page has this path.
    #[cold]
    pub(super) fn awaited_page(&self, path: &str, settings: &Settings) -> Option<LogInPage> {
        let (path, urls) = (settings.public_path(path), &settings.urls);
        let pages = [
            (&urls.login, LogInPage::LogIn),
            (&urls.refresh, LogInPage::Refresh),
            (&urls.reauthenticate, LogInPage::Reauthenticate),
        ];
        let (_, page) = pages.into_iter().find(|(url, _)| path == url.as_str())?;
        self.awaits_page.store(false, Ordering::Relaxed);
        Some(page)
    }

    /// Warns that a page of the log-in flow does not exist.
    pub(super) fn notice_missing_page(&self, page: LogInPage, settings: &Settings) {
        if self.missing_page.swap(true, Ordering::Relaxed) {
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
        let text = format!(
            "users who {who} are sent to {url}, which responds with 404; add a route such as .route(\"{url}\", \
             {handlers}), or name another page with .urls(Urls::default().{setter}(\"/…\"))"
        );
        tracing::error!(event = "log_in_page_missing", "{text}");
        developer_notice::print("log_in_page_missing", &text);
    }
}
