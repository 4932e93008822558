//! What a script on a page of the site can do to the site's cookies.

use hardtack_test_support::BrowserOptions;
use serde_json::Value;

use super::Person;
use crate::support::{Options, TestSite};

/// A browser treats `http://localhost` as safe, so scripts there can set `Secure` cookies.
#[tokio::test]
async fn s91_a_script_cannot_plant_a_cookie_that_only_the_server_uses() {
    let site = TestSite::start(Options::default()).await;
    let mallory = Person::at(&site, BrowserOptions::default()).await;
    mallory.browser.goto(&format!("{}/login", site.url().replace("127.0.0.1", "localhost"))).await.unwrap();
    let plant = |name: &str| format!("document.cookie = '{name}=planted; Secure; Path=/';");
    for name in ["refresh_token_cookie", "csrf_pre_session", "hardtack_device", "settings_draft", "mail_link"] {
        for prefix in ["__Host-Http-", "__host-http-"] {
            mallory.reads(&plant(&format!("{prefix}{name}"))).await;
        }
        // Control: the same script can set a cookie with a weaker prefix.
        mallory.reads(&plant(&format!("__Host-{name}"))).await;
        let cookies = mallory.cookies().await;
        let planted: Vec<&Value> =
            cookies.iter().filter(|cookie| cookie["value"] == "planted").map(|cookie| &cookie["name"]).collect();
        assert_eq!(planted, [&format!("__Host-{name}")]);
        mallory.reads(&format!("document.cookie = '__Host-{name}=; Secure; Path=/; Max-Age=0';")).await;
    }
}
