//! Precedence of flags, environment and file, and the output of `check-config`.

use std::net::TcpListener;

use crate::support::{
    PASSWORD, TestDir, is_logged_in, is_refused_soon, log_in, log_out, output, set_mode, sign_up, start,
    with_copied_access_cookie,
};

fn in_effect(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap_or_default();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let dir = TestDir::new();
    let check = |args: &[&str]| dir.hardtack(["check-config"].into_iter().chain(args.iter().copied()));
    let lifetime = |text: &str| in_effect(text, "access_lifetime");
    assert_eq!(lifetime(&output(&check(&[]))), "access_lifetime = \"15m\" # default");
    dir.write("hardtack.toml", "JWT_ACCESS_TOKEN_EXPIRES = 240\nissuer = 'file'\n");
    assert_eq!(lifetime(&output(&check(&[]))), "access_lifetime = \"240\" # hardtack.toml");
    let with_env = check(&[]).env("HARDTACK_ACCESS_LIFETIME", "3m");
    assert_eq!(lifetime(&output(&with_env)), "access_lifetime = \"3m\" # HARDTACK_ACCESS_LIFETIME");
    let with_env = check(&["--access-lifetime", "2m"]).env("JWT_ACCESS_TOKEN_EXPIRES", "180");
    let text = output(&with_env);
    assert_eq!(lifetime(&text), "access_lifetime = \"2m\" # --access-lifetime");
    assert_eq!(in_effect(&text, "issuer"), "issuer = \"file\" # hardtack.toml");
}

#[test]
fn another_file_can_be_named() {
    let dir = TestDir::new();
    dir.write("hardtack.toml", "issuer = 'usual'");
    dir.write("other.toml", "issuer = 'other'");
    let by_flag = dir.hardtack(["check-config", "--config", "other.toml"]);
    assert_eq!(in_effect(&output(&by_flag), "issuer"), "issuer = \"other\" # other.toml");
    let by_env = dir.hardtack(["check-config"]).env("HARDTACK_CONFIG", "other.toml");
    assert_eq!(in_effect(&output(&by_env), "issuer"), "issuer = \"other\" # other.toml");
}

#[test]
fn check_config_creates_nothing_and_shows_no_secret() {
    const SECRET: &str = "not-to-be-shown-Zk3vQ8xW2bN7mT5rLp9dYh4c";
    let dir = TestDir::new();
    dir.write("hardtack.toml", &format!("JWT_SECRET_KEY = '{SECRET}'\n"));
    set_mode(dir.path("hardtack.toml"), 0o600);
    let text = output(&dir.hardtack(["check-config"]));
    assert!(text.contains("# JWT_SECRET_KEY is set, not shown"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with("# signing key: HS256 ") && last.ends_with("; other verifying keys: 0"), "{text}");
    assert!(!dir.path("hardtack-data").exists());
}

#[test]
fn the_output_of_check_config_is_a_settings_file() {
    let dir = TestDir::new();
    let flags = ["--refresh", "redirect", "--persistent-cookies", "--leeway", "5", "--audience", "a\"b#c"];
    let text = output(&dir.hardtack(["check-config"]).args(flags).env("JWT_COOKIE_SAMESITE", "strict"));
    dir.write("hardtack.toml", &text);
    let again = output(&dir.hardtack(["check-config"]));
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.rsplit_once(" # ").map_or(line, |(start, _)| start).trim().to_owned()).collect()
    };
    assert_eq!(values(&again), values(&text));
    assert_eq!(in_effect(&again, "persistent_cookies"), "persistent_cookies = true # hardtack.toml");
}

#[test]
fn unknown_variables_cause_warnings() {
    let dir = TestDir::new();
    // Kubernetes sets such names for a service that is called "hardtack".
    let names = ["HARDTACK_SERVICE_HOST", "HARDTACK_SERVICE_PORT", "HARDTACK_PORT", "HARDTACK_PORT_8080_TCP_ADDR"];
    let program = names.iter().fold(dir.hardtack(["check-config"]), |program, name| program.env(*name, "b"));
    let finished = program.run().unwrap();
    assert!(finished.status.success(), "{}", finished.stderr);
    for name in names {
        assert!(finished.stderr.contains(&format!("hardtack: {name} is not a setting and is ignored\n")), "{name}");
    }
}

#[tokio::test]
async fn flask_names_reach_the_cookies() {
    let dir = TestDir::new();
    let program = dir
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
async fn an_api_client_may_send_its_token_in_a_header() {
    let dir = TestDir::new();
    let program = dir.serve([]).env("JWT_TOKEN_LOCATION", "headers, cookies").env("JWT_HEADER_NAME", "X-Token");
    let server = crate::support::start(&program).await;
    let mut browser = server.client();
    crate::support::sign_up(&mut browser, "someone").await;
    let token = format!("Bearer {}", browser.cookie("access_token_cookie").unwrap().value);
    let mut api_client = server.client();
    assert_eq!(api_client.get("/service").accept_json().send().await.status(), 401);
    assert_eq!(api_client.get("/service").accept_json().header("authorization", &token).send().await.status(), 401);
    assert_eq!(api_client.get("/service").accept_json().header("x-token", &token).send().await.status(), 200);
    assert_eq!(browser.get("/service").accept_json().send().await.status(), 200);
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let dir = TestDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = crate::support::refusal(&dir.hardtack(["serve", "--listen", &address]), 1).await;
    assert!(
        error.contains(&format!("--listen is \"{address}\", but the server cannot listen at this address")),
        "{error}"
    );
    assert!(error.contains("choose another port"), "{error}");
    assert!(!dir.path("hardtack-data").exists());
}

/// The access cookie is sent to some paths only. On the others, its absence says nothing.
#[tokio::test]
async fn e08_path_lists_keep_the_log_in_fresh() {
    let dir = TestDir::new();
    let server = start(&dir.serve([]).env("JWT_ACCESS_COOKIE_PATH", "/account,/service")).await;
    let mut client = server.client();
    sign_up(&mut client, "alice").await;
    let refresh = client.cookie("refresh_token_cookie").unwrap().value.clone();
    for path in ["/", "/login", "/", "/signup"] {
        let page = client.get(path).accept_html().send().await;
        assert_eq!(page.status(), 200, "{path}");
        let tokens = page.set_cookies().into_iter().filter(|cookie| cookie.name.ends_with("token_cookie"));
        assert_eq!(tokens.count(), 0, "{path}");
    }
    assert_eq!(client.cookie("refresh_token_cookie").unwrap().value, refresh);
    let account = client.get("/account").accept_html().send().await;
    assert_eq!(account.status(), 200, "still fresh: {:?}", account.location());
    assert!(is_logged_in(&mut client).await);
    // The re-authentication page sees that the user has just entered the password, and redirects to `next`.
    let page = client.get("/reauthenticate?next=%2Faccount").accept_html().send().await;
    assert_eq!((page.status().as_u16(), page.location()), (303, Some("/account")));
}

/// Without a refresh cookie, only the access cookie can end the session.
#[tokio::test]
async fn e08_s28_with_path_lists_a_sliding_session_ends_at_log_out_and_log_in() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--refresh", "sliding"]).env("JWT_ACCESS_COOKIE_PATH", "/account,/service")).await;
    let mut client = server.client();
    sign_up(&mut client, "alice").await;
    let copy = with_copied_access_cookie(&client, &server);
    log_out(&mut client).await;
    is_refused_soon(&copy, "a log-out").await;
    assert_eq!(log_in(&mut client, "alice", PASSWORD).await, 200);
    let copy = with_copied_access_cookie(&client, &server);
    assert_eq!(log_in(&mut client, "alice", PASSWORD).await, 200);
    is_refused_soon(&copy, "another log-in").await;
    assert!(is_logged_in(&mut client).await);
}
