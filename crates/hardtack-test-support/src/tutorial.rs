//! Tests that visit the tutorial's site. The tutorial examples for both frameworks run them.

use std::net::SocketAddr;
use std::time::Duration;

use hardtack::testing::TestClock;
use hardtack_conformance::{Client, Response};

use crate::browser::{Browser, BrowserOptions};
use crate::html::HtmlForms;

/// The lifetime that the site's access tokens must have.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Fills in a form on the page and submits it as a browser does.
async fn submit(client: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    let mut fields = page.form_fields(action);
    for (name, value) in typed {
        let field = fields.iter_mut().find(|(field, _)| field == name);
        field.unwrap_or_else(|| panic!("no field {name}")).1 = (*value).to_owned();
    }
    let to = if action.is_empty() { page.path() } else { action };
    client.post(to).accept_html().form(&fields).follow().await
}

async fn show(client: &mut Client, path: &str) -> Response {
    client.get(path).accept_html().follow().await
}

/// Visits the site, from the first page to the log-out, using only forms, like a browser without JavaScript.
///
/// # Panics
/// If the site does not behave as the tutorial says.
pub async fn by_forms(mut browser: Client, clock: &TestClock) {
    assert!(show(&mut browser, "/").await.text().contains("You are nobody."));

    // A visitor who is not logged in is redirected to the log-in form, and from there to the requested page.
    let login = show(&mut browser, "/service").await;
    assert_eq!(login.path(), "/login?next=%2Fservice");
    let wrong = submit(&mut browser, &login, "", &[("username", "alice"), ("password", "guess")]).await;
    assert_eq!(wrong.status(), 401);
    assert!(browser.cookie("__Host-access_token_cookie").is_none());
    let service = submit(&mut browser, &wrong, "", &[("username", "alice"), ("password", "correct horse")]).await;
    assert_eq!((service.path(), service.status().as_u16()), ("/service", 200));
    assert!(service.text().contains("At your service, Allie."));

    // Right after the log-in, the settings can be changed, and the page escapes the typed text.
    let account = show(&mut browser, "/account").await;
    let settings = "/account/change_settings";
    let changed = submit(&mut browser, &account, settings, &[("nickname", "<script>alert(1)</script>")]).await;
    assert_eq!((changed.path(), changed.status().as_u16()), ("/account", 200));
    assert!(!changed.text().contains("<script>"), "{}", changed.text());
    assert!(show(&mut browser, "/service").await.text().contains("At your service, &lt;script&gt;alert(1)"));

    // After 15 minutes, the user is still logged in, but has to enter the password again to change the settings.
    clock.advance(ACCESS_LIFETIME);
    assert!(show(&mut browser, "/").await.text().contains("You are alice."));
    let password = show(&mut browser, "/account").await;
    assert_eq!(password.path(), "/reauthenticate?next=%2Faccount");
    let stale = submit(&mut browser, &changed, settings, &[("nickname", "Eve")]).await;
    assert!(stale.path().starts_with("/reauthenticate"), "{}", stale.path());
    let wrong = submit(&mut browser, &password, "", &[("password", "guess")]).await;
    assert_eq!(wrong.status(), 401);
    let account = submit(&mut browser, &password, "", &[("password", "correct horse")]).await;
    assert_eq!((account.path(), account.status().as_u16()), ("/account", 200));
    submit(&mut browser, &account, settings, &[("nickname", "Al")]).await;
    assert!(show(&mut browser, "/service").await.text().contains("At your service, Al."));

    // A form without its CSRF value is refused.
    let forged = browser.post(settings).accept_html().form(&[("nickname", "Mallory")]).send().await;
    assert_eq!(forged.status(), 403);

    let copy = browser.clone();
    let home = submit(&mut browser, &account, "/logout", &[]).await;
    assert!(home.text().contains("You are nobody."));
    assert_eq!(show(&mut browser, "/service").await.path(), "/login?next=%2Fservice");
    assert_eq!(show(&mut copy.clone(), "/service").await.path(), "/login?next=%2Fservice&ended=1");
    let mut copy = copy;
    let refused = copy.post("/token/refresh").csrf().accept_json().send().await;
    assert_eq!(refused.status(), 401, "the copied refresh cookie is refused as well");
}

/// Checks that a visitor who comes back after two days has to log in again, and that the log-in page says why.
///
/// # Panics
/// If the site does not behave as the tutorial says.
pub async fn after_two_days(mut browser: Client, clock: &TestClock) {
    let login = show(&mut browser, "/login").await;
    submit(&mut browser, &login, "", &[("username", "bob"), ("password", "battery staple")]).await;
    clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let login = show(&mut browser, "/service").await;
    assert_eq!(login.path(), "/login?next=%2Fservice&ended=1");
    assert!(login.text().contains("Your session has ended."));
}

/// Visits the site with headless Chromium, over http and without JavaScript, in roughly the same steps as [`by_forms`].
///
/// # Panics
/// If the site does not behave as the tutorial says, or if the browser fails.
pub async fn in_chromium(address: SocketAddr, clock: &TestClock) {
    let browser = Browser::start(BrowserOptions { javascript: false, ..BrowserOptions::default() }).await.unwrap();
    let base = format!("http://{address}");
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
    // If the form is submitted after its token has expired, the site asks for the password.
    clock.advance(ACCESS_LIFETIME);
    browser.submit("main form").await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/reauthenticate?next=%2Faccount");
    browser.fill("password", "correct horse").await.unwrap();
    browser.submit("main form").await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/account");
    browser.fill("nickname", "<b>\"Al\" & Co</b>").await.unwrap();
    browser.submit("main form").await.unwrap();
    browser.goto(&format!("{base}/service")).await.unwrap();
    assert!(browser.text().await.unwrap().contains("At your service, <b>\"Al\" & Co</b>."));

    clock.advance(ACCESS_LIFETIME);
    browser.goto(&format!("{base}/service")).await.unwrap();
    assert_eq!(browser.path().await.unwrap(), "/service");
    browser.submit("form[action='/logout']").await.unwrap();
    assert!(browser.text().await.unwrap().contains("You are nobody."));
    assert!(browser.cookie("access_token_cookie").await.unwrap().is_none());
    browser.close().await.unwrap();
}
