//! What users do below `/auth`.

use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use hardtack::RefreshMode;
use hardtack_accounts::Site;
use hardtack_axum::{Auth, AuthError, AuthLayer};
use serde_json::json;

use super::{Shop, send};
use crate::support::*;

const NEW: &str = "another password of hers";

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_up_come_back_change_their_password_and_log_out() {
    for mode in BOTH_MODES {
        let shop = Shop::example(mode).await;
        let mut alice = shop.user("alice").await;
        assert!(open(&mut alice, "/").await.text().contains("Good day, alice!"));

        // The access token has expired.
        shop.clock.advance(minutes(15));
        let orders = alice.get("/orders").accept_html().send().await;
        if mode == RefreshMode::Redirect {
            assert_eq!(orders.location(), Some("/auth/token/refresh?next=%2Forders"), "{mode:?}");
        }
        let orders = open(&mut alice, "/orders").await;
        assert_eq!((orders.path(), orders.text()), ("/orders", "No orders of alice yet."), "{mode:?}");

        // The account page asks for the password.
        let asked = open(&mut alice, "/auth/account").await;
        assert_eq!(asked.path(), "/auth/reauthenticate?next=%2Fauth%2Faccount");
        let account = send(&mut alice, &asked, "/auth/reauthenticate", &[("password", PASSWORD)]).await;
        assert_eq!((account.status().as_u16(), account.path()), (200, "/auth/account"));

        let typed = [("current_password", PASSWORD), ("new_password", NEW)];
        let changed = send(&mut alice, &account, "/auth/account/password", &typed).await;
        assert_eq!((changed.status().as_u16(), changed.path()), (200, "/auth/account?done=password"));
        let devices = open(&mut alice, "/auth/account/sessions").await;
        assert!(devices.text().contains("This device") && devices.text().contains("Recent activity"));

        let home = send(&mut alice, &devices, "/auth/logout", &[]).await;
        assert_eq!((home.status().as_u16(), home.path()), (200, "/"));
        assert!(home.text().contains("Log in"), "{}", home.text());
        let page = open(&mut alice, "/orders").await;
        assert_eq!(page.path(), "/auth/login?next=%2Forders");
        let orders = send(&mut alice, &page, "/auth/login", &[("username", "alice"), ("password", NEW)]).await;
        assert_eq!((orders.path(), orders.text()), ("/orders", "No orders of alice yet."));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_emails_lead_to_the_pages_and_name_the_site() {
    let shop = Shop::example(RefreshMode::Transparent).await;
    let mut alice = shop.client();
    let page = open(&mut alice, "/auth/signup").await;
    let typed = [("username", "alice"), ("password", PASSWORD), ("email", "alice@mail.example")];
    let ready = send(&mut alice, &page, "/auth/signup", &typed).await;
    assert_eq!(ready.path(), "/auth/signup?done=signup");
    assert!(ready.text().contains("Open the link that we send to alice@mail.example"), "{}", ready.text());

    let mail = shop.mail().await;
    let host = shop.url.trim_start_matches("http://");
    assert!(mail.contains(&format!("On Corner Shop ({host}), someone entered this email address")), "{mail}");
    assert!(!mail.to_ascii_lowercase().contains("hardtack"), "{mail}");
    let link = shop.link(&mail);
    assert!(link.starts_with("/auth/email/confirm?token="), "{link}");
    let page = open(&mut alice, &link).await;
    assert_eq!(page.path(), "/auth/email/confirm");
    assert_eq!(cookie_path(&alice, "mail_link"), "/auth/email/confirm");
    let done = send(&mut alice, &page, "/auth/email/confirm", &[]).await;
    assert_eq!(done.path(), "/auth/email/confirm?done=email");
    assert!(done.text().contains("The email address for your account has been confirmed."), "{}", done.text());

    let mut visitor = shop.client();
    let page = open(&mut visitor, "/auth/password/forgot").await;
    let sent = send(&mut visitor, &page, "/auth/password/forgot", &[("email", "alice@mail.example")]).await;
    assert_eq!(sent.path(), "/auth/password/forgot?done=1");
    let link = shop.link(&shop.mail().await);
    assert!(link.starts_with("/auth/password/reset?token="), "{link}");
    let page = open(&mut visitor, &link).await;
    let page = send(&mut visitor, &page, "/auth/password/reset", &[("new_password", NEW)]).await;
    assert_eq!(page.path(), "/auth/login?done=reset");
    let home = send(&mut visitor, &page, "/auth/login", &[("username", "alice"), ("password", NEW)]).await;
    assert_eq!(home.path(), "/");
    assert!(open(&mut alice, "/orders").await.path().starts_with("/auth/login?"), "the reset logged her out");
}

fn cookie_path(client: &hardtack_test_support::client::Client, name: &str) -> String {
    client.cookie(name).unwrap_or_else(|| panic!("no cookie {name}")).path.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_kept_while_its_user_logs_in_again() {
    let shop = Shop::example(RefreshMode::Transparent).await;
    let mut alice = shop.user("alice").await;
    let account = open(&mut alice, "/auth/account").await;
    shop.clock.advance(minutes(31 * 24 * 60));
    let typed = [("display_name", "Alice the Baker")];
    let page = send(&mut alice, &account, "/auth/account/change_settings", &typed).await;
    assert_eq!(page.path(), "/auth/login?next=%2Fauth%2Faccount%3Fdone%3Dkept&ended=1&form=kept");
    assert_eq!(cookie_path(&alice, "settings_draft"), "/auth");
    let account = send(&mut alice, &page, "/auth/login", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert!(account.text().contains("Your changes are still here"), "{}", account.text());
    assert_eq!(field(&account, "/auth/account/change_settings", "display_name"), "Alice the Baker");
    assert_eq!(cookie_path(&alice, "known_device"), "/auth");
}

/// The log-in page of the application has the checks and limits of the ready page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_by_a_template_shows_errors_and_is_throttled() {
    let shop = Shop::example(RefreshMode::Transparent).await;
    shop.user("alice").await;
    let mut browser = shop.client();
    let mut page = open(&mut browser, "/auth/login?ended=1").await;
    assert!(page.text().contains("fresh bread since 1907"), "{}", page.text());
    assert!(page.text().contains("Your session has ended."), "{}", page.text());
    for _ in 0..10 {
        let typed = [("username", "alice"), ("password", "a wrong password")];
        page = submit(&mut browser, &page, "/auth/login", &typed).await;
        assert_eq!(page.status(), 401, "{}", page.text());
        assert!(page.text().contains("fresh bread") && page.text().contains("do not match"), "{}", page.text());
    }
    let page = submit(&mut browser, &page, "/auth/login", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(page.status(), 429);
    assert!(page.text().contains("fresh bread") && page.text().contains("Too many attempts."), "{}", page.text());
    let forged = browser.post("/auth/login").accept_html().form(&[("username", "alice"), ("csrf_token", "x")]);
    assert_eq!(forged.send().await.status(), 403);
}

/// A log-in page of the application whose form posts to the ready pages.
async fn welcome(auth: Auth) -> Result<impl IntoResponse, AuthError> {
    let (token, cookies) = auth.pre_session()?;
    let hidden = format!("<input type=\"hidden\" name=\"csrf_token\" value=\"{token}\">");
    let fields = "<input name=\"username\"><input name=\"password\" type=\"password\">";
    Ok((cookies, Html(format!("<form method=\"post\" action=\"/auth/login\">{hidden}{fields}</form>"))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_page_of_the_application_has_the_same_users_and_limits() {
    let shop = Shop::start(RefreshMode::Transparent, "", |accounts, builder| {
        let urls = Site::urls_at("/auth").login("/welcome").home("/auth/account");
        let auth = accounts.configure(builder).urls(urls).build().unwrap();
        let site = Site::builder(auth.clone(), accounts.clone()).at("/auth").name("Corner Shop").build().unwrap();
        Router::new().route("/welcome", get(welcome)).layer(AuthLayer::new(auth)).merge(site.router())
    });
    let shop = shop.await;
    sign_up_at(&shop, "alice").await;
    let mut browser = shop.client();
    let page = open(&mut browser, "/auth/account").await;
    assert_eq!(page.path(), "/welcome?next=%2Fauth%2Faccount");
    let account = send(&mut browser, &page, "/auth/login", &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((account.status().as_u16(), account.path()), (200, "/auth/account"));
    let forgot = open(&mut shop.client(), "/auth/password/forgot").await;
    assert!(forgot.text().contains("href=\"/welcome\">Log in"), "{}", forgot.text());

    let mut statuses = Vec::new();
    let mut stranger = shop.client();
    for _ in 0..12 {
        let page = open(&mut stranger, "/welcome").await;
        let typed = [("username", "alice"), ("password", "a wrong password")];
        statuses.push(submit(&mut stranger, &page, "/auth/login", &typed).await.status().as_u16());
    }
    assert_eq!((statuses[0], statuses.last()), (401, Some(&429)), "{statuses:?}");
}

async fn sign_up_at(shop: &Shop, name: &str) {
    let body = json!({ "username": name, "password": PASSWORD });
    let response = shop.client().post("/auth/signup").accept_json().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn api_clients_use_the_routes_below_the_path() {
    let shop = Shop::example(RefreshMode::Transparent).await;
    let mut api_client = shop.client();
    let body = json!({ "username": "alice", "password": PASSWORD });
    let response = api_client.post("/auth/signup").accept_json().json(&body).send().await;
    assert_eq!(response.json()["username"], "alice");
    let sessions = api_client.get("/auth/account/sessions").accept_json().send().await.json();
    assert_eq!(sessions["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(api_client.post("/auth/logout").accept_json().csrf().send().await.json(), json!({ "logged_out": true }));
}
