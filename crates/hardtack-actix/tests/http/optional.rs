//! actix-web's `Option` turns an extractor's error into `None`. The layer must respond with the error nevertheless.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::web::{self, Data};
use hardtack::RefreshMode;
use hardtack_actix::{AccessToken, AuthError, FreshAccessToken, Optional};

use crate::site::{ACCESS, CSRF, Site, plant, refused, summary, unsets_tokens};

#[derive(Clone, Default)]
struct Runs(Arc<AtomicUsize>);

async fn site(mode: RefreshMode) -> (Runs, Site) {
    async fn plain(token: Option<AccessToken>, runs: Data<Runs>) -> String {
        runs.0.fetch_add(1, Ordering::SeqCst);
        token.map_or_else(|| "visitor".to_owned(), |token| token.subject().to_owned())
    }
    async fn proper(token: Optional<AccessToken>, runs: Data<Runs>) -> String {
        runs.0.fetch_add(1, Ordering::SeqCst);
        token.as_ref().map_or_else(|| "visitor".to_owned(), |token| token.subject().to_owned())
    }
    async fn fresh(token: Option<FreshAccessToken>) -> String {
        token.map_or_else(|| "visitor".to_owned(), |token| token.subject().to_owned())
    }
    async fn own(token: Result<AccessToken, AuthError>) -> String {
        match token {
            Ok(token) => token.subject().to_owned(),
            Err(error) => format!("because: {}", error.failure().reason().code()),
        }
    }
    async fn ignored(token: Result<AccessToken, AuthError>) -> String {
        token.map_or_else(|_| "visitor".to_owned(), |token| token.subject().to_owned())
    }
    let runs = Runs::default();
    let data = Data::new(runs.clone());
    let site = Site::with(
        |builder| builder.refresh_mode(mode),
        move |app| {
            app.app_data(data.clone())
                .service(web::resource("/plain").get(plain).post(plain))
                .service(web::resource("/proper").get(proper).post(proper))
                .route("/fresh-plain", web::get().to(fresh))
                .route("/own", web::get().to(own))
                .route("/ignored", web::get().to(ignored));
        },
    )
    .await;
    (runs, site)
}

#[tokio::test]
async fn absent_is_none_and_a_good_token_is_some() {
    for mode in [RefreshMode::Transparent, RefreshMode::Redirect] {
        let (_, site) = site(mode).await;
        let alice = site.alice().await;
        for path in ["/plain", "/proper"] {
            assert_eq!(summary(&site.visitor(), path).await, ["200 visitor"; 3], "{path}");
            assert_eq!(summary(&alice, path).await, ["200 alice"; 3], "{path}");
        }
        assert_eq!(summary(&site.visitor(), "/own").await[0], "200 because: missing_token");
    }
}

#[tokio::test]
async fn e16_dead_cookies_are_none_and_go() {
    let (_, site) = site(RefreshMode::Transparent).await;
    let alice = site.alice().await;
    let mut forged = alice.clone();
    plant(&mut forged, ACCESS, "forged");
    site.expire_all();
    for browser in [alice, forged] {
        let page = browser.clone().get("/proper").send().await;
        assert_eq!((page.status().as_u16(), page.text()), (200, "visitor"));
        assert!(unsets_tokens(&page));
        // With actix-web's own `Option<T>`, the route refuses the request.
        let page = browser.clone().get("/plain").send().await;
        assert_eq!(page.status().as_u16(), 401);
        assert!(unsets_tokens(&page));
    }
}

#[tokio::test]
async fn a_bad_token_is_never_answered_as_nobodys() {
    let (runs, site) = site(RefreshMode::Transparent).await;
    let mut alice = site.alice().await;
    plant(&mut alice, ACCESS, "forged");
    for path in ["/plain", "/ignored"] {
        let [page, api, htmx] = summary(&alice, path).await;
        assert_eq!(page, format!("303 /login?next=%2F{}&ended=1", &path[1..]));
        assert!(api.starts_with("401 ") && htmx.starts_with("401 "), "{path}: {api} {htmx}");
        let refused = alice.clone().get(path).send().await;
        assert!(unsets_tokens(&refused), "{path}");
        assert_eq!(refused.header("cache-control"), Some("private, no-store"));
    }
    assert!(
        summary(&alice, "/own").await[0].starts_with("200 because: "),
        "a handler that inspects the error decides on the response"
    );

    let mut bob = site.logged_in("bob").await;
    for path in ["/plain", "/proper"] {
        let before = runs.0.load(Ordering::SeqCst);
        let forged = bob.post(path).form(&[("csrf_token", "guessed")]).accept_json().send().await;
        let has_run = runs.0.load(Ordering::SeqCst) > before;
        assert_eq!(has_run, path == "/plain", "Optional refuses before the handler runs");
        assert_eq!(refused(&forged), (403, "csrf_mismatch".into()), "{path}");
        assert!(forged.set_cookies().is_empty(), "a forged request logs no user out");
        let token = bob.cookie(CSRF).unwrap().value.clone();
        assert_eq!(bob.post(path).form(&[("csrf_token", token)]).send().await.text(), "bob");
    }
    site.expire_access();
    assert_eq!(summary(&bob, "/fresh-plain").await[1], "401 insufficient_user_authentication");
}

#[tokio::test]
async fn an_expired_token_is_refreshed_by_way_of_the_refresh_url() {
    let (_, site) = site(RefreshMode::Redirect).await;
    let mut alice = site.alice().await;
    site.expire_access();
    for path in ["/plain", "/proper"] {
        let public = if path == "/proper" { "&public=1" } else { "" };
        let next = format!("303 /token/refresh?next=%2F{}{public}", &path[1..]);
        assert_eq!(summary(&alice, path).await[0], next);
    }
    assert_eq!(alice.get("/plain").accept_html().follow().await.text(), "alice");
}
