//! Where the router of the pages can be.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::middleware::map_request;
use axum::routing::get;
use hardtack::{AuthenticatorBuilder, RefreshMode};
use hardtack_accounts::{Accounts, Site};
use hardtack_axum::AuthLayer;
use hardtack_test_support::client::Client;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::{Shop, send, site};
use crate::support::*;

/// An application with a fallback of its own.
fn shop() -> Router {
    Router::new().route("/", get(|| async { "the shop" })).fallback(|| async { (http::StatusCode::NOT_FOUND, "lost") })
}

/// Signs up, opens the account page and logs out.
async fn visit(browser: &mut Client) {
    let page = open(browser, "/auth/signup").await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert!(page.text().contains("href=\"/auth/assets/site.css\""), "{}", page.text());
    let page = send(browser, &page, "/auth/signup", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((page.text(), page.path()), ("the shop", "/"));
    let page = open(browser, "/auth/account").await;
    assert_eq!((page.status().as_u16(), page.path()), (200, "/auth/account"));
    let page = send(browser, &page, "/auth/logout", &[]).await;
    assert_eq!(page.text(), "the shop");
    let page = open(browser, "/auth/account").await;
    assert_eq!(page.path(), "/auth/login?next=%2Fauth%2Faccount");
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
            visit(&mut browser).await;
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
    let nested =
        |accounts: &Accounts, builder| Router::new().nest("/shop", shop().merge(site(accounts, builder).router()));
    let shop_below = Shop::start(RefreshMode::Redirect, "/shop", nested).await;
    let mut browser = shop_below.client();
    let page = open(&mut browser, "/shop/auth/signup").await;
    let page = send(&mut browser, &page, "/shop/auth/signup", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(page.path(), "/shop/");
    assert_eq!(browser.cookie(REFRESH).unwrap().path, "/shop/auth/token/refresh");
    assert_eq!(browser.cookie("known_device").unwrap().path, "/shop/auth");
    let account = open(&mut browser, "/shop/auth/account").await;
    assert_eq!(account.status(), 200);
    shop_below.clock.advance(minutes(15));
    let asked = open(&mut browser, "/shop/auth/account").await;
    assert_eq!(asked.path(), "/shop/auth/reauthenticate?next=%2Fshop%2Fauth%2Faccount");

    // If a proxy strips `/shop`, the links still begin with `/shop`.
    let stripped =
        Shop::start(RefreshMode::Redirect, "/shop", |accounts, builder| shop().merge(site(accounts, builder).router()));
    let stripped = stripped.await;
    let page = stripped.client().get("/auth/login").accept_html().send().await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("action=\"/shop/auth/login\""), "{}", page.text());
}

/// If the pages have no path of their own, the home page and unknown paths belong to the application.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_can_be_at_the_root_of_the_host() {
    let at_root = |accounts: &Accounts, builder: AuthenticatorBuilder| {
        let auth = accounts.configure(builder).build().unwrap();
        let site = Site::builder(auth, accounts.clone()).name("Corner Shop").build().unwrap();
        shop().merge(site.router())
    };
    let shop = Shop::start_with_pages_at("", RefreshMode::Transparent, "", at_root).await;
    let mut browser = shop.client();
    let page = open(&mut browser, "/signup").await;
    let home = send(&mut browser, &page, "/signup", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((home.text(), home.path()), ("the shop", "/"));
    let account = open(&mut browser, "/account").await;
    assert!(account.text().contains("<title>Account · Corner Shop</title>"), "{}", account.text());
    for path in ["/service", "/lost", "/robots.txt", "/assets/hardtack.css"] {
        assert_eq!(open(&mut browser, path).await.text(), "lost", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_at_the_wrong_path_is_refused() {
    let twice = |accounts: &Accounts, builder| Router::new().nest("/auth", site(accounts, builder).router());
    let elsewhere =
        |accounts: &Accounts, builder| Router::new().nest("/users", site(accounts, builder).router_to_nest());
    for (app, path) in [(twice as fn(&Accounts, _) -> Router, "/auth/auth/login"), (elsewhere, "/users/login")] {
        let shop = Shop::start(RefreshMode::Transparent, "", app).await;
        let response = shop.client().get(path).accept_json().send().await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (500, &"pages_misplaced".into()), "{path}");
        let page = shop.client().get(path).accept_html().send().await;
        assert!(page.text().contains("The server's log says what to change."), "{}", page.text());
    }
}

/// axum drops the second of two slashes, so the router gets `/login` for `/auth//login`.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_doubled_slashes_is_an_unknown_path() {
    type Build = fn(Site) -> Router;
    let apps: [Build; 2] = [|site| shop().merge(site.router()), |site| shop().nest("/auth", site.router_to_nest())];
    for app in apps {
        let shop = Shop::start(RefreshMode::Transparent, "", |accounts, builder| app(site(accounts, builder))).await;
        for path in ["/auth//login", "/auth//x", "/auth///login", "/auth/login//", "/auth//auth/login"] {
            let response = shop.client().get(path).accept_json().send().await;
            assert_eq!((response.status().as_u16(), &response.json()["code"]), (404, &"not_found".into()), "{path}");
        }
    }
}

/// axum passes `/auth/` to no nested router. The documentation says which route to add.
#[tokio::test(flavor = "multi_thread")]
async fn a_nested_router_needs_a_route_for_its_path_with_a_slash() {
    let documented = |accounts: &Accounts, builder| {
        let redirect = get(|| async { axum::response::Redirect::permanent("/auth") });
        shop().route("/auth/", redirect).nest("/auth", site(accounts, builder).router_to_nest())
    };
    let with_route = Shop::start(RefreshMode::Transparent, "", documented).await;
    let page = open(&mut with_route.client(), "/auth/").await;
    assert_eq!(page.path(), "/auth/login?next=%2Fauth%2Faccount");
    let without = |accounts: &Accounts, builder| shop().nest("/auth", site(accounts, builder).router_to_nest());
    let without_route = Shop::start(RefreshMode::Transparent, "", without).await;
    assert_eq!(open(&mut without_route.client(), "/auth/").await.text(), "lost");
    assert_eq!(open(&mut without_route.client(), "/auth").await.path(), "/auth/login?next=%2Fauth%2Faccount");
}

/// An application that rewrites `/konto/…` to `/auth/…`.
async fn rewrite(mut request: Request<Body>) -> Request<Body> {
    if let Some(rest) = request.uri().path().strip_prefix("/konto") {
        *request.uri_mut() = format!("/auth{rest}").parse().unwrap();
    }
    request
}

/// The server runs on the thread of the test, because the test reads the log of this thread.
#[tokio::test]
async fn an_application_that_rewrites_paths_is_told_what_to_change() {
    let log = Log::default();
    let written = log.clone();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(move || written.clone()).finish());
    // The outer router passes the request on after it has been rewritten.
    let between = |accounts: &Accounts, builder| {
        let inner = shop().merge(site(accounts, builder).router());
        Router::new().fallback_service(inner).layer(map_request(rewrite))
    };
    let shop_between = Shop::start(RefreshMode::Transparent, "", between).await;
    let response = shop_between.client().get("/konto/login").accept_json().send().await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!((response.status().as_u16(), &response.json()["code"]), (500, &"pages_misplaced".into()), "{text}");
    for part in [
        "requested at \"/konto/login\"",
        "lead to \"/auth/login\"",
        "rewrite the paths before the request reaches the outermost router",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The application does what the advice says: it rewrites the path before any router sees it.
    let mut outermost = None;
    let before = Shop::start(RefreshMode::Transparent, "", |accounts, builder| {
        let app = shop().merge(site(accounts, builder).router());
        outermost = Some(map_request(rewrite).layer(app.clone()));
        app
    });
    let before = before.await;
    let request =
        Request::get("/konto/login").header("accept", "text/html").header("host", &before.address.to_string());
    let response = outermost.unwrap().call(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_of_the_pages_leads_to_the_account_page_even_with_a_slash() {
    let shop =
        Shop::start(RefreshMode::Transparent, "", |accounts, builder| shop().merge(site(accounts, builder).router()));
    let shop = shop.await;
    for path in ["/auth", "/auth/"] {
        let response = shop.client().get(path).accept_html().send().await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/auth/account")), "{path}");
        assert!(response.header("content-security-policy").is_some(), "{path}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The server runs on the thread of the test, because the test reads the log of this thread.
#[tokio::test]
async fn a_misplaced_router_is_logged_once_with_a_short_path() {
    let log = Log::default();
    let written = log.clone();
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(move || written.clone()).finish());
    let app = |accounts: &Accounts, builder| Router::new().nest("/users", site(accounts, builder).router_to_nest());
    let shop = Shop::start(RefreshMode::Transparent, "", app).await;
    for _ in 0..3 {
        let path = format!("/users/{}", "x".repeat(5_000));
        assert_eq!(shop.client().get(&path).accept_json().send().await.status(), 500);
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("pages_misplaced")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines.iter().all(|line| line.len() < 1_000), "{text}");
}
