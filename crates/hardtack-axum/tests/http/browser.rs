//! Both examples in a browser, over plain http on a loopback address, as their readers run them.

use axum::Router;
use hardtack::{Authenticator, RefreshMode};
use hardtack_conformance::{Browser, BrowserOptions};

use crate::site::{ACCESS_LIFE, Site};
use crate::{ajax_example, tutorial_example};

async fn open(
    mode: RefreshMode,
    app: impl FnOnce(Authenticator) -> Router,
    javascript: bool,
) -> (Site, Browser, String) {
    // The port of the base URL is another one: behind a forwarded port it is, too.
    let site = Site::bare(|builder| builder.base_url("http://127.0.0.1:8080").refresh_mode(mode), app).await;
    let browser = Browser::start(BrowserOptions { javascript, ..BrowserOptions::default() }).await.unwrap();
    let base = format!("http://{}", site.address);
    (site, browser, base)
}

#[tokio::test]
async fn the_tutorial_without_scripts() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let people = tutorial_example::people::People::new().unwrap();
        let (site, browser, base) = open(mode, |auth| tutorial_example::app(auth, people), false).await;
        browser.goto(&format!("{base}/service")).await.unwrap();
        browser.fill("username", "alice").await.unwrap();
        browser.fill("password", "correct horse").await.unwrap();
        browser.submit("main form").await.unwrap();
        assert_eq!(browser.path().await.unwrap(), "/service");
        assert!(browser.text().await.unwrap().contains("At your service, Allie."));
        let access = browser.cookie("access_token_cookie").await.unwrap().unwrap();
        assert_eq!(access.http_only(), Some(true));

        browser.goto(&format!("{base}/account")).await.unwrap();
        browser.fill("nickname", "<b>\"Al\" & Co</b>").await.unwrap();
        // The form stays open until its token has expired: the password is asked for, and nothing is lost.
        site.clock.advance(ACCESS_LIFE);
        browser.submit("main form").await.unwrap();
        assert_eq!(browser.path().await.unwrap(), "/reauthenticate?next=%2Faccount", "{mode:?}");
        browser.fill("password", "correct horse").await.unwrap();
        browser.submit("main form").await.unwrap();
        assert_eq!(browser.path().await.unwrap(), "/account");
        browser.fill("nickname", "<b>\"Al\" & Co</b>").await.unwrap();
        browser.submit("main form").await.unwrap();
        browser.goto(&format!("{base}/service")).await.unwrap();
        assert!(browser.text().await.unwrap().contains("At your service, <b>\"Al\" & Co</b>."));

        site.clock.advance(ACCESS_LIFE);
        browser.goto(&format!("{base}/service")).await.unwrap();
        assert_eq!(browser.path().await.unwrap(), "/service", "{mode:?}");
        browser.submit("form[action='/logout']").await.unwrap();
        assert!(browser.text().await.unwrap().contains("You are nobody."));
        assert!(browser.cookie("access_token_cookie").await.unwrap().is_none());
        browser.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_page_of_scripts() {
    let people = ajax_example::people::People::new().unwrap();
    let (site, browser, base) = open(RefreshMode::Transparent, |auth| ajax_example::app(auth, people), true).await;
    browser.goto(&base).await.unwrap();
    shows(&browser, "Log in").await;
    browser.fill("username", "bob").await.unwrap();
    browser.fill("password", "guess").await.unwrap();
    browser.click("#login").await.unwrap();
    shows(&browser, "Name and password do not match.").await;
    browser.fill("password", "battery staple").await.unwrap();
    browser.click("#login").await.unwrap();
    shows(&browser, "bob is called Bobby.").await;

    site.clock.advance(ACCESS_LIFE);
    browser.fill("nickname", "<i>Rob</i>").await.unwrap();
    browser.click("#rename").await.unwrap();
    shows(&browser, "bob is called <i>Rob</i>.").await;
    browser.fill("nickname", " ").await.unwrap();
    browser.click("#rename").await.unwrap();
    shows(&browser, "A nickname needs a letter at least.").await;

    // Somebody ended the session elsewhere: the page says so.
    site.auth.revoke_all_sessions("bob").await.unwrap();
    browser.fill("nickname", "Bob").await.unwrap();
    browser.click("#rename").await.unwrap();
    shows(&browser, "Your session was ended. Log in again.").await;
    shows(&browser, "Password").await;
    browser.fill("username", "bob").await.unwrap();
    browser.fill("password", "battery staple").await.unwrap();
    browser.click("#login").await.unwrap();
    shows(&browser, "bob is called <i>Rob</i>.").await;
    browser.click("#logout").await.unwrap();
    shows(&browser, "Password").await;
    assert!(browser.cookie("access_token_cookie").await.unwrap().is_none());
    browser.close().await.unwrap();
}

/// Waits until a script has put `text` on the page.
async fn shows(browser: &Browser, text: &str) {
    let script = "const [text, done] = arguments; \
        const look = () => document.body.innerText.includes(text) ? done(true) : requestAnimationFrame(look); look();";
    let found = browser.session().execute_async(script, vec![text.into()]).await;
    if let Err(error) = found {
        panic!("{text:?} never appears: {error}; there is {:?}", browser.text().await);
    }
}
