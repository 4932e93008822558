//! A site whose accounts are wired up: what happens is written down.

use std::net::SocketAddr;

use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, Site};
use hardtack_conformance::client::Client;
use hardtack_conformance::services::postgres;
use hardtack_db::Pool;
use hardtack_sqlx::Database;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::SECRET;

/// A running site. It stops when it is dropped.
pub(crate) struct Wired {
    pub(crate) clock: TestClock,
    pub(crate) accounts: Accounts,
    pub(crate) auth: Authenticator,
    pub(crate) database: Pool,
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Drop for Wired {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Wired {
    pub(crate) async fn start(on_postgres: bool) -> Self {
        Self::with(on_postgres, |accounts| accounts).await
    }

    /// The same with accounts that are set up further.
    pub(crate) async fn with(on_postgres: bool, set_up: impl FnOnce(Accounts) -> Accounts) -> Self {
        let directory = TempDir::with_prefix("hardtack-wired-").unwrap();
        let url = match on_postgres {
            true => postgres::shared().database(),
            false => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        let database = Database::open(&url).await.unwrap();
        let accounts = set_up(Accounts::open(database.clone()).await.unwrap());
        let sessions = database.sessions();
        sessions.migrate().await.unwrap();
        let clock = TestClock::start_now();
        let (listener, address) = hardtack_conformance::server::bind().await;
        let auth = accounts
            .wire(Authenticator::builder(KeySet::from_secret(SECRET).unwrap()))
            .base_url(&format!("http://{address}"))
            .clock(clock.clone())
            .sessions(sessions)
            .build()
            .unwrap();
        auth.sync_revocations().await.unwrap();
        let router = Site::new(auth.clone(), accounts.clone()).router();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { clock, accounts, auth, database: database.into(), address, server, _directory: directory }
    }

    /// A browser, or a program, without cookies.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }
}

/// What happened to somebody, the newest first.
pub(crate) async fn activity(client: &mut Client) -> Vec<Value> {
    let answer = client.get("/account/activity").accept_json().send().await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["activity"].as_array().unwrap().clone()
}

/// The kinds of it.
pub(crate) async fn kinds(client: &mut Client) -> Vec<String> {
    activity(client).await.iter().map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
}
