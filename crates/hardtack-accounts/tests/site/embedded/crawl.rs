//! Opens every page of the example, logged out and logged in, and posts every form. Except for links to the
//! application's home page and files, nothing may lead out of `/auth`. No response may contain the word "Hardtack".

use std::collections::BTreeSet;

use hardtack::RefreshMode;
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::html::{form_actions, form_fields};

use super::Shop;
use crate::support::*;

/// What the example serves outside of `/auth`.
const OF_SHOP: [&str; 3] = ["/", "/shop.css", "/logo.svg"];

/// The pages with which a crawl begins. No page links to some of these pages.
const SEEDS: [&str; 15] = [
    "/auth",
    "/auth/login",
    "/auth/login?ended=1",
    "/auth/login?done=reset",
    "/auth/login?next=%2Fauth%2Faccount",
    "/auth/signup",
    "/auth/logout",
    "/auth/reauthenticate",
    "/auth/password/forgot",
    "/auth/password/reset",
    "/auth/email/confirm",
    "/auth/email/undo",
    "/auth/account",
    "/auth/account/sessions",
    "/auth/account/activity",
];

/// Returns the values of the attributes that name a URL.
fn urls(html: &str) -> Vec<String> {
    let starts = ["href=\"", "src=\"", "action=\"", "content=\"0;url="];
    let found = starts.iter().flat_map(|start| html.split(start).skip(1).map(|rest| rest.split('"').next().unwrap()));
    found.filter(|url| !url.starts_with('#')).map(|url| url.replace("&amp;", "&")).collect()
}

/// Returns whether `path` is the path of the refresh cookie in redirect mode.
fn is_refresh_url(path: &str) -> bool {
    path == "/auth/token/refresh"
}

/// Checks a response of the ready pages, and returns where it leads.
fn check(what: &str, response: &Response) -> Vec<String> {
    let status = response.status().as_u16();
    assert!(status < 500 && status != 404, "{what}: {status}\n{}", response.text());
    let headers = response.headers().iter().map(|(name, value)| format!("{name}: {value:?}\n"));
    let all = headers.collect::<String>() + response.text();
    assert!(!all.to_ascii_lowercase().contains("hardtack"), "{what}: {all}");
    for cookie in response.set_cookies() {
        // The cookies with the tokens are for the whole host, because the routes of the shop need the tokens.
        let is_of_pages = ["known_device", "link_used", "mail_link", "settings_draft"].contains(&cookie.name.as_str());
        assert_eq!(
            is_of_pages || is_refresh_url(&cookie.path),
            cookie.path.starts_with("/auth"),
            "{what}: {} at {}",
            cookie.name,
            cookie.path
        );
    }
    let is_page = response.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if is_page && !response.text().is_empty() {
        assert!(response.text().contains("Corner Shop"), "{what}: {}", response.text());
        assert!(response.header("content-security-policy").is_some(), "{what}");
    }
    let mut urls = if is_page { urls(response.text()) } else { Vec::new() };
    urls.extend(response.location().map(str::to_owned));
    for url in &urls {
        let path = url.split('?').next().unwrap();
        assert!(path == "/auth" || path.starts_with("/auth/") || OF_SHOP.contains(&path), "{what} leads to {url}");
    }
    urls
}

/// The pages of the site that were found in one browser, and the pages that are still to be opened.
struct Crawl<'a> {
    who: &'a str,
    seen: BTreeSet<String>,
    rest: Vec<String>,
}

impl Crawl<'_> {
    fn find(&mut self, urls: Vec<String>) {
        for url in urls {
            if self.seen.insert(url.clone()) {
                self.rest.push(url);
            }
        }
    }

    /// Opens every page that can be reached. Returns the forms: the action, the browser and the fields.
    async fn open_all(&mut self, browser: &Client) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        while let Some(path) = self.rest.pop() {
            let mut browser = browser.clone();
            if OF_SHOP.contains(&path.as_str()) {
                let page = open(&mut browser, &path).await;
                assert_eq!(page.status(), 200, "{path}");
                assert!(page.header("content-security-policy").is_none(), "the shop has its own headers");
                continue;
            }
            let page = browser.get(&path).accept_html().send().await;
            self.find(check(&format!("{}: {path}", self.who), &page));
            for action in form_actions(page.text()) {
                if !forms.iter().any(|(other, ..)| *other == action) {
                    let fields = form_fields(page.text(), &action).unwrap();
                    forms.push((action, browser.clone(), fields));
                }
            }
        }
        forms
    }
}

type Form = (String, Client, Vec<(String, String)>);

/// Opens every page that can be reached in this browser, and posts every form twice: first with a wrong CSRF token, and
/// then unchanged. This may end the session.
async fn crawl(who: &str, browser: &Client) -> BTreeSet<String> {
    let mut crawl = Crawl { who, seen: BTreeSet::new(), rest: Vec::new() };
    crawl.find(SEEDS.map(str::to_owned).into());
    let mut forms = crawl.open_all(browser).await;
    forms.sort_by_key(|(action, ..)| action == "/auth/logout");
    for (action, browser, fields) in forms {
        for forged in [true, false] {
            let mut fields = fields.clone();
            for (name, value) in &mut fields {
                if forged && name == "csrf_token" {
                    "wrong".clone_into(value);
                }
            }
            let sent = browser.clone().post(&action).accept_html().form(&fields).send().await;
            crawl.find(check(&format!("{who}: {action}, forged: {forged}"), &sent));
        }
    }
    crawl.open_all(browser).await;
    crawl.seen
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_out_of_the_pages_and_no_word_names_hardtack() {
    for mode in BOTH_MODES {
        let shop = Shop::example(mode).await;
        let visitor = crawl("visitor", &shop.client()).await;
        for page in ["/auth/signup", "/auth/password/forgot", "/auth/assets/site.css", "/", "/shop.css", "/logo.svg"] {
            assert!(visitor.contains(page), "{page} of {visitor:?}");
        }
        let (alice, bella) = (shop.user("alice").await, shop.user("bella").await);
        let (clara, mut dora) = (shop.user("clara").await, shop.user("dora").await);
        let mut elsewhere = shop.client();
        let page = open(&mut elsewhere, "/auth/login").await;
        submit(&mut elsewhere, &page, "/auth/login", &[("username", "alice"), ("password", PASSWORD)]).await;
        let fresh = crawl("user", &alice).await;
        for page in ["/auth/assets/times.js", "/auth/account/sessions?done=revoke"] {
            assert!(fresh.contains(page), "{page} of {fresh:?}");
        }
        // The password was entered too long ago, and the access token has expired.
        shop.clock.advance(minutes(15));
        let expired = crawl("user with an expired token", &bella).await;
        assert_eq!(expired.contains("/auth/token/refresh?next=%2Fauth%2Faccount"), mode == RefreshMode::Redirect);
        open(&mut dora, "/").await;
        let returning = crawl("returning user", &dora).await;
        assert!(returning.contains("/auth/reauthenticate?next=%2Fauth%2Faccount"), "{returning:?}");
        // The session has ended.
        shop.clock.advance(minutes(31 * 24 * 60));
        let former = crawl("former user", &clara).await;
        assert!(former.contains("/auth/login?next=%2Fauth%2Faccount&ended=1"), "{former:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_pages_and_the_description_of_the_routes_are_of_the_site() {
    let shop = Shop::example(RefreshMode::Transparent).await;
    for mut browser in [shop.client(), shop.user("alice").await] {
        let page = browser.get("/auth/nowhere").accept_html().send().await;
        assert_eq!(page.status(), 404);
        assert!(page.text().contains("Corner Shop") && !page.text().contains("ardtack"), "{}", page.text());
        let outside = browser.get("/nowhere").accept_html().send().await;
        assert_eq!((outside.status().as_u16(), outside.text()), (404, ""), "the shop has its own 404");
    }
    let document = shop.client().get("/auth/openapi.json").send().await;
    assert!(!document.text().to_ascii_lowercase().contains("hardtack"), "{}", document.text());
    let document = document.json();
    assert_eq!(document["info"]["title"], "Corner Shop: accounts");
    assert_eq!(document["servers"][0]["url"], format!("{}/auth", shop.url));
    assert_eq!(document["servers"].as_array().map(Vec::len), Some(1));
    let mut client = shop.client();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if methods.get("get").is_some() {
            let path = format!("/auth{}", path.replace("{id}", "0"));
            let status = client.get(&path).accept_json().send().await.status();
            assert_ne!(status, 404, "{path}");
        }
    }
    let css = client.get("/auth/assets/site.css").send().await;
    assert!(css.text().contains(":root{--button:#7a1f3d;--button-strong:#7a1f3d;"), "{}", css.text());
}
