//! A site that records activity, with access to its [`Accounts`].

use std::net::SocketAddr;

use hardtack::client_address::TrustedProxies;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, Site};
use hardtack_db::Pool;
use hardtack_sqlx::Database;
use hardtack_test_support::client::Client;
use hardtack_test_support::services::postgres;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::SECRET;

/// A running site. It stops when dropped.
pub(crate) struct RecordingSite {
    pub(crate) clock: TestClock,
    pub(crate) accounts: Accounts,
    pub(crate) auth: Authenticator,
    pub(crate) database: Pool,
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Drop for RecordingSite {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl RecordingSite {
    pub(crate) async fn start(on_postgres: bool) -> Self {
        Self::with(on_postgres, |accounts| accounts).await
    }

    /// Starts a site whose accounts are configured further.
    pub(crate) async fn with(on_postgres: bool, set_up: impl FnOnce(Accounts) -> Accounts) -> Self {
        let directory = TempDir::with_prefix("hardtack-site-").unwrap();
        let url = match on_postgres {
            true => postgres::shared().database(),
            false => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        let database = Database::open(&url).await.unwrap();
        let accounts = set_up(Accounts::open(database.clone()).await.unwrap());
        let sessions = database.sessions();
        sessions.migrate().await.unwrap();
        let clock = TestClock::start_now();
        let (listener, address) = hardtack_test_support::server::bind().await;
        let auth = accounts
            .configure(Authenticator::builder(KeySet::from_secret(SECRET).unwrap()))
            .base_url(format!("http://{address}"))
            .clock(clock.clone())
            .trusted_proxies(TrustedProxies::new(["127.0.0.1"]).unwrap())
            .sessions(sessions)
            .build()
            .unwrap();
        auth.sync_revocations().await.unwrap();
        let router = Site::demo(auth.clone(), accounts.clone()).router();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { clock, accounts, auth, database: database.into(), address, server, _directory: directory }
    }

    /// A client without cookies.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }
}

/// The recorded activity of the user, newest first.
pub(crate) async fn activity(client: &mut Client) -> Vec<Value> {
    let response = client.get("/account/activity").accept_json().send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    response.json()["activity"].as_array().unwrap().clone()
}

/// The kinds of the recorded activity.
pub(crate) async fn kinds(client: &mut Client) -> Vec<String> {
    activity(client).await.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
}
