//! The Back button after a session has ended. Chromium keeps whole pages in memory (back/forward cache), in spite of
//! `Cache-Control: no-store`: at least the page that a log-in led to.
//!
//! Chromium applies `Clear-Site-Data` before it puts the page of the log-out itself into that cache, so these tests
//! leave the first page of the session before they log out.

use hardtack_test_support::BrowserOptions;

use super::Person;
use crate::support::{Options, PASSWORD, TestSite};

/// Logs in, and leaves the page that the log-in led to.
async fn logged_in<'a>(site: &'a TestSite, javascript: bool) -> Person<'a> {
    let ada = Person::at(site, BrowserOptions { javascript, ..BrowserOptions::default() }).await;
    ada.opens("/login?next=/service").await;
    ada.logs_in("ada", PASSWORD).await;
    ada.is_at("/service").await;
    ada.clicks("nav a[href='/account/sessions']").await;
    ada.is_at("/account/sessions").await;
    ada.is_greeted_as("ada").await;
    ada
}

/// Goes back to both pages of the session.
async fn finds_nothing_behind(ada: &Person<'_>) {
    for asked in ["/login?next=%2Faccount%2Fsessions", "/login?next=%2Fservice"] {
        ada.browser.session().back().await.unwrap();
        ada.until(asked, || ada.browser.path(), |path| path == asked).await;
        ada.is_nobody().await;
        ada.does_not_see("Only people who are logged in").await;
    }
}

#[tokio::test]
async fn s86_e13_back_shows_no_page_of_the_session_after_a_log_out() {
    for javascript in [true, false] {
        let site = TestSite::start(Options::default()).await;
        site.person("ada").await;
        let ada = logged_in(&site, javascript).await;
        ada.logs_out().await;
        ada.is_at("/").await;
        ada.is_nobody().await;
        finds_nothing_behind(&ada).await;
    }
}

#[tokio::test]
async fn s86_back_shows_no_page_of_a_session_that_was_ended_elsewhere() {
    let site = TestSite::start(Options::default()).await;
    let mut telephone = site.person("ada").await;
    let ada = logged_in(&site, true).await;
    let ended = telephone.post("/account/sessions/revoke-others").accept_json().csrf().send().await;
    assert_eq!(ended.json()["revoked"], 1);
    ada.clicks("nav a[href='/service']").await;
    ada.is_at("/login").await;
    ada.sees("Your session has ended.").await;
    finds_nothing_behind(&ada).await;
}
