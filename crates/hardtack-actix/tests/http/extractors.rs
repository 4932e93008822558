//! Each extractor, against every kind of token that a request may carry.

use actix_web::web;
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, RefreshMode, SigningKey};
use hardtack_actix::AccessToken;
use serde::Deserialize;

use crate::site::{ACCESS, REFRESH, Site, plant, refused, told, unsets_tokens};

const PATHS: [&str; 3] = ["/page", "/fresh", "/refresh-only"];

#[tokio::test]
async fn nobody() {
    let site = Site::start().await;
    let visitor = site.visitor();
    for path in PATHS {
        let encoded = path.replace('/', "%2F");
        let expected =
            [format!("303 /login?next={encoded}"), "401 missing_token".into(), "401 /login?next=%2Flist".into()];
        assert_eq!(told(&visitor, path).await, expected, "{path}");
    }
    assert_eq!(told(&visitor, "/public").await, ["200 nobody"; 3]);
}

#[tokio::test]
async fn someone() {
    let site = Site::start().await;
    let alice = site.alice().await;
    assert_eq!(told(&alice, "/page").await, ["200 alice:"; 3]);
    for path in ["/fresh", "/refresh-only", "/public"] {
        assert_eq!(told(&alice, path).await, ["200 alice"; 3], "{path}");
    }
    let [session] = &site.auth.sessions("alice").await.unwrap()[..] else { panic!("one session") };
    assert_eq!(session.address.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn expired_altogether() {
    let site = Site::start().await;
    let alice = site.alice().await;
    site.expire_all();
    let expected = ["303 /login?next=%2Fpage&ended=1", "401 expired", "401 /login?next=%2Flist&ended=1"];
    assert_eq!(told(&alice, "/page").await, expected);
    let page = alice.clone().get("/page").send().await;
    assert!(unsets_tokens(&page) && page.set_cookies().len() == 4, "once each: {:?}", page.set_cookies());
    let public = alice.clone().get("/public").send().await;
    assert_eq!(public.text(), "nobody");
    assert!(unsets_tokens(&public), "the stale cookies go");
}

#[tokio::test]
async fn expired_where_nothing_refreshes() {
    let site = Site::with(|builder| builder.refresh_mode(RefreshMode::Off), |_| {}).await;
    let mut alice = site.alice().await;
    site.expire_access();
    assert_eq!(told(&alice, "/page").await[1], "401 expired");
    assert_eq!(told(&alice, "/public").await, ["200 nobody"; 3]);
    assert_eq!(alice.post("/token/refresh").csrf().accept_json().send().await.status(), 200);
    assert_eq!(told(&alice, "/page").await, ["200 alice:"; 3]);
}

#[tokio::test]
async fn s10_forged() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let other = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap())).build().unwrap();
    let foreign = other.access_token("alice").issue().unwrap();
    let real = alice.cookie(ACCESS).unwrap().value.clone();
    let (head, _) = real.rsplit_once('.').unwrap();
    for forged in [foreign.as_str(), &format!("{head}."), "nonsense", &real[..real.len() - 1]] {
        plant(&mut alice, ACCESS, forged);
        for path in ["/page", "/fresh", "/public"] {
            let [page, api, htmx] = told(&alice, path).await;
            let next = path.replace('/', "%2F");
            assert_eq!(page, format!("303 /login?next={next}&ended=1"), "{forged} {path}");
            assert!(api.starts_with("401 "), "{forged} {path} {api}");
            assert_eq!(htmx, "401 /login?next=%2Flist&ended=1", "{forged} {path}");
        }
        let refused = alice.clone().get("/page").send().await;
        assert!(unsets_tokens(&refused), "not refreshed although a good refresh token is there");
    }
}

#[tokio::test]
async fn s14_a_token_of_the_other_kind() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let [access, refresh] = [ACCESS, REFRESH].map(|name| alice.cookie(name).unwrap().value.clone());
    plant(&mut alice, ACCESS, &refresh);
    plant(&mut alice, REFRESH, &access);
    for path in PATHS {
        assert_eq!(told(&alice, path).await[1], "401 wrong_kind", "{path}");
    }
}

#[tokio::test]
async fn s28_s29_copied_cookies_after_the_log_out() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    let thief = alice.clone();
    assert_eq!(alice.post("/logout").csrf().send().await.status(), 200);
    for path in PATHS {
        assert_eq!(told(&thief, path).await[1], "401 revoked", "{path}");
    }
    assert_eq!(told(&thief, "/public").await[1], "401 revoked", "a bad token is not an absent one");
}

#[tokio::test]
async fn s43_s44_a_refreshed_token_is_not_fresh() {
    let site = Site::start().await;
    let mut alice = site.alice().await;
    site.expire_access();
    assert_eq!(alice.get("/page").send().await.text(), "alice:");
    let expected = [
        "303 /reauthenticate?next=%2Ffresh",
        "401 insufficient_user_authentication",
        "401 /reauthenticate?next=%2Flist",
    ];
    assert_eq!(told(&alice, "/fresh").await, expected);
    assert_eq!(told(&alice, "/page").await, ["200 alice:"; 3], "logged in all the same");
}

#[tokio::test]
async fn s06_the_same_cookie_twice() {
    let site = Site::start().await;
    let alice = site.alice().await;
    for (name, path) in [(ACCESS, "/page"), (ACCESS, "/public"), (REFRESH, "/refresh-only")] {
        let twin = format!("{name}={}", alice.cookie(name).unwrap().value);
        let twice = alice.clone().get(path).raw_cookie_header(&twin).accept_json().send().await;
        assert_eq!(refused(&twice), (401, "duplicate_cookie".into()), "{path}");
    }
}

#[tokio::test]
async fn s05_s07_strange_neighbours() {
    let site = Site::start().await;
    let alice = site.alice().await;
    for junk in ["%5F%5FHost-access_token_cookie=x", "a=\u{e4}; =; ;;", "__host-access_token_cookie=x", "b=\"; c"] {
        let page = alice.clone().get("/page").raw_cookie_header(junk).send().await;
        assert_eq!(page.text(), "alice:", "{junk}");
    }
    let disguised = format!("%5F%5FHost-access_token_cookie={}", alice.cookie(ACCESS).unwrap().value);
    let missing = site.visitor().get("/page").raw_cookie_header(disguised).accept_json().send().await;
    assert_eq!(refused(&missing), (401, "missing_token".into()));
}

#[derive(Deserialize)]
struct Role {
    role: String,
}

#[tokio::test]
async fn claims_of_the_applications_own() {
    async fn role(token: AccessToken<Role>) -> String {
        format!("{} is {}", token.subject(), token.extra().role)
    }
    let site = Site::with(
        |builder| builder,
        |app| {
            app.route("/role", web::get().to(role));
        },
    )
    .await;
    let mut editor = site.logged_in("alice&role=editor").await;
    assert_eq!(editor.get("/role").send().await.text(), "alice is editor");
    site.expire_access();
    assert_eq!(editor.get("/role").send().await.text(), "alice is editor", "a refresh keeps them");
    let plain = site.alice().await.get("/role").accept_json().send().await;
    assert_eq!(refused(&plain), (401, "bad_claim".into()));
}
