//! The ready-made site of hardtack-accounts with its database, on two workers. It has an additional route without
//! authentication.

use axum::Router;
use axum::routing::get;
use hardtack::Authenticator;
use hardtack_accounts::{Accounts, Site};
use hardtack_sqlx::{Database, open_sqlite};
use tokio::net::TcpListener;

use super::Greeting;
use crate::Failed;
use hardtack_bench_subject::hs256_keys;

pub(super) fn serve() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(listen())
}

async fn listen() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // The parent process created this folder and removes it.
    let folder = std::env::current_dir()?;
    let database = Database::from(open_sqlite(folder.join("site.db")).await?);
    database.sessions().migrate().await?;
    let accounts = Accounts::open(database).await?.with_sessions();
    let (_, keys) = hs256_keys()?;
    let builder = accounts.configure(Authenticator::builder(keys)).base_url(&format!("http://{address}"));
    let authenticator = builder.build()?;
    let router = Router::new().route("/user", get(async || "hello")).merge(Site::new(authenticator, accounts).router());
    Greeting::say(address, Some(String::new()))?;
    Ok(axum::serve(listener, router).await?)
}
