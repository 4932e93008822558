//! Secrets: responses to one user are not cached, and credentials are not logged or shown.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::html::HtmlForms;
use http::Method;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{ACCESS, BOTH_MODES, Options, REFRESH, TestSite, cookie, filled, minutes, open, plant, submit};

#[tokio::test]
async fn s63_nothing_of_one_persons_may_be_cached() {
    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, ..Options::default() }).await;
        let mut ada = site.person("ada").await;
        let private = |response: &Response, what: &str| {
            assert_eq!(response.headers_all("cache-control"), ["private, no-store"], "{refresh:?} {what}");
        };
        for path in ["/", "/service", "/account", "/account/sessions", "/reauthenticate", "/logout"] {
            for method in [Method::GET, Method::HEAD] {
                let page = ada.request(method.clone(), path).accept_html().send().await;
                assert_eq!(page.status(), 200, "{path}");
                private(&page, path);
                let vary = page.headers_all("vary").join(", ").to_lowercase();
                assert!(vary.contains("cookie") && vary.contains("accept"), "{path}: {vary}");
                private(&ada.request(method, path).accept_json().send().await, &format!("{path} as JSON"));
            }
        }
        // The pages around the log-in and the 404 page show the user name too.
        for path in ["/login?ended=1", "/password/forgot", "/nowhere"] {
            let page = ada.get(path).accept_html().send().await;
            assert!(page.text().contains("Logged in as"), "{path}: {}", page.text());
            private(&page, path);
        }
        // Responses to forms: accepted, refused and invalid.
        let page = open(&mut ada, "/account").await;
        for typed in [[("display_name", "Ada"), ("email", "")], [("display_name", "Ada"), ("email", "wrong")]] {
            private(&submit(&mut ada, &page, "/account/change_settings", &typed).await, "settings");
        }
        private(&submit(&mut ada, &page, "/account/password", &[("current_password", "wrong")]).await, "password");
        private(&ada.post("/account/change_settings").accept_html().form(&[("a", "b")]).send().await, "no CSRF token");
        private(&ada.post("/account/sessions/x/revoke").accept_json().csrf().send().await, "no such session");
        private(&ada.post("/account/sessions/revoke-others").accept_json().csrf().send().await, "no others");
        // A refresh, at its route and in place; a page that asks for the password.
        let csrf = cookie(&ada, "csrf_refresh_token");
        let request = ada.post("/token/refresh?next=/service").accept_html().header("x-csrf-token", &csrf);
        let response = request.send().await;
        assert!(response.set_cookie(ACCESS).is_some());
        private(&response, "refresh");
        private(&ada.get("/account").accept_html().send().await, "not fresh");
        private(&ada.get("/account").accept_json().send().await, "not fresh, as JSON");
        site.expire_access();
        let response = open(&mut ada, "/service").await;
        response.hops().iter().chain([&response]).for_each(|one| private(one, "an expired token"));
        // Responses that delete cookies: to a forged token, a log-out.
        let mut forged = ada.clone();
        plant(&mut forged, ACCESS, "forged");
        private(&forged.get("/service").accept_html().send().await, "forged");
        private(&forged.get("/service").accept_json().send().await, "forged, as JSON");
        private(&submit(&mut ada, &response, "/logout", &[]).await, "log-out");

        // Pages for visitors: a form and its cookie belong to one browser.
        let mut visitor = site.client();
        for path in ["/login", "/signup"] {
            private(&site.client().get(path).accept_html().send().await, path);
            open(&mut visitor, path).await;
            let page = visitor.get(path).accept_html().send().await;
            assert!(page.header("cache-control").unwrap().contains("no-store"), "{path}");
        }
        let page = open(&mut visitor, "/login").await;
        let response = submit(&mut visitor, &page, "/login", &[("username", "ada"), ("password", "wrong")]).await;
        assert!(response.header("cache-control").unwrap().contains("no-store"));
        for path in ["/service", "/account", "/", "/nowhere"] {
            let response = visitor.get(path).accept_html().send().await;
            assert!(response.header("cache-control").unwrap().contains("no-store"), "{path}");
        }
        let response = visitor
            .post("/login")
            .accept_json()
            .json(&json!({ "username": "ada", "password": crate::support::PASSWORD }));
        private(&response.send().await, "log-in");
    }
}

/// Collects what all threads log while it exists.
#[derive(Clone, Default)]
struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    open: Arc<AtomicBool>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// For the whole process, since the database driver has threads of its own.
    fn start() -> Self {
        let log = Self::default();
        let (writer, gate) = (log.clone(), Arc::clone(&log.open));
        let format = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_writer(move || writer.clone());
        let filter = tracing_subscriber::filter::dynamic_filter_fn(move |_, _| gate.load(Ordering::Relaxed));
        let subscriber = tracing_subscriber::registry().with(filter).with(format);
        tracing::subscriber::set_global_default(subscriber).expect("no other test captures the whole process's log");
        log.open.store(true, Ordering::Relaxed);
        log
    }

    fn stop(&self) -> String {
        self.open.store(false, Ordering::Relaxed);
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }
}

/// The secrets that must not appear, collected in the course of the test.
#[derive(Default)]
struct Secrets {
    values: BTreeSet<String>,
    /// The values of hidden fields, which differ from page to page.
    csrf: BTreeSet<String>,
    bodies: Vec<(String, String)>,
}

impl Secrets {
    /// Adds everything that a browser holds: tokens with their signatures, CSRF tokens.
    fn take(&mut self, client: &Client) {
        for cookie in client.cookies().into_iter().filter(|cookie| !cookie.value.is_empty()) {
            self.values.insert(cookie.value.clone());
            if let Some((_, signature)) = cookie.value.rsplit_once('.') {
                self.values.insert(signature.to_owned());
            }
        }
    }

    /// Adds a page: its hidden values are secret, and the page itself is searched later.
    fn seen(&mut self, client: &Client, response: &Response) {
        self.take(client);
        for one in response.hops().iter().chain([response]) {
            let csrf = one.hidden_field("csrf_token").filter(|value| !value.is_empty());
            self.values.extend(csrf.clone());
            self.csrf.extend(csrf);
            let fields = one.headers().iter().filter(|(name, _)| *name != "set-cookie");
            let fields: String = fields.map(|(name, value)| format!("{name}: {value:?}\n")).collect();
            self.bodies.push((format!("{} {}", one.method(), one.path()), fields + one.text()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s64_no_password_and_no_token_is_ever_logged_or_shown() {
    const PASSWORDS: [&str; 5] = [
        "canary-first-Zq81-password",
        "canary-second-Wv92-password",
        "canary-wrong-Ux73-password",
        "canary-unreadable-Ty64-password",
        "canary-bad-é-Rt55",
    ];
    let [first, second, wrong, unreadable, short] = PASSWORDS;
    let log = Log::start();
    let mut secrets = Secrets::default();

    for refresh in BOTH_MODES {
        let site = TestSite::start(Options { refresh, refresh_lifetime: minutes(60), ..Options::default() }).await;
        let mut ada = site.client();
        let username = "canary-ada";

        // Sign-up and log-in on a second device, with and without errors.
        let page = open(&mut ada, "/signup?next=/account").await;
        secrets.seen(&ada, &page);
        let response = submit(&mut ada, &page, "/signup", &[("username", "a b"), ("password", short)]).await;
        secrets.seen(&ada, &response);
        let form = filled(&page, "/signup", &[("username", username), ("password", first)]);
        let account = ada.post("/signup").accept_html().form(&form).follow().await;
        assert_eq!(account.path(), "/account");
        secrets.seen(&ada, &account);
        let mut telephone = site.client();
        for (password, status) in [(wrong, 401), (first, 200)] {
            let body = json!({ "username": username, "password": password });
            let response = telephone.post("/login").accept_json().json(&body).send().await;
            assert_eq!(response.status(), status);
            secrets.seen(&telephone, &response);
        }
        let page = open(&mut telephone, "/login?ended=1").await;
        secrets.seen(&telephone, &page);
        let response =
            submit(&mut telephone, &page, "/login", &[("username", "canary-nobody"), ("password", wrong)]).await;
        secrets.seen(&telephone, &response);
        // Malformed bodies.
        for (kind, body) in [
            ("application/json", format!("{{\"username\":\"x\",\"password\":\"{unreadable}\"")),
            ("application/json", format!("{{\"username\":\"x\",\"password\":[\"{unreadable}\"]}}")),
            ("application/json", format!("{{\"password\":\"{unreadable}\",\"password\":\"{unreadable}\"}}")),
            ("application/x-www-form-urlencoded", format!("password={unreadable}&password={unreadable}")),
            ("text/plain", unreadable.to_owned()),
        ] {
            for path in ["/login", "/signup", "/account/password", "/reauthenticate"] {
                let csrf = cookie(&ada, "csrf_access_token");
                let request = ada.post(path).accept_json().header("content-type", kind).header("x-csrf-token", csrf);
                let response = request.body(body.clone()).send().await;
                assert!(response.status().is_client_error(), "{path} {kind}");
                secrets.seen(&ada, &response);
            }
        }

        // The account: settings, and a password change with each kind of error.
        let typed = [("display_name", "Ada"), ("email", "ada@lovelace.example"), ("current_password", first)];
        let response = submit(&mut ada, &account, "/account/change_settings", &typed).await;
        secrets.seen(&ada, &response);
        for (current, new, status) in [(wrong, second, 403), (first, "short", 422), (first, second, 303)] {
            let typed = [("current_password", current), ("new_password", new)];
            let response = submit(&mut ada, &account, "/account/password", &typed).await;
            assert_eq!(response.status(), status);
            secrets.seen(&ada, &response);
        }
        // Wrong CSRF tokens; tokens that are forged, repeated or of the wrong kind.
        let response = submit(&mut telephone, &account, "/account/change_settings", &[]).await;
        secrets.seen(&telephone, &response);
        let response = ada.post("/logout").accept_html().form(&[("csrf_token", "canary-csrf-Qp46")]).send().await;
        assert_eq!(response.status(), 403);
        secrets.seen(&ada, &response);
        let mut forged = ada.clone();
        plant(&mut forged, ACCESS, &format!("{}forged", cookie(&ada, ACCESS)));
        secrets.take(&forged);
        let response = open(&mut forged, "/service").await;
        secrets.seen(&forged, &response);
        let crossed = [
            (Method::GET, "/service", ACCESS, cookie(&ada, REFRESH)),
            (Method::POST, "/token/refresh", REFRESH, cookie(&ada, ACCESS)),
        ];
        for (method, path, name, value) in crossed {
            let mut crossed = ada.clone();
            plant(&mut crossed, name, &value);
            let response = crossed.request(method, path).csrf().accept_json().send().await;
            assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("wrong_kind")), "{path}");
            secrets.seen(&crossed, &response);
        }
        let doubled = format!("{ACCESS}={}", cookie(&ada, ACCESS));
        let response = ada.clone().get("/service").accept_json().raw_cookie_header(&doubled).send().await;
        assert_eq!(response.status(), 401);
        secrets.seen(&ada, &response);

        // Refreshes, reauthentication, reuse of a refresh token.
        let thief = ada.clone();
        for _ in 0..2 {
            site.expire_access();
            let page = open(&mut ada, "/service").await;
            secrets.seen(&ada, &page);
        }
        let page = open(&mut ada, "/account").await;
        secrets.seen(&ada, &page);
        for (password, status) in [(wrong, 401), (second, 303)] {
            let response = submit(&mut ada, &page, "/reauthenticate", &[("password", password)]).await;
            assert_eq!(response.status(), status);
            secrets.seen(&ada, &response);
        }
        for path in ["/", "/account", "/account/sessions", "/logout", "/login", "/nowhere"] {
            let page = open(&mut ada, path).await;
            secrets.seen(&ada, &page);
            let response = ada.get(path).accept_json().send().await;
            secrets.seen(&ada, &response);
        }
        let response = crate::support::refresh(&mut thief.clone()).await;
        assert_eq!((response.status().as_u16(), &response.json()["code"]), (401, &json!("refresh_reused")));
        secrets.seen(&thief, &response);
        let response = open(&mut ada, "/service").await;
        assert!(response.path().starts_with("/login"), "{}", response.path());

        // A log-out, a disabled user, and a database that is down.
        let body = json!({ "username": username, "password": second });
        let response = ada.post("/login").accept_json().json(&body).send().await;
        assert_eq!(response.status(), 200);
        secrets.seen(&ada, &response);
        let kept = ada.clone();
        let response = ada.post("/logout").accept_json().csrf().send().await;
        assert_eq!(response.status(), 200);
        secrets.seen(&ada, &response);
        site.disable(username).await;
        let response = ada.post("/login").accept_json().json(&body).send().await;
        assert_eq!(response.status(), 401);
        secrets.seen(&ada, &response);
        site.database().close().await;
        for path in ["/login", "/signup"] {
            let response = ada.post(path).accept_json().json(&body).send().await;
            assert_eq!(response.status(), 503);
            secrets.seen(&ada, &response);
        }
        for path in ["/service", "/token/refresh"] {
            let response = kept.clone().get(path).accept_json().send().await;
            secrets.seen(&kept, &response);
        }
    }

    let log = log.stop();
    // The capture worked, for the site and for its database.
    for event in
        ["login", "logout", "refresh", "password_changed", "revoked", "reuse_detected", "refused", "store_unavailable"]
    {
        assert!(log.contains(&format!("event=\"{event}\"")), "{event} is not in the log");
    }
    assert!(log.contains("sqlx") && log.contains("TRACE"), "only part of it was captured");

    assert!(secrets.values.len() > 30, "{}", secrets.values.len());
    let short = secrets.values.iter().filter(|value| value.len() < 43);
    let csrf: BTreeSet<_> = short.chain(&secrets.csrf).cloned().collect();
    let credentials = secrets.values.iter().map(String::as_str).chain(PASSWORDS).chain(["canary-csrf-Qp46"]);
    for secret in credentials {
        // As is, percent-encoded, and as `Debug` prints it.
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for written in [secret, &encoded, &secret.escape_debug().to_string()] {
            let line = log.lines().find(|line| line.contains(written));
            assert_eq!(line, None, "{secret} was logged");
        }
        // A page has CSRF tokens in its forms, but no JWT and no password.
        if !csrf.contains(secret) || PASSWORDS.contains(&secret) {
            for (what, text) in &secrets.bodies {
                assert!(!text.contains(secret), "{secret} is in the response to {what}: {text}");
            }
        }
    }
}
