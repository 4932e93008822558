//! The ready-made site of hardtack-accounts with its database, on two workers. It has an additional route without
//! authentication.
//!
//! `scripts/bench` starts this program in a new folder and measures it. The program contains none of the crates that
//! Hardtack is compared with, because their code would count as memory of the site.

use std::io::Read;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use hardtack::Authenticator;
use hardtack_accounts::{Accounts, Site};
use hardtack_bench_subject::{Failed, hs256_keys};
use hardtack_sqlx::{Database, open_sqlite};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    // Serves until stdin is closed, which also happens when the parent process ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The errors of a benchmark go to stderr, so that stdout contains only the greeting.
            #[allow(clippy::print_stderr)]
            {
                eprintln!("hardtack-bench-site: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Failed> {
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
    let builder = accounts.configure(Authenticator::builder(keys)).base_url(format!("http://{address}"));
    let authenticator = builder.build()?;
    let router = Router::new()
        .route("/user", get(async || "hello"))
        .merge(Site::builder(authenticator, accounts).build()?.router());
    println!("{}", serde_json::json!({ "address": address, "cookie": "" }));
    // If axum got the router itself, it would build the whole route table again for each connection.
    Ok(axum::serve(listener, router.into_make_service()).await?)
}
