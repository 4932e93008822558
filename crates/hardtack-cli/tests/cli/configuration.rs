//! Flags, environment, file: which one counts, and how it is shown.

use std::net::TcpListener;

use crate::support::{Place, output, set_mode};

fn effective(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_flag_beats_the_environment_and_that_the_file() {
    let place = Place::new();
    let check = |args: &[&str]| place.hardtack(["check-config"].into_iter().chain(args.iter().copied()));
    let lifetime = |text: &str| effective(text, "access_lifetime");
    assert_eq!(lifetime(&output(&check(&[]))), "access_lifetime = \"15m\" # default");
    place.write("hardtack.toml", "JWT_ACCESS_TOKEN_EXPIRES = 240\nissuer = 'file'\n");
    assert_eq!(lifetime(&output(&check(&[]))), "access_lifetime = \"240\" # hardtack.toml");
    let with_env = check(&[]).env("HARDTACK_ACCESS_LIFETIME", "3m");
    assert_eq!(lifetime(&output(&with_env)), "access_lifetime = \"3m\" # HARDTACK_ACCESS_LIFETIME");
    let with_env = check(&["--access-lifetime", "2m"]).env("JWT_ACCESS_TOKEN_EXPIRES", "180");
    let text = output(&with_env);
    assert_eq!(lifetime(&text), "access_lifetime = \"2m\" # --access-lifetime");
    assert_eq!(effective(&text, "issuer"), "issuer = \"file\" # hardtack.toml");
}

#[test]
fn another_file_can_be_named() {
    let place = Place::new();
    place.write("hardtack.toml", "issuer = 'usual'");
    place.write("other.toml", "issuer = 'other'");
    let by_flag = place.hardtack(["check-config", "--config", "other.toml"]);
    assert_eq!(effective(&output(&by_flag), "issuer"), "issuer = \"other\" # other.toml");
    let by_env = place.hardtack(["check-config"]).env("HARDTACK_CONFIG", "other.toml");
    assert_eq!(effective(&output(&by_env), "issuer"), "issuer = \"other\" # other.toml");
}

#[test]
fn nothing_is_made_and_no_secret_is_shown() {
    const SECRET: &str = "not-to-be-shown-Zk3vQ8xW2bN7mT5rLp9dYh4c";
    let place = Place::new();
    place.write("hardtack.toml", &format!("JWT_SECRET_KEY = '{SECRET}'\n"));
    set_mode(place.path("hardtack.toml"), 0o600);
    let text = output(&place.hardtack(["check-config"]));
    assert!(text.contains("# JWT_SECRET_KEY is set, not shown"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.contains("# signing key: HS256; 0 more verify"), "{text}");
    assert!(!place.path("hardtack-data").exists());
}

#[test]
fn what_is_shown_can_be_used() {
    let place = Place::new();
    let flags = ["--refresh", "redirect", "--persistent-cookies", "--leeway", "5", "--audience", "a\"b#c"];
    let text = output(&place.hardtack(["check-config"]).args(flags).env("JWT_COOKIE_SAMESITE", "strict"));
    place.write("hardtack.toml", &text);
    let again = output(&place.hardtack(["check-config"]));
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.rsplit_once(" # ").map_or(line, |(start, _)| start).trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&text));
    assert_eq!(effective(&again, "persistent_cookies"), "persistent_cookies = true # hardtack.toml");
}

#[test]
fn unknown_variables_are_named() {
    let place = Place::new();
    let program = place.hardtack(["check-config"]).env("JWT_ACESS_COOKIE_NAME", "a").env("HARDTACK_SERVICE_HOST", "b");
    let finished = program.run().unwrap();
    assert!(finished.status.success());
    let expected = "hardtack: JWT_ACESS_COOKIE_NAME is no setting and is ignored; is JWT_ACCESS_COOKIE_NAME meant?\n";
    assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    assert!(finished.stderr.contains("HARDTACK_SERVICE_HOST is no setting"), "{}", finished.stderr);
}

#[tokio::test]
async fn flask_names_reach_the_cookies() {
    let place = Place::new();
    let program = place
        .serve([])
        .env("JWT_ACCESS_COOKIE_NAME", "session_a")
        .env("JWT_COOKIE_SAMESITE", "Strict")
        .env("JWT_SESSION_COOKIE", "False")
        .env("JWT_TOKEN_LOCATION", "cookies");
    let server = crate::support::start(&program).await;
    let mut client = server.client();
    crate::support::sign_up(&mut client, "someone").await;
    let cookie = client.cookie("session_a").unwrap();
    assert_eq!(cookie.same_site.as_deref(), Some("Strict"));
    assert!(cookie.max_age.is_some());
}

#[tokio::test]
async fn a_program_may_carry_its_token() {
    let place = Place::new();
    let program = place.serve([]).env("JWT_TOKEN_LOCATION", "headers, cookies").env("JWT_HEADER_NAME", "X-Token");
    let server = crate::support::start(&program).await;
    let mut browser = server.client();
    crate::support::sign_up(&mut browser, "someone").await;
    let token = format!("Bearer {}", browser.cookie("access_token_cookie").unwrap().value);
    let mut program = server.client();
    assert_eq!(program.get("/service").accept_json().send().await.status(), 401);
    assert_eq!(program.get("/service").accept_json().header("authorization", &token).send().await.status(), 401);
    assert_eq!(program.get("/service").accept_json().header("x-token", &token).send().await.status(), 200);
    assert_eq!(browser.get("/service").accept_json().send().await.status(), 200);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = crate::support::refusal(&place.hardtack(["serve", "--listen", &address]), 1).await;
    assert!(said.contains(&format!("--listen is \"{address}\", which cannot be listened on")), "{said}");
    assert!(said.contains("choose another port"), "{said}");
    assert!(!place.path("hardtack-data").exists());
}
