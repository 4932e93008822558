//! The ways to go on when an access token has expired.

use hardtack::RefreshMode;

use crate::site::{ACCESS, ACCESS_LIFE, CSRF, REFRESH, Site, refused, told};

#[tokio::test]
async fn transparent_on_a_get() {
    let site = Site::start().await;
    let alice = site.alice().await;
    let [access, refresh] = [ACCESS, REFRESH].map(|name| alice.cookie(name).unwrap().value.clone());
    assert!(alice.clone().get("/page").send().await.set_cookies().is_empty());
    site.expire_access();
    for path in ["/page", "/public"] {
        let mut tab = alice.clone();
        let page = tab.get(path).accept_html().send().await;
        assert_eq!((page.status().as_u16(), page.set_cookies().len()), (200, 4), "no redirect");
        assert_eq!(page.header("cache-control"), Some("private, no-store"));
        assert_ne!(tab.cookie(ACCESS).unwrap().value, access);
        assert_ne!(tab.cookie(REFRESH).unwrap().value, refresh);
        assert!(tab.get("/page").send().await.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn s51_transparent_on_a_form_rendered_before() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let csrf = alice.cookie(CSRF).unwrap().value.clone();
    site.expire_access();
    let posted = alice.post("/page").accept_html().form(&[("csrf_token", csrf.as_str()), ("a", "1")]).send().await;
    assert_eq!(posted.text(), format!("alice:csrf_token={csrf}&a=1"));
    assert_eq!(posted.set_cookies().len(), 4);

    site.expire_access();
    let forged = alice.post("/page").accept_json().form(&[("csrf_token", "guessed")]).send().await;
    assert_eq!(refused(&forged), (403, "csrf_mismatch".into()));
    assert!(forged.set_cookies().is_empty(), "checked before anything is refreshed");
}

#[tokio::test]
async fn s31_tabs_that_race_all_win() {
    let site = Site::start().await;
    let alice = site.alice().await;
    site.expire_access();
    let tabs = (0..20).map(|_| {
        let mut tab = alice.clone();
        tokio::spawn(async move { (tab.get("/page").send().await.text().to_owned(), tab) })
    });
    let mut cookies = Vec::new();
    for tab in tabs.collect::<Vec<_>>() {
        let (text, tab) = tab.await.unwrap();
        assert_eq!(text, "alice:");
        cookies.push(tab.cookie(REFRESH).unwrap().value.clone());
    }
    cookies.dedup();
    assert_eq!(cookies.len(), 1, "one successor");
}

#[tokio::test]
async fn s30_an_old_refresh_token_ends_the_session() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let mut thief = alice.clone();
    for _ in 0..2 {
        site.expire_access();
        assert_eq!(alice.get("/page").send().await.status(), 200);
    }
    assert_eq!(refused(&thief.get("/page").accept_json().send().await), (401, "refresh_reused".into()));
    assert_eq!(told(&alice, "/page").await[1], "401 revoked");
}

#[tokio::test]
async fn redirect_there_and_back() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Redirect), |_| {}).await;
    let mut alice = site.alice().await;
    assert_eq!(alice.cookie("__Secure-refresh_token_cookie").unwrap().path, "/token/refresh");
    site.expire_access();
    let page = alice.get("/page?a=b%26c").accept_html().follow().await;
    assert_eq!(page.text(), "alice:");
    let hops: Vec<_> = page.hops().iter().map(|hop| (hop.status().as_u16(), hop.location().unwrap())).collect();
    assert_eq!(hops, [(303, "/token/refresh?next=%2Fpage%3Fa%3Db%2526c"), (303, "/page?a=b%26c")]);
    assert!(page.hops()[0].set_cookie(ACCESS).unwrap().is_deletion());

    for multipart in [false, true] {
        let mut writer = site.alice().await;
        let csrf = writer.cookie(CSRF).unwrap().value.clone();
        site.expire_access();
        let fields = [("a", "typed"), ("csrf_token", csrf.as_str())];
        let request = writer.post("/page").accept_html();
        let request = if multipart { request.multipart(&fields) } else { request.form(&fields) };
        let posted = request.follow().await;
        let hops: Vec<_> = posted.hops().iter().map(|hop| (hop.status().as_u16(), hop.location().unwrap())).collect();
        assert_eq!(hops, [(307, "/token/refresh?next=%2Fpage"), (307, "/page")]);
        assert!(posted.text().starts_with("alice:") && posted.text().contains("typed"), "{}", posted.text());
    }

    // A program is told where to refresh.
    site.expire_access();
    let api = alice.clone().get("/page").accept_json().send().await;
    assert_eq!(refused(&api), (401, "refresh_needed".into()));
    assert_eq!(api.json()["refresh_url"], "/token/refresh");
    let refreshed = alice.post("/token/refresh").csrf().accept_json().send().await;
    assert_eq!(refreshed.json(), serde_json::json!({ "refreshed": true }));
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
}

#[tokio::test]
async fn sliding() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Sliding), |_| {}).await;
    let mut alice = site.alice().await;
    assert!(alice.get("/page").send().await.set_cookies().is_empty(), "too early");
    for _ in 0..3 {
        site.clock.advance(ACCESS_LIFE * 2 / 3);
        let slid = alice.get("/page").send().await;
        assert_eq!((slid.text(), slid.set_cookies().len()), ("alice:", 2), "it lives on by being used");
    }
}
