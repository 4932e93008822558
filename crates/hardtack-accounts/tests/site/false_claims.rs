//! Pages say that something has been done only right after a form has done it, no matter what `next` contains.

use hardtack::RefreshMode;
use hardtack_test_support::client::Response;
use hardtack_test_support::html::HtmlForms;

use crate::support::*;

const CLAIMS: [&str; 6] = [
    "/account?done=password",
    "/account/sessions?done=revoke",
    "/account/sessions?done=revoke-others",
    "/?done=reset",
    "/?d%6fne=email",
    "/account?done=unsent",
];

fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

fn claims_nothing(page: &Response, next: &str) {
    assert_eq!(page.status(), 200, "{next}");
    for claim in ["Your password has been changed", "been logged out", "has been confirmed", "No email has been"] {
        assert!(!page.text().contains(claim), "{next}: {claim}");
    }
    assert!(!page.path().contains("done"), "{next}: {}", page.path());
}

#[tokio::test]
async fn a_link_from_elsewhere_does_not_claim_after_the_log_in_that_something_was_done() {
    let site = TestSite::start(Options::default()).await;
    site.person("ada").await;
    for next in CLAIMS {
        let mut browser = site.client();
        let url = format!("/login?next={}", encode(next));
        let form = browser.get(&url).accept_html().header("sec-fetch-site", "cross-site").send().await;
        let fields = filled(&form, "/login", &[("username", "ada"), ("password", PASSWORD)]);
        claims_nothing(&browser.post("/login").accept_html().form(&fields).follow().await, next);
        // The user is logged in already.
        for path in [&url, &url.replace("/login", "/signup")] {
            let sent = browser.get(path).accept_html().header("sec-fetch-site", "cross-site");
            claims_nothing(&sent.follow().await, next);
        }
    }
    for (number, next) in CLAIMS.into_iter().enumerate() {
        let mut browser = site.client();
        let url = format!("/signup?next={}", encode(next));
        let form = browser.get(&url).accept_html().header("sec-fetch-site", "cross-site").send().await;
        let name = format!("visitor-{number}");
        let fields = filled(&form, "/signup", &[("username", name.as_str()), ("password", PASSWORD)]);
        claims_nothing(&browser.post("/signup").accept_html().form(&fields).follow().await, next);
    }
}

#[tokio::test]
async fn neither_does_one_to_the_page_that_asks_for_the_password_or_refreshes() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let ada = site.person("ada").await;
        // A fresh token needs no password.
        for next in &CLAIMS[..4] {
            let url = format!("/reauthenticate?next={}", encode(next));
            claims_nothing(&ada.clone().get(&url).accept_html().follow().await, next);
        }
        for next in CLAIMS {
            let mut ada = site.device_of("ada").await;
            site.expire_access();
            open(&mut ada, "/service").await;
            let url = format!("/reauthenticate?next={}", encode(next));
            let form = ada.get(&url).accept_html().header("sec-fetch-site", "cross-site").send().await;
            let fields = filled(&form, "/reauthenticate", &[("password", PASSWORD)]);
            claims_nothing(&ada.post("/reauthenticate").accept_html().form(&fields).follow().await, next);
        }
        if refresh == RefreshMode::Redirect {
            for next in ["/?done=reset", "/account/sessions?done=revoke"] {
                let url = format!("/token/refresh?next={}", encode(next));
                let mut ada = site.device_of("ada").await;
                let page = ada.get(&url).accept_html().header("sec-fetch-site", "cross-site").send().await;
                assert!(page.status() == 403 && !page.text().contains("done"), "{}", page.text());
                let mut fields = page.form_fields("/token/refresh");
                claims_nothing(&ada.post("/token/refresh").accept_html().form(&fields).follow().await, next);
                fields.retain(|(name, _)| name != "next");
                fields.push(("next".to_owned(), next.to_owned()));
                claims_nothing(&ada.post("/token/refresh").accept_html().form(&fields).follow().await, next);
            }
        }
    }
}

/// The user changes the password, and reloads the page when the password has to be entered again.
#[tokio::test]
async fn a_page_that_is_reloaded_later_does_not_repeat_what_was_done() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let page = open(&mut ada, "/account").await;
        let new = "some other phrase";
        let passwords = [("current_password", PASSWORD), ("new_password", new)];
        let fields = filled(&page, "/account/password", &passwords);
        let changed = ada.post("/account/password").accept_html().form(&fields).follow().await;
        assert!(changed.text().contains("All other devices have been logged out."), "{}", changed.text());
        assert_eq!(log_in(&mut site.client(), "ada", new).await.status(), 200);
        site.expire_access();
        let asked = open(&mut ada, "/account?done=password").await;
        let fields = filled(&asked, "/reauthenticate", &[("password", new)]);
        claims_nothing(&ada.post("/reauthenticate").accept_html().form(&fields).follow().await, "/account");
    }
}

#[tokio::test]
async fn the_parameters_of_the_application_stay() {
    let site = TestSite::start(Options::default()).await;
    let mut ada = site.person("ada").await;
    for next in ["/orders?done=1&form=2&ended=3", "/service?done=password", "/account?tab=2"] {
        let sent = ada.get(&format!("/login?next={}", encode(next))).accept_html().send().await;
        assert_eq!(sent.location(), Some(next));
    }
    let sent = ada.get("/login?next=%2Faccount%3Fdone%3Dpassword%26tab%3D2%23top").accept_html().send().await;
    assert_eq!(sent.location(), Some("/account?tab=2#top"));
}
