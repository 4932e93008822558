//! What stays secret: nothing of one person's is cached, and no credential is logged or shown.

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
        let private = |answer: &Response, what: &str| {
            assert_eq!(answer.headers_all("cache-control"), ["private, no-store"], "{refresh:?} {what}");
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
        // Pages around the log-in name them too, and so does one that is not there.
        for path in ["/login", "/signup", "/nowhere"] {
            let page = ada.get(path).accept_html().send().await;
            assert!(page.text().contains("Logged in as"), "{path}: {}", page.text());
            private(&page, path);
        }
        // Answers to what they send: done, refused and wrong.
        let page = open(&mut ada, "/account").await;
        for typed in [[("display_name", "Ada"), ("email", "")], [("display_name", "Ada"), ("email", "wrong")]] {
            private(&submit(&mut ada, &page, "/account/change_settings", &typed).await, "settings");
        }
        private(&submit(&mut ada, &page, "/account/password", &[("current_password", "wrong")]).await, "password");
        private(&ada.post("/account/change_settings").accept_html().form(&[("a", "b")]).send().await, "no CSRF token");
        private(&ada.post("/account/sessions/x/revoke").accept_json().csrf().send().await, "no such session");
        private(&ada.post("/account/sessions/revoke-others").accept_json().csrf().send().await, "no others");
        // A refresh, at its own address and on the way; a page that asks for the password.
        let answer = ada.get("/token/refresh?next=/service").accept_html().send().await;
        assert!(answer.set_cookie(ACCESS).is_some());
        private(&answer, "refresh");
        private(&ada.get("/account").accept_html().send().await, "not fresh");
        private(&ada.get("/account").accept_json().send().await, "not fresh, as JSON");
        site.expire_access();
        let answer = open(&mut ada, "/service").await;
        answer.hops().iter().chain([&answer]).for_each(|one| private(one, "an expired token"));
        // Cookies that go: a forged token, a log-out.
        let mut forged = ada.clone();
        plant(&mut forged, ACCESS, "forged");
        private(&forged.get("/service").accept_html().send().await, "forged");
        private(&forged.get("/service").accept_json().send().await, "forged, as JSON");
        private(&submit(&mut ada, &answer, "/logout", &[]).await, "log-out");

        // Nobody's pages: a cookie comes with the first form, and no form is for two.
        let mut visitor = site.client();
        for path in ["/login", "/signup"] {
            private(&site.client().get(path).accept_html().send().await, path);
            open(&mut visitor, path).await;
            let page = visitor.get(path).accept_html().send().await;
            assert!(page.header("cache-control").unwrap().contains("no-store"), "{path}");
        }
        let page = open(&mut visitor, "/login").await;
        let answer = submit(&mut visitor, &page, "/login", &[("username", "ada"), ("password", "wrong")]).await;
        assert!(answer.header("cache-control").unwrap().contains("no-store"));
        for path in ["/service", "/account", "/", "/nowhere"] {
            let answer = visitor.get(path).accept_html().send().await;
            assert!(answer.header("cache-control").unwrap().contains("no-store"), "{path}");
        }
        let answer = visitor
            .post("/login")
            .accept_json()
            .json(&json!({ "username": "ada", "password": crate::support::PASSWORD }));
        private(&answer.send().await, "log-in");
    }
}

/// Collects what is logged, by whichever thread, while it is open.
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
    /// For the whole process: some of the work is done on threads of the database's.
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

/// What must not be seen, as it grows.
#[derive(Default)]
struct Secrets {
    values: BTreeSet<String>,
    bodies: Vec<(String, String)>,
}

impl Secrets {
    /// Everything that a browser holds: tokens with their signatures, CSRF values.
    fn take(&mut self, client: &Client) {
        for cookie in client.cookies().into_iter().filter(|cookie| !cookie.value.is_empty()) {
            self.values.insert(cookie.value.clone());
            if let Some((_, signature)) = cookie.value.rsplit_once('.') {
                self.values.insert(signature.to_owned());
            }
        }
    }

    /// A page: its hidden values are secret, and the page itself is looked through later.
    fn seen(&mut self, client: &Client, answer: &Response) {
        self.take(client);
        for one in answer.hops().iter().chain([answer]) {
            self.values.extend(one.hidden_field("csrf_token").filter(|value| !value.is_empty()));
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

        // Signing up, wrongly and rightly; logging in on a second device likewise.
        let page = open(&mut ada, "/signup?next=/account").await;
        secrets.seen(&ada, &page);
        let answer = submit(&mut ada, &page, "/signup", &[("username", "a b"), ("password", short)]).await;
        secrets.seen(&ada, &answer);
        let form = filled(&page, "/signup", &[("username", username), ("password", first)]);
        let account = ada.post("/signup").accept_html().form(&form).follow().await;
        assert_eq!(account.path(), "/account");
        secrets.seen(&ada, &account);
        let mut telephone = site.client();
        for (password, status) in [(wrong, 401), (first, 200)] {
            let body = json!({ "username": username, "password": password });
            let answer = telephone.post("/login").accept_json().json(&body).send().await;
            assert_eq!(answer.status(), status);
            secrets.seen(&telephone, &answer);
        }
        let page = open(&mut telephone, "/login").await;
        secrets.seen(&telephone, &page);
        let answer =
            submit(&mut telephone, &page, "/login", &[("username", "canary-nobody"), ("password", wrong)]).await;
        secrets.seen(&telephone, &answer);
        // Bodies that cannot be read.
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
                let answer = request.body(body.clone()).send().await;
                assert!(answer.status().is_client_error(), "{path} {kind}");
                secrets.seen(&ada, &answer);
            }
        }

        // The account: settings, and the password with every mistake.
        let typed = [("display_name", "Ada"), ("email", "ada@lovelace.example")];
        let answer = submit(&mut ada, &account, "/account/change_settings", &typed).await;
        secrets.seen(&ada, &answer);
        for (current, new, status) in [(wrong, second, 403), (first, "short", 422), (first, second, 303)] {
            let typed = [("current_password", current), ("new_password", new)];
            let answer = submit(&mut ada, &account, "/account/password", &typed).await;
            assert_eq!(answer.status(), status);
            secrets.seen(&ada, &answer);
        }
        // CSRF values that are wrong, tokens that are forged, doubled or of the wrong kind.
        let answer = submit(&mut telephone, &account, "/account/change_settings", &[]).await;
        secrets.seen(&telephone, &answer);
        let answer = ada.post("/logout").accept_html().form(&[("csrf_token", "canary-csrf-Qp46")]).send().await;
        assert_eq!(answer.status(), 403);
        secrets.seen(&ada, &answer);
        let mut forged = ada.clone();
        plant(&mut forged, ACCESS, &format!("{}forged", cookie(&ada, ACCESS)));
        secrets.take(&forged);
        let answer = open(&mut forged, "/service").await;
        secrets.seen(&forged, &answer);
        let crossed = [("/service", ACCESS, cookie(&ada, REFRESH)), ("/token/refresh", REFRESH, cookie(&ada, ACCESS))];
        for (path, name, value) in crossed {
            let mut crossed = ada.clone();
            plant(&mut crossed, name, &value);
            let answer = crossed.get(path).accept_json().send().await;
            assert_eq!((answer.status().as_u16(), &answer.json()["code"]), (401, &json!("wrong_kind")), "{path}");
            secrets.seen(&crossed, &answer);
        }
        let doubled = format!("{ACCESS}={}", cookie(&ada, ACCESS));
        let answer = ada.clone().get("/service").accept_json().raw_cookie_header(&doubled).send().await;
        assert_eq!(answer.status(), 401);
        secrets.seen(&ada, &answer);

        // Refreshes, the password again, a stolen refresh token that comes back.
        let thief = ada.clone();
        for _ in 0..2 {
            site.expire_access();
            let page = open(&mut ada, "/service").await;
            secrets.seen(&ada, &page);
        }
        let page = open(&mut ada, "/account").await;
        secrets.seen(&ada, &page);
        for (password, status) in [(wrong, 401), (second, 303)] {
            let answer = submit(&mut ada, &page, "/reauthenticate", &[("password", password)]).await;
            assert_eq!(answer.status(), status);
            secrets.seen(&ada, &answer);
        }
        for path in ["/", "/account", "/account/sessions", "/logout", "/login", "/nowhere"] {
            let page = open(&mut ada, path).await;
            secrets.seen(&ada, &page);
            let answer = ada.get(path).accept_json().send().await;
            secrets.seen(&ada, &answer);
        }
        let answer = thief.clone().get("/token/refresh").accept_json().send().await;
        assert_eq!((answer.status().as_u16(), &answer.json()["code"]), (401, &json!("refresh_reused")));
        secrets.seen(&thief, &answer);
        let answer = open(&mut ada, "/service").await;
        assert!(answer.path().starts_with("/login"), "{}", answer.path());

        // Out, disabled, and without a database.
        let body = json!({ "username": username, "password": second });
        let answer = ada.post("/login").accept_json().json(&body).send().await;
        assert_eq!(answer.status(), 200);
        secrets.seen(&ada, &answer);
        let kept = ada.clone();
        let answer = ada.post("/logout").accept_json().csrf().send().await;
        assert_eq!(answer.status(), 200);
        secrets.seen(&ada, &answer);
        site.disable(username).await;
        let answer = ada.post("/login").accept_json().json(&body).send().await;
        assert_eq!(answer.status(), 401);
        secrets.seen(&ada, &answer);
        site.database().close().await;
        for path in ["/login", "/signup"] {
            let answer = ada.post(path).accept_json().json(&body).send().await;
            assert_eq!(answer.status(), 503);
            secrets.seen(&ada, &answer);
        }
        for path in ["/service", "/token/refresh"] {
            let answer = kept.clone().get(path).accept_json().send().await;
            secrets.seen(&kept, &answer);
        }
    }

    let log = log.stop();
    // It was listening, to the site and to its database.
    for event in
        ["login", "logout", "refresh", "password_changed", "revoked", "reuse_detected", "refused", "store_unavailable"]
    {
        assert!(log.contains(&format!("event=\"{event}\"")), "{event} is not in the log");
    }
    assert!(log.contains("sqlx") && log.contains("TRACE"), "only part of it was captured");

    assert!(secrets.values.len() > 30, "{}", secrets.values.len());
    let csrf: BTreeSet<_> = secrets.values.iter().filter(|value| value.len() < 43).cloned().collect();
    let credentials = secrets.values.iter().map(String::as_str).chain(PASSWORDS).chain(["canary-csrf-Qp46"]);
    for secret in credentials {
        // As it is, as a URL or a form would write it, and as `Debug` does.
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for written in [secret, &encoded, &secret.escape_debug().to_string()] {
            let line = log.lines().find(|line| line.contains(written));
            assert_eq!(line, None, "{secret} was logged");
        }
        // A page carries CSRF values in its forms. It carries no token and no password, however they came.
        if !csrf.contains(secret) || PASSWORDS.contains(&secret) {
            for (what, text) in &secrets.bodies {
                assert!(!text.contains(secret), "{secret} is in the answer to {what}: {text}");
            }
        }
    }
}
