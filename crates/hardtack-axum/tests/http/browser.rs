//! The AJAX example in a browser, over http on a loopback address, as readers run it.

use hardtack_test_support::{Browser, BrowserOptions};

use crate::ajax_example;
use crate::site::Site;

#[tokio::test]
async fn the_ajax_page_logs_in_changes_and_logs_out() {
    let people = ajax_example::people::People::new().unwrap();
    let configure = |builder: hardtack::AuthenticatorBuilder| builder.base_url("http://127.0.0.1:8080");
    let site = Site::bare(configure, |auth| ajax_example::app(auth, people)).await;
    let browser = Browser::start(BrowserOptions::default()).await.unwrap();
    browser.goto(&format!("http://{}", site.address)).await.unwrap();
    shows(&browser, "Log in").await;
    browser.fill("username", "bob").await.unwrap();
    browser.fill("password", "guess").await.unwrap();
    browser.click("#login").await.unwrap();
    shows(&browser, "Name and password do not match.").await;
    browser.fill("password", "battery staple").await.unwrap();
    browser.click("#login").await.unwrap();
    shows(&browser, "bob is called Bobby.").await;

    site.expire_access();
    browser.fill("nickname", "<i>Rob</i>").await.unwrap();
    browser.click("#rename").await.unwrap();
    shows(&browser, "bob is called <i>Rob</i>.").await;
    browser.fill("nickname", " ").await.unwrap();
    browser.click("#rename").await.unwrap();
    shows(&browser, "The nickname is empty; enter at least one character.").await;

    // Another device ends the session, and the page says so.
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
