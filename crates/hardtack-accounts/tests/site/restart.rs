//! An application with the wiring of the README, whose process ends and starts again.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use hardtack::{Authenticator, KeySet};
use hardtack_axum::{AccessToken, Auth, AuthError, AuthLayer, SetCookies};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{PostgresSessions, SqliteSessions};
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;
use http::header;
use tempfile::TempDir;
use tower_service::Service;

use crate::support::{SECRET, Store, on_every_store};

on_every_store! {{
    s69_e02_a_log_out_survives_a_restart,
}}

/// Where the sessions are.
enum Place {
    File(TempDir),
    Postgres(String),
    Redis(String, String),
}

impl Place {
    fn new(store: Store) -> Self {
        match store {
            Store::Sqlite => Self::File(TempDir::with_prefix("hardtack-restart-").unwrap()),
            Store::Postgres => Self::Postgres(postgres::shared().database()),
            Store::Redis => Self::Redis(RedisServer::shared().url(), RedisServer::shared().name()),
        }
    }

    /// Starts a process: a new store and a new authenticator on the same data.
    async fn start(&self) -> Process {
        let builder = Authenticator::builder(KeySet::from_secret(SECRET).unwrap()).base_url("https://site.example");
        let builder = match self {
            Self::File(folder) => {
                builder.sessions(SqliteSessions::open(folder.path().join("sessions.db")).await.unwrap())
            }
            Self::Postgres(url) => builder.sessions(PostgresSessions::open(url).await.unwrap()),
            Self::Redis(url, name) => builder.sessions(RedisSessions::open_named(url.as_str(), name).await.unwrap()),
        };
        let auth = builder.build().unwrap();
        let app = Router::new()
            .route("/account", get(account))
            .route("/logout", post(log_out))
            .layer(AuthLayer::new(auth.clone()));
        Process { auth, app }
    }
}

async fn account(token: AccessToken) -> String {
    token.subject().to_owned()
}

async fn log_out(auth: Auth) -> Result<SetCookies, AuthError> {
    auth.log_out().await
}

struct Process {
    auth: Authenticator,
    app: Router,
}

/// The cookies of a browser, as pairs.
type Cookies = Vec<String>;

impl Process {
    async fn log_in(&self, user: &str) -> Cookies {
        let set = self.auth.log_in(user).await.unwrap();
        set.iter().map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect()
    }

    /// Sends a request with all cookies whose name contains `with`, and returns the status.
    async fn send(&self, method: &str, path: &str, cookies: &Cookies, with: &str) -> u16 {
        let sent: Vec<&str> = cookies.iter().map(String::as_str).filter(|pair| pair.contains(with)).collect();
        let csrf = cookies.iter().find_map(|pair| pair.split_once("csrf_access_token=")).unwrap().1;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "site.example")
            .header(header::ACCEPT, "application/json")
            .header(header::COOKIE, sent.join("; "))
            .header("x-csrf-token", csrf)
            .body(Body::empty())
            .unwrap();
        self.app.clone().call(request).await.unwrap().status().as_u16()
    }
}

async fn s69_e02_a_log_out_survives_a_restart(store: Store) {
    let place = Place::new(store);
    let before = place.start().await;
    let (alice, bob) = (before.log_in("alice").await, before.log_in("bob").await);
    assert_eq!(before.send("GET", "/account", &alice, "").await, 200);
    assert_eq!(before.send("POST", "/logout", &alice, "").await, 200);
    assert_eq!(before.send("GET", "/account", &alice, "").await, 401);
    drop(before);

    for _ in 0..3 {
        // The server refuses the ended session at once, and also after it has read the log.
        let after = place.start().await;
        for _ in 0..3 {
            for copied in ["", "access_token", "refresh_token"] {
                assert_eq!(after.send("GET", "/account", &alice, copied).await, 401, "{copied}");
            }
            assert_eq!(after.send("GET", "/account", &bob, "access_token").await, 200);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
