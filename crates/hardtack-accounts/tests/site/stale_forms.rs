//! Forms without their session's current CSRF token that are sent after the access token has expired, and forms whose
//! token is not valid yet. Users keep what they typed, are told that nothing was changed, and can finish.

use hardtack_test_support::client::{Client, Response};

use crate::mail::{Mailing, set_email};
use crate::support::*;

const SETTINGS: &str = "/account/change_settings";

/// Whether the browser still sends the access token after it has expired.
const BOTH_BROWSERS: [bool; 2] = [true, false];

fn says(page: &Response, status: u16, text: &str) {
    assert_eq!(page.status(), status, "{}", page.text());
    assert!(page.text().contains(text), "{text}: {}", page.text());
}

/// Lets the access token of the browser expire.
fn expire(site: &TestSite, browser: &mut Client, keeps_token: bool) {
    site.expire_access();
    if !keeps_token {
        plant(browser, ACCESS, "");
    }
}

/// Sends an old form, and follows the link of the page that refuses it.
async fn send_old(browser: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    let refused = send(browser, page, action, typed).await;
    says(&refused, 403, "This form is out of date or incomplete");
    assert!(!refused.text().contains("href=\"/login\""), "{}", refused.text());
    assert!(!refused.text().contains("Check the form and send it again"), "{}", refused.text());
    let (_, link) = refused.text().split_once("class=\"button primary\" href=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    open(browser, &link).await
}

/// Sends a form of a page and follows the redirects.
async fn send(browser: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    browser.post(action).accept_html().form(&filled(page, action, typed)).follow().await
}

#[tokio::test]
async fn a08_an_old_form_with_an_expired_token_keeps_what_was_typed() {
    for (refresh, keeps_token) in BOTH_MODES.into_iter().flat_map(|mode| BOTH_BROWSERS.map(|keeps| (mode, keeps))) {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let old = open(&mut ada, "/account").await;
        // In another tab, the user logs out and in again.
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
        expire(&site, &mut ada, keeps_token);
        let typed = [("display_name", "Ada L."), ("current_password", "secret of ada")];
        let asked = send_old(&mut ada, &old, SETTINGS, &typed).await;
        assert_eq!(asked.path(), "/reauthenticate?next=%2Faccount%3Fdone%3Dkept", "{refresh:?} {keeps_token}");
        says(&asked, 200, "except passwords. Enter your password to check and save your changes.");
        assert!(!asked.text().contains("href=\"/login\""), "{}", asked.text());
        let again = send(&mut ada, &asked, "/reauthenticate", &[("password", PASSWORD)]).await;
        assert_eq!(again.path(), "/account?done=kept");
        says(&again, 200, "Check them, then save.");
        assert_eq!(field(&again, SETTINGS, "display_name"), "Ada L.");
        assert!(!again.text().contains("secret of ada"));
        let done = submit(&mut ada, &again, SETTINGS, &[]).await;
        assert_eq!(done.location(), Some("/account?done=settings"));
    }
}

#[tokio::test]
async fn a08_an_old_form_of_another_user_says_so_after_the_token_has_expired() {
    for (refresh, keeps_token) in BOTH_MODES.into_iter().flat_map(|mode| BOTH_BROWSERS.map(|keeps| (mode, keeps))) {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut browser = site.person("ben").await;
        let old = open(&mut browser, "/account").await;
        sign_up(&mut browser, "anna").await;
        expire(&site, &mut browser, keeps_token);
        let asked = send_old(&mut browser, &old, SETTINGS, &[("display_name", "Ben B.")]).await;
        let shown = send(&mut browser, &asked, "/reauthenticate", &[("password", PASSWORD)]).await;
        says(&shown, 200, "the form was opened while another user was logged in. You are now logged in as anna.");
        assert_eq!(field(&shown, SETTINGS, "display_name"), "", "{refresh:?}");
        assert!(browser.cookie("settings_draft").is_none());
        // The notice belongs to the form. It does not appear if the page is opened for another reason.
        let mut browser = site.device_of("ben").await;
        let old = open(&mut browser, "/account").await;
        browser.post("/logout").accept_json().csrf().send().await;
        send(&mut browser, &old, SETTINGS, &[("display_name", "Ben B.")]).await;
        log_in(&mut browser, "anna", PASSWORD).await;
        assert!(!open(&mut browser, "/account").await.text().contains("another user"), "{refresh:?}");
    }
}

#[tokio::test]
async fn a08_old_buttons_and_password_forms_with_an_expired_token_lead_to_their_pages() {
    for (refresh, keeps_token) in BOTH_MODES.into_iter().flat_map(|mode| BOTH_BROWSERS.map(|keeps| (mode, keeps))) {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let account = open(&mut ada, "/account").await;
        site.device_of("ada").await;
        let devices = open(&mut ada, "/account/sessions").await;
        site.expire_access();
        let proof = open(&mut ada, "/reauthenticate?next=/account").await;
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
        expire(&site, &mut ada, keeps_token);

        let mut browser = ada.clone();
        let asked = send_old(&mut browser, &proof, "/reauthenticate", &[("password", PASSWORD)]).await;
        assert_eq!(asked.path(), "/reauthenticate?next=%2Faccount", "{refresh:?} {keeps_token}");
        let shown = send(&mut browser, &asked, "/reauthenticate", &[("password", PASSWORD)]).await;
        assert_eq!((shown.status().as_u16(), shown.path()), (200, "/account"));

        let mut browser = site.device_of("ada").await;
        expire(&site, &mut browser, keeps_token);
        let passwords = [("current_password", PASSWORD), ("new_password", "some other phrase")];
        let asked = send_old(&mut browser, &account, "/account/password", &passwords).await;
        let shown = send(&mut browser, &asked, "/reauthenticate", &[("password", PASSWORD)]).await;
        says(&shown, 200, "Your password has not been changed yet.");

        let mut browser = site.device_of("ada").await;
        expire(&site, &mut browser, keeps_token);
        let shown = send_old(&mut browser, &devices, "/account/sessions/revoke-others", &[]).await;
        assert_eq!(shown.path(), "/account/sessions?done=proof", "{refresh:?} {keeps_token}");
        says(&shown, 200, "Nothing has been logged out yet.");

        let mut browser = site.device_of("ada").await;
        // Without any token, the log-out only deletes cookies.
        expire(&site, &mut browser, true);
        let shown = send_old(&mut browser, &devices, "/logout", &[]).await;
        // The page that asks for the password has a single button for a log-out, which works without the password.
        assert_eq!(shown.path(), "/reauthenticate?next=%2Faccount", "{refresh:?} {keeps_token}");
        assert_eq!(submit(&mut browser, &shown, "/logout", &[]).await.location(), Some("/?done=logout"));
        assert_eq!(whoami(&mut browser).await, Err(401));
    }
}

/// A form that was open in another tab while another user logged in, and whose fields do not say whose it is.
#[tokio::test]
async fn a08_an_old_form_says_who_is_logged_in_now_and_what_to_do() {
    let mailing = Mailing::start(false).await;
    let mut browser = mailing.site.client();
    sign_up(&mut browser, "ada").await;
    set_email(&mut browser, "ada@mail.example").await;
    log_in(&mut mailing.site.client(), "ada", PASSWORD).await;
    let (account, devices) = (open(&mut browser, "/account").await, open(&mut browser, "/account/sessions").await);
    let again = open(&mut browser, "/reauthenticate").await;
    sign_up(&mut browser, "gina").await;
    let theirs = "or another user has logged in. You are now logged in as gina. ";
    for (page, action, advice) in [
        (&account, "/account/password", "Nothing was changed. Enter your current password and"),
        (&account, "/account/email/send", "To send the email, go to your account, and send it from there."),
        (
            &devices,
            "/account/sessions/revoke-others",
            "Nothing was changed, so no device has been logged out. Choose again",
        ),
        (&again, "/reauthenticate", "Nothing was changed. Enter your password again."),
    ] {
        says(&send(&mut browser, page, action, &[]).await, 403, &format!("{theirs}{advice}"));
    }
    let shown = send(&mut browser, &devices, "/logout", &[]).await;
    says(&shown, 403, "Nothing was changed: you are still logged in as gina. To log out, choose “Log out” again.");
    assert!(!shown.text().contains("send it again"), "{}", shown.text());
    assert_eq!(submit(&mut browser, &shown, "/logout", &[]).await.location(), Some("/?done=logout"));
}

/// The header of an error page offers no log-in to a user whose session continues.
#[tokio::test]
async fn a12_an_error_page_does_not_call_a_user_with_an_expired_token_a_visitor() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        site.expire_access();
        let forged = ada.post(SETTINGS).accept_html().header("origin", "https://evil.example").send().await;
        says(&forged, 403, "Another site started this request");
        assert!(!forged.text().contains("href=\"/login\""), "{refresh:?}: {}", forged.text());
        let visitor = site.client().get("/email/undo").accept_html().send().await;
        assert!(visitor.text().contains("href=\"/login\""), "{}", visitor.text());
    }
}

/// The clock of the server that gets the form is behind.
#[tokio::test]
async fn a09_a_form_with_an_early_token_is_kept_and_costs_no_cookie() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let page = open(&mut ada, "/account").await;
        site.clock.set_back(seconds(8));
        let passwords = [("current_password", PASSWORD), ("new_password", "some other phrase")];
        let sent = send(&mut ada, &page, "/account/password", &passwords).await;
        assert_eq!(sent.path(), "/login?next=%2Faccount%3Fdone%3Dunchanged&form=early", "{refresh:?}");
        says(&sent, 200, "Nothing was changed. Your log-in is not valid here yet");
        let sent = submit(&mut ada, &page, SETTINGS, &[("display_name", "Ada L.")]).await;
        assert!(sent.set_cookies().iter().all(|cookie| !cookie.is_deletion()), "{:?}", sent.set_cookies());
        let location = sent.location().unwrap().to_owned();
        assert_eq!(location, "/login?next=%2Faccount%3Fdone%3Dkept&form=early-kept", "{refresh:?}");
        let shown = open(&mut ada, &location).await;
        says(&shown, 200, "Nothing was changed. Your log-in is not valid here yet");
        says(&shown, 200, "We have kept what you typed");
        // Another site cannot make the page say this.
        let foreign = ada.get(&location).accept_html().header("sec-fetch-site", "cross-site").send().await;
        assert!(!foreign.text().contains("not valid here yet"), "{}", foreign.text());
        // A moment later, the token is valid.
        site.clock.set_forward(seconds(8));
        let again = open(&mut ada, &location).await;
        assert_eq!(again.path(), "/account?done=kept", "{refresh:?}");
        assert_eq!(field(&again, SETTINGS, "display_name"), "Ada L.");
        // If the user logs in instead, the form is filled in as well.
        let mut other = site.device_of("ada").await;
        let page = open(&mut other, "/account").await;
        site.clock.set_back(seconds(8));
        let shown = send(&mut other, &page, SETTINGS, &[("display_name", "Ada K.")]).await;
        let again = send(&mut other, &shown, "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
        says(&again, 200, "Check them, then save.");
        assert_eq!(field(&again, SETTINGS, "display_name"), "Ada K.");
    }
}
