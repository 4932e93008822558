//! The time from a log-out at one server until another server refuses a copied access cookie.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::{Client, Process, Program};
use serde_json::json;

use crate::Failed;
use crate::spread::Samples;

const PASSWORD: &str = "a password for measurements";

/// The limit after which a measurement fails.
const NEVER: Duration = Duration::from_secs(10);

pub(crate) async fn measure(tries: usize) -> Result<(), Failed> {
    let hardtack = binary()?;
    let redis = RedisServer::shared();
    println!("## Time from a log-out at one server to the refusal at the other ({tries} log-outs)\n");
    println!("| sessions on | learned through | median, ms | maximum, ms |");
    println!("| --- | --- | ---: | ---: |");
    let directory = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}", directory.path().join("shared.db").display());
    for (store, known_by, settings) in [
        ("SQLite", "polling", vec![("HARDTACK_DATABASE_URL", sqlite)]),
        ("PostgreSQL", "NOTIFY", vec![("HARDTACK_DATABASE_URL", postgres::shared().database())]),
        (
            "Redis",
            "its stream",
            vec![("HARDTACK_DATABASE_URL", postgres::shared().database()), ("HARDTACK_REDIS_URL", redis.url())],
        ),
        (
            "PostgreSQL",
            "Redis",
            vec![
                ("HARDTACK_DATABASE_URL", postgres::shared().database()),
                ("HARDTACK_REDIS_URL", redis.url()),
                ("HARDTACK_REDIS_FOR", "notice".into()),
            ],
        ),
    ] {
        eprintln!("{store}, learned through {known_by}");
        let samples =
            between_two_servers(&hardtack, &settings, tries, if known_by == "polling" { 1000 } else { 50 }).await?;
        let milliseconds = |span: Duration| span.as_secs_f64() * 1e3;
        println!(
            "| {store} | {known_by} | {:.1} | {:.1} |",
            milliseconds(samples.median()),
            milliseconds(samples.maximum())
        );
    }
    println!();
    Ok(())
}

/// Returns the path of the `hardtack` program, which `scripts/bench stores` builds into the same folder as this one.
fn binary() -> Result<PathBuf, Failed> {
    let beside = std::env::current_exe()?.with_file_name("hardtack");
    let advice = "is missing; to build the program, run scripts/bench stores";
    if beside.is_file() { Ok(beside) } else { Err(format!("{} {advice}", beside.display()).into()) }
}

async fn between_two_servers(
    hardtack: &Path,
    settings: &[(&str, String)],
    tries: usize,
    spread: u64,
) -> Result<Samples, Failed> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    let mut servers = Vec::new();
    for folder in &folders {
        let program = Program::new(hardtack).directory(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]);
        let program = settings.iter().fold(program, |program, (name, value)| program.env(name, value));
        servers.push(program.env("JWT_SECRET_KEY", &secret).env("RUST_LOG", "warn").start().await?);
    }
    let (one, other) = (&servers[0], &servers[1]);
    let person = json!({ "username": "someone", "password": PASSWORD });
    let created = one.client().post("/signup").accept_json().json(&person).send().await;
    if !created.status().is_success() {
        return Err(format!("the sign-up failed with {}", created.status()).into());
    }
    let mut samples = Samples::default();
    for _ in 0..tries {
        // If servers poll, a try ends just after a poll. Wait for a random time, so that the next log-out can happen at
        // any time between two polls.
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..=spread))).await;
        samples.push(one_log_out(one, other, &person).await?);
    }
    Ok(samples)
}

async fn one_log_out(one: &Process, other: &Process, person: &serde_json::Value) -> Result<Duration, Failed> {
    let mut client = one.client();
    client.post("/login").accept_json().json(person).send().await;
    let mut copy = other.client();
    copy.set_cookie_raw(&client.cookie("access_token_cookie").ok_or("the log-in set no access cookie")?.raw);
    if status(&copy).await != 200 {
        return Err("the other server refuses the copied cookie even before the log-out".into());
    }
    client.post("/logout").accept_json().csrf().send().await;
    let since = Instant::now();
    while status(&copy).await == 200 {
        if since.elapsed() > NEVER {
            return Err("the other server still accepts the cookie 10 s after the log-out".into());
        }
    }
    Ok(since.elapsed())
}

/// Returns the status of a request with the copied cookie. Uses a clone of the client, because a refusal deletes
/// cookies and a thief would keep them.
async fn status(copy: &Client) -> u16 {
    copy.clone().get("/service").accept_json().send().await.status().as_u16()
}
