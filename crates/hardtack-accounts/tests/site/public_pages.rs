//! Pages for visitors, opened with cookies that are invalid or belong to another application on the host.

use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, RefreshMode, SigningKey};

use crate::support::*;

/// Pages for visitors, and the page for unknown paths.
const PAGES: [(&str, u16); 5] = [("/", 200), ("/login", 200), ("/signup", 200), ("/password/forgot", 200), ("/x", 404)];

fn options(mode: RefreshMode) -> Options {
    Options {
        configure: match mode {
            RefreshMode::Redirect => |builder| builder.refresh_mode(RefreshMode::Redirect),
            _ => |builder| builder,
        },
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_visitors_with_dead_cookies_see_public_pages() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let site = TestSite::start(options(mode)).await;
        let mut alice = site.person("alice").await;
        let copy = alice.clone();
        let mut forged = alice.clone();
        plant(&mut forged, ACCESS, "forged");
        alice.post("/logout").accept_json().csrf().send().await;
        for (path, status) in PAGES {
            for dead in [&copy, &forged] {
                let mut browser = dead.clone();
                let page = browser.get(path).accept_html().send().await;
                assert_eq!(page.status(), status, "{path} {mode:?} {}", page.text());
                let deleted: Vec<_> = page.set_cookies().into_iter().filter(|cookie| cookie.name == ACCESS).collect();
                assert!(deleted.len() == 1 && deleted[0].is_deletion(), "{path} {mode:?}");
            }
        }
        site.expire_access();
        let home = copy.clone().get("/").accept_html().follow().await;
        assert_eq!((home.status().as_u16(), home.path()), (200, "/"), "{mode:?}");
        let service = copy.clone().get("/service").accept_html().follow().await;
        assert_eq!(service.path(), "/login?next=%2Fservice&ended=1", "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_the_cookies_of_another_application_stay() {
    let site = TestSite::start(Options::default()).await;
    let key = SigningKey::generate(Algorithm::HS256).unwrap().with_key_id("another application");
    let other = Authenticator::builder(KeySet::new(key)).base_url("http://127.0.0.1:1").build().unwrap();
    let mut visitor = site.client();
    for cookie in other.log_in("alice").await.unwrap() {
        visitor.set_cookie_raw(&cookie);
    }
    for (path, status) in PAGES {
        let page = visitor.get(path).accept_html().send().await;
        assert_eq!(page.status(), status, "{path}");
        assert!(page.set_cookies().iter().all(|cookie| !cookie.is_deletion()), "{path}");
    }
    let service = visitor.get("/service").accept_html().send().await;
    assert_eq!(service.location(), Some("/login?next=%2Fservice"));
    assert!(service.set_cookies().is_empty());
    // A log-in replaces them.
    assert_eq!(sign_up(&mut visitor, "bob").await["username"], "bob");
    assert_eq!(whoami(&mut visitor).await.as_deref(), Ok("bob"));
}
