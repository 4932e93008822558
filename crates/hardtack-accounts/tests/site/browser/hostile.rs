//! Pages of other sites that send browsers to the site.

use std::net::SocketAddr;

use hardtack_test_support::BrowserOptions;
use hardtack_test_support::server::{Received, serve};
use http::Response;

use super::Person;
use crate::support::{BOTH_MODES, Options, PASSWORD, TestSite};

/// Another site. `/post?to=…` submits a form from its visitor's browser; `/link?to=…` only has a link.
pub(super) struct Elsewhere {
    address: SocketAddr,
}

impl Elsewhere {
    pub(super) async fn start(site: &TestSite) -> Self {
        let victim = site.url();
        Self { address: serve(move |request| page(&victim, &request)).await }
    }

    /// Returns an origin on another port, which is still the same site, so browsers send the site's cookies; and one
    /// with another host name, which is another site.
    pub(super) fn origins(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{}", self.address.port()))
    }
}

fn page(victim: &str, request: &Received) -> Response<String> {
    let (path, to) = request.target.split_once("?to=").unwrap_or_default();
    let body = match path {
        "/link" => format!("<a href='{victim}{to}'>Go there</a>"),
        "/post" => format!(
            "<form method=post action='{victim}{to}'><input name=csrf_token value=guessed>\
             <input name=username value=mallory><input name=password value='{PASSWORD}'>\
             <input name=display_name value=Mallory><input name=email value=mallory@example.org></form>\
             <script>document.forms[0].submit()</script>"
        ),
        _ => String::new(),
    };
    let response = Response::builder().header("content-type", "text/html; charset=utf-8");
    response.body(format!("<!doctype html><title>Elsewhere</title>{body}")).unwrap()
}

#[tokio::test]
async fn forms_of_other_sites_have_no_effect() {
    let mut browser = None;
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        site.person("mallory").await;
        let ada = match browser.take() {
            Some(browser) => Person { browser, site: &site },
            None => Person::at(&site, BrowserOptions::default()).await,
        };
        ada.opens("/signup").await;
        ada.sends("/signup", &[("username", "ada"), ("password", PASSWORD)]).await;
        ada.is_greeted_as("ada").await;
        attack(&ada).await;
        ada.logs_out().await;
        browser = Some(ada.browser);
    }
}

async fn attack(ada: &Person<'_>) {
    let elsewhere = Elsewhere::start(ada.site).await;
    let targets = ["/logout", "/login", "/signup", "/account/change_settings"];
    // An attack with an expired access token must not refresh it.
    let after_expiry = ["/logout", "/account/change_settings", "/token/refresh"];
    for origin in elsewhere.origins() {
        for (targets, expired) in [(&targets[..], false), (&after_expiry, true)] {
            for target in targets {
                if expired {
                    ada.site.expire_access();
                }
                ada.browser.goto(&format!("{origin}/post?to={target}")).await.unwrap();
                ada.sees("Another site started this request, so nothing was changed.").await;
                ada.opens("/service").await;
                ada.is_greeted_as("ada").await;
            }
        }
    }
}
