//! Where the router of the pages can be.

use axum::Router;
use axum::routing::get;
use hardtack::RefreshMode;
use hardtack_accounts::{Accounts, Site};
use hardtack_axum::AuthLayer;
use hardtack_test_support::client::Client;

use super::{Shop, send, site};
use crate::support::*;

/// An application with a fallback of its own.
fn shop() -> Router {
    Router::new().route("/", get(|| async { "the shop" })).fallback(|| async { (http::StatusCode::NOT_FOUND, "lost") })
}

/// Signs up, opens the account page and logs out. Every address begins with `path`.
async fn visit(browser: &mut Client, path: &str) {
    let [signup, account, logout] = ["signup", "account", "logout"].map(|page| format!("{path}/auth/{page}"));
    let page = open(browser, &signup).await;
    assert_eq!(page.status(), 200, "{signup}: {}", page.text());
    assert!(page.text().contains(&format!("href=\"{path}/auth/assets/site.css\"")), "{}", page.text());
    let page = send(browser, &page, &signup, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((page.text(), page.path()), ("the shop", format!("{path}/").as_str()));
    let page = open(browser, &account).await;
    assert_eq!((page.status().as_u16(), page.path()), (200, account.as_str()));
    assert_eq!(browser.cookie(REFRESH).unwrap().path, format!("{path}/auth/token/refresh"));
    let page = send(browser, &page, &logout, &[]).await;
    assert_eq!(page.text(), "the shop");
    let page = open(browser, &account).await;
    assert!(page.path().starts_with(&format!("{path}/auth/login?next=")), "{}", page.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_router_can_be_merged_or_nested_inside_or_outside_the_layer() {
    type Build = fn(Site) -> Router;
    let apps: [Build; 4] = [
        |site| shop().merge(site.router()),
        |site| site.clone().router().merge(shop()),
        |site| shop().nest("/auth", site.router_to_nest()),
        |site| shop().merge(site.clone().router()).layer(AuthLayer::new(site.authenticator().clone())),
    ];
    for app in apps {
        for mode in BOTH_MODES {
            let shop = Shop::start(mode, "", |accounts, builder| app(site(accounts, builder))).await;
            let mut browser = shop.client();
            visit(&mut browser, "").await;
            // The application's own pages and unknown paths stay as they are.
            for (path, status, text) in [("/", 200, "the shop"), ("/lost", 404, "lost"), ("/account", 404, "lost")] {
                let page = browser.get(path).accept_html().send().await;
                assert_eq!((page.status().as_u16(), page.text()), (status, text), "{path}");
                assert!(page.header("content-security-policy").is_none(), "{path}");
            }
            let lost = browser.get("/auth/lost").accept_html().send().await;
            assert_eq!(lost.status(), 404);
            assert!(lost.text().contains("Page not found"), "{}", lost.text());
        }
    }
}

/// The path of the base URL comes before the path of the pages, whether or not a proxy strips it.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_are_below_the_path_of_the_base_url() {
    let nested = |accounts: &Accounts, builder| Router::new().nest("/shop", shop().merge(site(accounts, builder).router()));
    let shop_below = Shop::start(RefreshMode::Redirect, "/shop", nested).await;
    let mut browser = shop_below.client();
    let page = open(&mut browser, "/shop/auth/signup").await;
    let page = send(&mut browser, &page, "/shop/auth/signup", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(page.path(), "/shop/");
    let account = open(&mut browser, "/shop/auth/account").await;
    assert_eq!(account.status(), 200);
    shop_below.clock.advance(minutes(15));
    let asked = open(&mut browser, "/shop/auth/account").await;
    assert_eq!(asked.path(), "/shop/auth/reauthenticate?next=%2Fshop%2Fauth%2Faccount");

    // Behind a proxy that strips `/shop`, the links begin with it.
    let stripped = Shop::start(RefreshMode::Redirect, "/shop", |accounts, builder| {
        shop().merge(site(accounts, builder).router())
    });
    let stripped = stripped.await;
    let page = stripped.client().get("/auth/login").accept_html().send().await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("action=\"/shop/auth/login\""), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_at_the_wrong_path_is_refused() {
    let twice = |accounts: &Accounts, builder| Router::new().nest("/auth", site(accounts, builder).router());
    let elsewhere = |accounts: &Accounts, builder| Router::new().nest("/users", site(accounts, builder).router_to_nest());
    for (app, path) in [(twice as fn(&Accounts, _) -> Router, "/auth/auth/login"), (elsewhere, "/users/login")] {
        let shop = Shop::start(RefreshMode::Transparent, "", app).await;
        let response = shop.client().get(path).accept_json().send().await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (500, &"pages_misplaced".into()), "{path}");
        let page = shop.client().get(path).accept_html().send().await;
        assert!(page.text().contains("The log of the server says what to change."), "{}", page.text());
    }
}
