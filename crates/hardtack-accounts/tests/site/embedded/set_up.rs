//! The settings of a site, and the errors of settings that cannot work.

use std::path::Path;

use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, RefreshMode, Urls};
use hardtack_accounts::mail::Outbox;
use hardtack_accounts::{Accounts, Color, EmailAddress, Page, Registration, Site, SiteBuilder};
use hardtack_sqlx::Database;
use serde_json::json;
use tempfile::TempDir;

use super::Shop;
use crate::support::*;

/// Accounts in a new database.
async fn accounts(directory: &Path) -> Accounts {
    let database = Database::open(&format!("sqlite:{}", directory.join("shop.db").display())).await.unwrap();
    database.sessions().migrate().await.unwrap();
    Accounts::open(database).await.unwrap().with_sessions()
}

fn builder(accounts: &Accounts, configure: fn(AuthenticatorBuilder) -> AuthenticatorBuilder) -> SiteBuilder {
    let keys = KeySet::from_secret(SECRET).unwrap();
    let builder = accounts.configure(Authenticator::builder(keys)).base_url("https://shop.example");
    Site::builder(configure(builder).build().unwrap(), accounts.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_refused_with_the_line_to_write() {
    let directory = TempDir::with_prefix("hardtack-shop-").unwrap();
    let accounts = accounts(directory.path()).await;
    let plain: fn(AuthenticatorBuilder) -> AuthenticatorBuilder = |builder| builder;
    let at_auth: fn(AuthenticatorBuilder) -> AuthenticatorBuilder = |builder| builder.urls(Site::urls_at("/auth"));
    let without_bound: fn(AuthenticatorBuilder) -> AuthenticatorBuilder =
        |builder| builder.urls(Site::urls_at("/auth").bound("/token/bound"));
    let error = |configure, set: fn(SiteBuilder) -> SiteBuilder| {
        set(builder(&accounts, configure)).build().unwrap_err().to_string()
    };
    assert_eq!(
        error(plain, |site| site.at("/auth")),
        "the pages are at \"/auth\", but the authenticator's log-out URL is \"/logout\" instead of \"/auth/logout\"; \
         when you build the authenticator, write .urls(Site::urls_at(\"/auth\")); if the pages belong elsewhere, \
         change the site's .at(…)"
    );
    assert_eq!(
        error(at_auth, |site| site),
        "the pages are at \"/\", but the authenticator's log-out URL is \"/auth/logout\" instead of \"/logout\"; when \
         you build the authenticator, write .urls(Site::urls_at(\"/\")); if the pages belong elsewhere, change the \
         site's .at(…)"
    );
    assert!(error(without_bound, |site| site.at("/auth")).contains("the authenticator's refresh URL"));
    for path in ["auth", "/auth/", "//auth", "/a b", "/auth?a", "/{auth}", "https://shop.example/auth", "/a/../b"] {
        let error = builder(&accounts, at_auth).at(path).build().unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "the pages cannot be at {path:?}; write a path that begins with a slash and does not end with one, \
                 such as .at(\"/auth\")"
            )
        );
    }
    assert_eq!(
        error(at_auth, |site| site.at("/auth").stylesheet("https://cdn.example/a.css")),
        "the stylesheet \"https://cdn.example/a.css\" is not a path on this site, and the pages' \
         Content-Security-Policy forbids files from other sites; serve the file from your application, and give its \
         path here, such as \"/shop.css\""
    );
    assert!(error(at_auth, |site| site.at("/auth").logo("//cdn.example/a")).starts_with("the logo "));
    assert_eq!(
        error(at_auth, |site| site.at("/auth").color(Color::Button, "#fff", "red;}")),
        "Button cannot be set to \"red;}\", which is not a color; write a CSS color, such as \"#7a1f3d\", \
         \"rebeccapurple\" or \"rgb(122 31 61)\""
    );
    assert_eq!(
        error(at_auth, |site| site.at("/auth").name(" ")),
        "the name \" \" is empty or has control characters; write a name such as .name(\"Corner Shop\")"
    );

    // The log-in page and the home page may be the application's own.
    let own: fn(AuthenticatorBuilder) -> AuthenticatorBuilder = |builder| {
        let urls: Urls = Site::urls_at("/auth").login("/welcome").signup("/join").home("/orders");
        builder.urls(urls)
    };
    let site = builder(&accounts, own).at("/auth").build().unwrap();
    assert_eq!(site.address().as_deref(), Some("https://shop.example/auth"));
    assert_eq!(site.path("/account"), "/auth/account");
    assert_eq!(
        error(at_auth, |site| site.at("/auth")),
        "a site has already been built from these accounts; clone that site, or open the accounts again for a second site"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_must_lead_to_the_pages() {
    let directory = TempDir::with_prefix("hardtack-shop-").unwrap();
    let from = EmailAddress::parse("noreply@shop.example").unwrap();
    let accounts = accounts(directory.path()).await;
    let accounts = accounts.with_mail(from, "https://shop.example/", Outbox::new(directory.path().join("outbox")));
    let site = builder(&accounts, |builder| builder.urls(Site::urls_at("/auth"))).at("/auth").build();
    assert_eq!(
        site.unwrap_err().to_string(),
        "links in emails begin with \"https://shop.example\", but the pages are at \"https://shop.example/auth\"; pass \
         \"https://shop.example/auth\" to Accounts::with_mail"
    );
    assert!(builder(&accounts, |builder| builder).build().is_ok(), "the pages are at the root");
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_cannot_sign_up_if_the_registration_is_closed() {
    let shop = Shop::start(RefreshMode::Transparent, "", |accounts, builder| {
        let auth = accounts.configure(builder).urls(Site::urls_at("/auth")).build().unwrap();
        let site = Site::builder(auth, accounts.clone()).at("/auth").registration(Registration::Closed);
        site.without_health_check().build().unwrap().router()
    });
    let shop = shop.await;
    let mut browser = shop.client();
    let page = browser.get("/auth/signup").accept_html().send().await;
    assert_eq!(page.status(), 403);
    assert!(page.text().contains("This site does not accept new accounts."), "{}", page.text());
    for path in ["/auth/login", "/auth/signup", "/auth/password/forgot", "/auth/nowhere"] {
        let page = browser.get(path).accept_html().send().await;
        assert!(!page.text().contains("/signup"), "{path} links to the sign-up: {}", page.text());
        // Without `.name`, the pages have the name of the host.
        assert!(page.text().contains(shop.url.trim_start_matches("http://")), "{}", page.text());
    }
    let form = browser.post("/auth/signup").accept_html().form(&[("username", "eve"), ("password", PASSWORD)]);
    assert_eq!(form.send().await.status(), 403);
    let body = json!({ "username": "eve", "password": PASSWORD });
    let problem = browser.post("/auth/signup").accept_json().json(&body).send().await;
    assert_eq!((problem.status().as_u16(), &problem.json()["code"]), (403, &json!("registration_closed")));
    assert!(shop.accounts.list(None, 9).await.unwrap().is_empty());
    let document = browser.get("/auth/openapi.json").send().await.json();
    assert!(document["paths"].get("/signup").is_none() && document["paths"].get("/healthz").is_none());
    assert_eq!(browser.get("/auth/healthz").send().await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_gets_the_parts_of_every_page() {
    let shop = Shop::start(RefreshMode::Transparent, "", |accounts, builder| {
        let auth = accounts.configure(builder).urls(Site::urls_at("/auth")).build().unwrap();
        let pages = [Page::Account, Page::SignUp, Page::Message];
        let site = Site::builder(auth, accounts.clone()).at("/auth").name("A & B");
        let site = pages.into_iter().fold(site, |site, page| {
            site.page(page, |view| {
                let who = view.user().unwrap_or("nobody");
                let (title, name, content) = (view.title(), view.site_name(), view.content_html());
                format!("<i>{:?}|{title}|{name}|{who}</i>{content}{}", view.page(), view.log_out_html())
            })
        });
        site.build().unwrap().router()
    });
    let shop = shop.await;
    let mut browser = shop.client();
    let page = open(&mut browser, "/auth/signup").await;
    assert!(page.text().starts_with("<i>SignUp|Sign up|A & B|nobody</i>"), "{}", page.text());
    let typed = [("username", "alice"), ("password", "short")];
    let page = submit(&mut browser, &page, "/auth/signup", &typed).await;
    assert_eq!(page.status(), 422);
    assert!(page.text().starts_with("<i>SignUp|Problem: Sign up|A & B|nobody</i>"), "{}", page.text());
    submit(&mut browser, &page, "/auth/signup", &[("username", "alice"), ("password", PASSWORD)]).await;
    let page = open(&mut browser, "/auth/account").await;
    assert!(page.text().starts_with("<i>Account|Account|A & B|alice</i>"), "{}", page.text());
    assert!(page.text().contains("action=\"/auth/logout\""), "{}", page.text());
    let page = browser.get("/auth/nowhere").accept_html().send().await;
    assert!(page.text().starts_with("<i>Message|Page not found|A & B|alice</i>"), "{}", page.text());
    let devices = open(&mut browser, "/auth/account/sessions").await;
    assert!(devices.text().contains("<title>Devices · A &amp; B</title>"), "{}", devices.text());
}
