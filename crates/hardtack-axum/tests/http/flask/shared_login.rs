//! One log-in for two services on two ports of one host: the tutorial's app in Flask and in axum.

use std::net::SocketAddr;

use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, KeySet, SigningKey};
use hardtack_test_support::services::flask::Application;
use hardtack_test_support::{Client, HtmlForms, Process, Response, server};
use serde_json::json;

use super::options::{SECRET, pem};
use super::tokens::{Signer, now, read};
use crate::tutorial_example::{app, people::People};

const ACCESS: &str = "access_token_cookie";
const COOKIES: [&str; 4] = [ACCESS, "refresh_token_cookie", "csrf_access_token", "csrf_refresh_token"];
const SETTINGS: &str = "/account/change_settings";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Flask,
    Axum,
}

impl At {
    fn other(self) -> Self {
        if self == Self::Flask { Self::Axum } else { Self::Flask }
    }
}

/// Both services, and a browser that visits them.
struct Shared {
    flask: Process,
    axum: SocketAddr,
    signer: Signer,
    algorithm: &'static str,
    browser: Client,
}

impl Shared {
    /// `key` names the files of a private and a public key. Without it, both use the secret.
    async fn start(algorithm: &'static str, key: Option<&str>) -> Self {
        let (env, text) = match key {
            None => (vec![("JWT_SECRET_KEY", SECRET.to_owned())], SECRET.to_owned()),
            Some(name) => {
                let (private, public) = (pem(&format!("{name}.pem")), pem(&format!("{name}.pub.pem")));
                (vec![("JWT_PRIVATE_KEY", private.clone()), ("JWT_PUBLIC_KEY", public)], private)
            }
        };
        let algorithm_of_key: Algorithm = algorithm.parse().unwrap();
        let key = match key {
            None => SigningKey::from_secret_with(text.as_bytes(), algorithm_of_key),
            Some(_) => SigningKey::from_pem(text.as_bytes(), algorithm_of_key),
        };
        let env = [env, vec![("JWT_ALGORITHM", algorithm.to_owned())]].concat();
        let flask = Application::Tutorial.start(&env).await;

        let (listener, axum) = server::bind().await;
        // Use no session store, because a Flask service could not use it. All other options are the same as Flask's.
        let auth = Authenticator::builder(KeySet::new(key.unwrap())).base_url(format!("http://{axum}")).build();
        let service = app(auth.unwrap(), People::new().unwrap()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, service).into_future());

        let signer = Signer::new(algorithm, &text);
        Self { browser: flask.client(), flask, axum, signer, algorithm }
    }

    fn turn_to(&mut self, at: At) -> &mut Client {
        match at {
            At::Flask => self.browser.turn_to(self.flask.base_url()),
            At::Axum => self.browser.turn_to(self.axum),
        }
    }

    async fn show(&mut self, at: At, path: &str) -> Response {
        self.turn_to(at).get(path).accept_html().follow().await
    }

    /// Fills in a form of a page and submits it.
    async fn submit(&mut self, at: At, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
        let mut fields = page.form_fields(action);
        for (name, value) in typed {
            let field = fields.iter_mut().find(|(field, _)| field == name);
            field.unwrap_or_else(|| panic!("no field {name}")).1 = (*value).to_owned();
        }
        let to = if action.is_empty() { page.path() } else { action };
        self.turn_to(at).post(to).accept_html().form(&fields).follow().await
    }

    async fn log_in(&mut self, at: At) {
        let page = self.show(at, "/login").await;
        let action = if at == At::Flask { "/login" } else { "" };
        self.submit(at, &page, action, &[("username", "alice"), ("password", "correct horse")]).await;
        for name in COOKIES {
            assert!(self.browser.cookie(name).is_some(), "{name} is set by {at:?}");
        }
    }

    async fn is_logged_in(&mut self, at: At) -> bool {
        let page = self.show(at, "/service").await;
        let shown = page.status() == 200 && page.path() == "/service" && page.text().contains("At your service, ");
        assert!(shown || page.path().starts_with("/login"), "{at:?}: {} {}", page.path(), page.text());
        shown
    }

    /// Changes the nickname with the form of a service.
    async fn rename(&mut self, at: At, name: &str) {
        let form = self.show(at, "/account").await;
        assert_eq!((form.status().as_u16(), form.path()), (200, "/account"), "{at:?}");
        self.submit(at, &form, SETTINGS, &[("nickname", name)]).await;
        assert!(self.show(at, "/service").await.text().contains(&format!("At your service, {name}.")), "{at:?}");
    }

    /// Replaces the access token with one that was issued an hour ago.
    fn let_access_expire(&mut self) {
        let token = self.browser.cookie(ACCESS).unwrap().value.clone();
        let (header, mut claims) = read(&token).unwrap();
        assert_eq!(header["alg"], self.algorithm);
        for claim in ["iat", "nbf"] {
            claims[claim] = json!(now() - 3600);
        }
        claims["exp"] = json!(now() - 2700);
        let token = self.signer.sign(header.to_string().as_bytes(), claims.to_string().as_bytes());
        self.browser.set_cookie_raw(&format!("{ACCESS}={token}; Path=/; HttpOnly"));
    }

    /// Returns the claims of the access token in the jar.
    fn claims(&self) -> serde_json::Value {
        read(&self.browser.cookie(ACCESS).unwrap().value).unwrap().1
    }

    async fn journey(&mut self, first: At) {
        let second = first.other();
        for at in [first, second] {
            assert!(!self.is_logged_in(at).await, "{at:?} before a log-in");
        }
        self.log_in(first).await;
        for at in [first, second] {
            assert!(self.is_logged_in(at).await, "{at:?} after a log-in at {first:?}");
        }

        // The forms of both services contain the CSRF value of the token, no matter which service issued it. Forms
        // without this value are refused.
        self.rename(first, "Al").await;
        self.rename(second, "Ally").await;
        for at in [first, second] {
            let forged = self.turn_to(at).post(SETTINGS).accept_html().form(&[("nickname", "Mallory")]).send().await;
            assert!([302, 403].contains(&forged.status().as_u16()), "{at:?}: {}", forged.status());
            assert!(!self.show(at, "/service").await.text().contains("Mallory"), "{at:?}");
        }

        // Each service in turn refreshes the token. Both accept the new token, which is not fresh.
        for refresher in [second, first] {
            self.let_access_expire();
            assert!(self.is_logged_in(refresher).await, "refreshed by {refresher:?}");
            assert_eq!(self.claims()["fresh"], false, "{refresher:?}");
            assert!(self.claims()["exp"].as_i64() > Some(now()), "{refresher:?}");
            for at in [first, second] {
                assert!(self.is_logged_in(at).await, "{at:?} after {refresher:?} refreshed");
                let account = self.show(at, "/account").await;
                assert!(["/login", "/reauth"].iter().any(|path| account.path().starts_with(path)), "{at:?}");
            }
        }

        // Log in at the second service and out at the first.
        self.log_in(second).await;
        self.rename(first, "Alice").await;
        let page = self.show(first, "/service").await;
        self.submit(first, &page, "/logout", &[]).await;
        for name in COOKIES {
            assert!(self.browser.cookie(name).is_none(), "{name} is gone after the log-out at {first:?}");
        }
        for at in [first, second] {
            assert!(!self.is_logged_in(at).await, "{at:?} after the log-out at {first:?}");
        }
    }
}

async fn both_ways(algorithm: &'static str, key: Option<&str>) {
    let mut shared = Shared::start(algorithm, key).await;
    shared.journey(At::Flask).await;
    shared.journey(At::Axum).await;
}

#[tokio::test]
async fn with_a_secret() {
    both_ways("HS256", None).await;
}

#[tokio::test]
async fn with_an_rsa_key() {
    both_ways("RS256", Some("rsa")).await;
}

#[tokio::test]
async fn with_an_elliptic_curve_key() {
    both_ways("ES256", Some("es256")).await;
}
