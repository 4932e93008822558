//! Compares Hardtack with the real Flask-JWT-Extended under gunicorn: sends the same requests to both, and tests that a
//! log-in at one of them is valid at the other.

mod cases;
mod comparable;
mod differences;
mod options;
mod shared_login;
mod tokens;

use std::sync::Arc;
use std::time::Instant;

use hardtack_test_support::services::flask::Application;
use hardtack_test_support::{Client, Process, Program};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use cases::Case;
use comparable::Comparable;
use differences::Differences;
use options::Options;

use crate::examples::compiled;

/// The number of server pairs that run at once.
const PAIRS_AT_ONCE: usize = 3;
/// The number of differences that are printed in full.
const SHOWN: usize = 40;

/// The result of one option set.
struct Outcome {
    sent: usize,
    /// The differences that the documentation does not list, as text.
    wrong: Vec<String>,
}

/// Sends every request of an option set to both servers.
async fn compare(options: &Options, flask: &mut Client, ours: &mut Client, listed: &Differences) -> Outcome {
    let key = options.get("JWT_ERROR_MESSAGE_KEY");
    let mut outcome = Outcome { sent: 0, wrong: Vec::new() };
    let mut issued = Vec::new();
    let mut at_both = async |case: Case, issued: &mut Vec<Case>| {
        let (theirs, own) = tokio::join!(case.send(flask), case.send(ours));
        for (issuer, response) in [("Flask", &theirs), ("Hardtack", &own)] {
            let plain = ["issue/plain", "issue/refresh", "issue/fresh"].iter().any(|name| case.name.ends_with(name));
            if plain && let Some(token) = cases::issued(&response.json()) {
                issued.extend(cases::of_peers(options, issuer, &case.name, token));
            }
        }
        let (theirs, own) = (Comparable::of(&theirs), Comparable::of(&own));
        let parts = theirs.differs_from(&own, key);
        outcome.sent += 1;
        if !parts.is_empty() && !listed.allow(&case.name, &parts, theirs.status(), own.status()) {
            let statuses = format!("Flask {}, Hardtack {}", theirs.status(), own.status());
            outcome.wrong.push(format!("{} ({statuses})\n{}{}", case.name, shown(&case), theirs.diff(&own, &parts)));
        }
    };
    for case in cases::all(options) {
        at_both(case, &mut issued).await;
    }
    for case in issued {
        at_both(case, &mut Vec::new()).await;
    }
    outcome
}

/// Prints the request, with long values shortened.
fn shown(case: &Case) -> String {
    let short = |bytes: &[u8]| {
        let text = bytes.escape_ascii().to_string();
        if text.len() > 400 { format!("{}… ({} bytes)", &text[..400], bytes.len()) } else { text }
    };
    let mut text = format!("    {} {}\n", case.method, short(case.path.as_bytes()));
    for (name, value) in &case.headers {
        text += &format!("    {name}: {}\n", short(value));
    }
    if !case.body.is_empty() {
        text += &format!("    {}\n", short(&case.body));
    }
    text
}

/// Starts our server with the same options as Flask.
async fn flask_compat(options: &Options) -> Process {
    let mut program = Program::new(compiled("flask_compat", "flask_compat/main.rs")).env("LISTEN", "127.0.0.1:0");
    for (name, value) in &options.env {
        program = program.env(name, value);
    }
    program.start().await.unwrap_or_else(|error| panic!("flask_compat with the options {:?}: {error}", options.name))
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_equal_those_of_flask() {
    let began = Instant::now();
    let listed = Arc::new(Differences::documented());
    let permits = Arc::new(Semaphore::new(PAIRS_AT_ONCE));
    let mut pairs = JoinSet::new();
    for options in options::all() {
        let (listed, permits) = (Arc::clone(&listed), Arc::clone(&permits));
        pairs.spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let (flask, ours) = tokio::join!(Application::Compat.start(&options.env), flask_compat(&options));
            compare(&options, &mut flask.client(), &mut ours.client(), &listed).await
        });
    }
    let outcomes = pairs.join_all().await;
    let sent: usize = outcomes.iter().map(|outcome| outcome.sent).sum();
    let wrong: Vec<String> = outcomes.into_iter().flat_map(|outcome| outcome.wrong).collect();
    let took = began.elapsed().as_secs_f32();
    println!("{sent} requests to each of two servers in {took:.1} s; allowed differences: {:?}", listed.counts());
    assert!(
        wrong.is_empty(),
        "{} of {sent} responses differ from Flask's (-) in a way that docs/coming-from-flask.md does not list:\n\n{}",
        wrong.len(),
        wrong[..wrong.len().min(SHOWN)].join("\n")
    );
    assert!(sent > 1000, "only {sent} requests");
    let unseen = listed.unseen();
    assert!(unseen.is_empty(), "docs/coming-from-flask.md lists differences that do not exist: {unseen:#?}");
}

/// Tests the comparison: two Flask servers are equal, and one with another option is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_comparison_detects_differences() {
    let all = options::all();
    let options = all.iter().find(|options| options.name == "audience").unwrap();
    let mut altered = options.env.clone();
    altered.push(("JWT_ERROR_MESSAGE_KEY", "message".to_owned()));
    let start = |env| async move { Application::Compat.start(env).await };
    let (one, other, altered) = tokio::join!(start(&options.env), start(&options.env), start(&altered));
    let none = Differences::none();
    let same = compare(options, &mut one.client(), &mut other.client(), &none).await;
    assert!(same.wrong.is_empty(), "{}", same.wrong.join("\n"));
    let different = compare(options, &mut one.client(), &mut altered.client(), &none).await;
    assert!((20..different.sent).contains(&different.wrong.len()), "{} of {}", different.wrong.len(), different.sent);
    assert!(different.wrong[0].contains("+ body: {\"message\":"), "{}", different.wrong[0]);
}
