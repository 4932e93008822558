//! The database is down. Users are not mistaken for visitors or other users, and are not logged out.

use hardtack::RefreshMode;
use hardtack::session::SessionPolicy;
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::random_values::without_random_values;
use hardtack_test_support::services::redis::RedisServer;
use http::Method;
use serde_json::{Value, json};

use crate::support::{
    ACCESS, BOTH_DATABASES, BOTH_MODES, Options, PASSWORD, REFRESH, Store, TestSite, cookie, field, filled, log_in,
    open, seconds, sign_up, whoami,
};

/// Asserts a 503 that says when to retry and does not reveal internals.
pub(crate) fn assert_unavailable(response: &Response, what: &str) {
    assert_eq!(response.status(), 503, "{what}: {} {}", response.status(), response.text());
    assert!(response.set_cookies().is_empty(), "{what} changes cookies: {:?}", response.set_cookies());
    assert!(response.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()), "{what}");
    assert!(response.header("cache-control").is_some_and(|value| value.contains("no-store")), "{what}");
    assert_eq!(response.location(), None, "{what}");
    let head: String = response.headers().iter().map(|(name, value)| format!("{name}: {value:?}\n")).collect();
    let text = without_random_values(&format!("{head}{}", response.text())).to_lowercase();
    for inside in ["sql", "pool", "closed", "app.db", "/tmp", "error:", "panic", "src/", "argon"] {
        assert!(!text.contains(inside), "{what} reveals {inside:?}: {text}");
    }
}

/// The tokens of forms that were opened before.
struct Tokens {
    access: String,
    refresh: String,
    before_log_in: String,
}

/// The members of the JSON object that the route reads.
fn members_of(path: &str) -> &'static [&'static str] {
    match path {
        "/login" | "/signup" => &["username", "password"],
        "/reauthenticate" => &["password"],
        "/account/change_settings" => &["display_name", "current_password"],
        "/account/password" => &["current_password", "new_password"],
        _ => &[],
    }
}

/// Sends a request to every route that needs the database, and asserts a 503.
async fn ask_everything(client: &Client, tokens: &Tokens, refresh: RefreshMode) {
    for html in [true, false] {
        let ask = |method: Method, path: &str| (method, path.to_owned());
        let mut asked = vec![
            ask(Method::GET, "/"),
            ask(Method::GET, "/service"),
            ask(Method::HEAD, "/service"),
            ask(Method::GET, "/account"),
            ask(Method::GET, "/account/sessions"),
            ask(Method::GET, "/reauthenticate"),
            ask(Method::GET, "/logout"),
            ask(Method::GET, "/healthz"),
            ask(Method::POST, "/login"),
            ask(Method::POST, "/signup"),
            ask(Method::POST, "/logout"),
            ask(Method::POST, "/token/refresh"),
            ask(Method::POST, "/token/refresh?next=/service"),
            ask(Method::POST, "/reauthenticate"),
            ask(Method::POST, "/account/change_settings"),
            ask(Method::POST, "/account/password"),
            ask(Method::POST, "/account/sessions/revoke-others"),
            ask(Method::POST, "/account/sessions/00000000000000000000000000000001/revoke"),
        ];
        if html {
            // These pages show who is logged in. They must not treat a logged-in user as a visitor.
            asked.extend([ask(Method::GET, "/login"), ask(Method::GET, "/signup"), ask(Method::GET, "/nowhere")]);
        }
        // In the other modes, the route exists for POST only.
        if refresh == RefreshMode::Redirect {
            asked.extend(["/token/refresh", "/token/refresh?next=/service"].map(|path| ask(Method::GET, path)));
        }
        for (method, path) in asked {
            let what = format!("{method} {path}, {}", if html { "a page" } else { "JSON" });
            let mut client = client.clone();
            let token = match path.as_str() {
                "/login" | "/signup" => tokens.before_log_in.as_str(),
                _ if path.starts_with("/token") => &tokens.refresh,
                _ => &tokens.access,
            };
            let fields = [
                ("username", "eve"),
                ("password", PASSWORD),
                ("display_name", "Eve"),
                ("current_password", PASSWORD),
                ("new_password", "another one"),
            ];
            let request = client.request(method.clone(), &path);
            let request = match (html, method == Method::POST) {
                (true, true) => request.accept_html().form(&[fields.as_slice(), &[("csrf_token", token)]].concat()),
                (true, false) => request.accept_html(),
                (false, true) => {
                    let known = members_of(&path);
                    let fields = fields.iter().filter(|(name, _)| known.contains(name));
                    let body = fields.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                    request.accept_json().header("x-csrf-token", token).json(&Value::Object(body))
                }
                (false, false) => request.accept_json(),
            };
            assert_unavailable(&request.send().await, &what);
        }
    }
}

#[tokio::test]
async fn s41_without_its_database_the_site_answers_503_everywhere_and_logs_nobody_out() {
    for (refresh, on_postgres) in BOTH_MODES.into_iter().flat_map(|mode| BOTH_DATABASES.map(|kind| (mode, kind))) {
        let options = || Options { refresh, on_postgres, ..Options::default() };
        let site = TestSite::start(options()).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        let stale = site.session_of(&id).await;
        let tokens = Tokens {
            before_log_in: field(&open(&mut ada, "/login?ended=1").await, "/login", "csrf_token"),
            access: cookie(&ada, "csrf_access_token"),
            refresh: cookie(&ada, "csrf_refresh_token"),
        };
        assert_eq!(ada.get("/healthz").send().await.status(), 200);
        site.database().close().await;

        ask_everything(&ada, &tokens, refresh).await;
        // Pages for visitors need no database.
        for path in ["/", "/login", "/signup", "/openapi.json", "/assets/hardtack.css", "/nowhere"] {
            let response = site.client().get(path).accept_html().send().await;
            let expected = if path == "/nowhere" { 404 } else { 200 };
            assert_eq!(response.status(), expected, "{path}");
            assert!(!response.text().contains("Logged in as"), "{path}");
        }
        let response = site.client().get("/service").accept_json().send().await;
        assert_eq!(response.status(), 401, "no token needs no database");

        // Expired tokens cannot be refreshed.
        site.expire_access();
        let response = stale.clone().get("/service").accept_json().send().await;
        match refresh {
            RefreshMode::Redirect => assert_eq!(response.json()["code"], "refresh_needed"),
            _ => assert_unavailable(&response, "an expired token"),
        }
        let response = stale.clone().get("/service").accept_html().follow().await;
        assert_unavailable(&response, "a page with an expired token");
        let mut late = stale.clone();
        let form = [("csrf_token", cookie(&late, "csrf_access_token"))];
        let response = late.post("/account/sessions/revoke-others").accept_html().form(&form).follow().await;
        assert_unavailable(&response, "a POST with an expired token");

        // The database is back: users are still logged in, and refused requests have had no effect.
        let back = site.beside(options()).await;
        for holder in [&ada, &stale] {
            let mut client = back.client();
            *client.jar() = holder.clone().jar().clone();
            assert!(client.cookie(ACCESS).is_some() && client.cookie(REFRESH).is_some());
            let page = open(&mut client, "/service").await;
            assert_eq!((page.status().as_u16(), page.path()), (200, "/service"), "{refresh:?}");
            assert_eq!(whoami(&mut client).await.as_deref(), Ok("ada"));
            let listed = client.get("/account/sessions").accept_json().send().await;
            assert_eq!(listed.json()["sessions"].as_array().unwrap().len(), 2, "{refresh:?}");
        }
        let mut client = back.device_of("ada").await;
        let account = client.get("/account").accept_json().send().await.json();
        assert_eq!((&account["username"], &account["display_name"]), (&json!("ada"), &json!("")));
        let page = open(&mut client, "/login?ended=1").await;
        let form = filled(&page, "/login", &[("username", "eve"), ("password", PASSWORD)]);
        assert_eq!(client.post("/login").accept_html().form(&form).send().await.status(), 401, "eve was signed up");
    }
}

#[tokio::test]
async fn s41_without_the_redis_of_its_sessions_the_site_answers_503_and_logs_nobody_out() {
    for refresh in BOTH_MODES {
        let server = RedisServer::start_with(&["--appendfsync", "always"]);
        let options = || Options {
            refresh,
            configure: |builder| builder.session_policy(SessionPolicy::default().max_staleness(seconds(5))),
            ..Store::Redis.options()
        };
        let site = TestSite::on(&server, options()).await;
        let mut ada = site.client();
        let id = sign_up(&mut ada, "ada").await["id"].as_str().unwrap().to_owned();
        let (over, stale) = (site.session_of(&id).await, site.session_of(&id).await);
        let out = over.clone().post("/logout").accept_json().csrf().send().await;
        assert_eq!(out.status(), 200, "{}", out.text());
        server.stop();

        // For five seconds, the site may use its in-memory list of ended sessions. Ended sessions stay ended.
        assert_eq!(whoami(&mut ada.clone()).await.as_deref(), Ok("ada"), "{refresh:?}");
        assert_eq!(whoami(&mut over.clone()).await, Err(401), "{refresh:?}");
        let csrf = cookie(&ada, "csrf_access_token");
        for html in [true, false] {
            for (method, path) in [
                (Method::GET, "/token/refresh"),
                (Method::GET, "/account/sessions"),
                (Method::POST, "/token/refresh"),
                (Method::POST, "/logout"),
                (Method::POST, "/account/sessions/revoke-others"),
            ] {
                if method == Method::GET && path == "/token/refresh" && refresh != RefreshMode::Redirect {
                    continue;
                }
                let mut client = ada.clone();
                let request = client.request(method.clone(), path);
                let request = match (html, &method) {
                    (true, &Method::POST) => request.accept_html().form(&[("csrf_token", &csrf)]),
                    (true, _) => request.accept_html(),
                    (false, _) => request.accept_json().header("x-csrf-token", &csrf),
                };
                assert_unavailable(&request.send().await, &format!("{method} {path}, {refresh:?}"));
            }
        }
        assert_unavailable(&log_in(&mut site.client(), "ada", PASSWORD).await, "a log-in");
        site.clock.advance(seconds(6));
        for path in ["/", "/service", "/account", "/account/sessions", "/reauthenticate"] {
            for html in [true, false] {
                let mut client = ada.clone();
                let request = client.get(path);
                let request = if html { request.accept_html() } else { request.accept_json() };
                assert_unavailable(&request.send().await, &format!("{path}, {refresh:?}"));
            }
        }
        assert_eq!(whoami(&mut over.clone()).await, Err(401), "{refresh:?}");
        site.expire_access();
        let response = stale.clone().get("/service").accept_html().follow().await;
        assert_unavailable(&response, "a page with an expired token");

        // Redis is back: users are still logged in, ended sessions stay ended, and refused requests have had no effect.
        server.start_again();
        for holder in [&ada, &stale] {
            let mut client = holder.clone();
            assert_eq!(open(&mut client, "/service").await.path(), "/service", "{refresh:?}");
            let listed = client.get("/account/sessions").accept_json().send().await;
            assert_eq!(listed.json()["sessions"].as_array().unwrap().len(), 2, "{refresh:?}");
        }
        let page = open(&mut over.clone(), "/service").await;
        assert_eq!(page.path().split('?').next(), Some("/login"), "{refresh:?}");
    }
}
