//! `hardtack explain`.

use hardtack_test_support::process::{Finished, Program};
use serde_json::Value;

use crate::support::{TestDir, sign_up};

/// Runs `hardtack explain` with this header as its input.
fn explain(dir: &TestDir, args: &[&str], header: &str) -> Finished {
    let program: Program = dir.hardtack(["explain"].into_iter().chain(args.iter().copied())).input(header);
    let finished = program.run().unwrap();
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    finished
}

fn code(finished: &Finished) -> Option<i32> {
    finished.status.code()
}

/// The cookies of a user who has just signed up, as the browser sends them, and the `Set-Cookie` fields of the
/// response.
async fn cookies(dir: &TestDir) -> (String, Vec<String>, Vec<String>) {
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "alice").await;
    let cookies = client.cookies();
    let pairs: Vec<_> = cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
    let secrets = cookies.iter().flat_map(|cookie| cookie.value.split('.')).filter(|part| part.len() > 8);
    let secrets: Vec<_> = secrets.map(str::to_owned).collect();
    let fields = cookies.iter().map(|cookie| cookie.raw.clone()).collect();
    (pairs.join("; "), fields, secrets)
}

#[tokio::test]
async fn s98_no_token_is_printed() {
    let dir = TestDir::new();
    let (cookie, set_cookies, secrets) = cookies(&dir).await;
    let of_request = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n");
    let of_response = set_cookies.iter().map(|field| format!("Set-Cookie: {field}\n")).collect::<String>();
    for (input, args) in
        [(&of_request, &[][..]), (&of_request, &["--json"]), (&of_response, &[]), (&of_response, &["--json"])]
    {
        let finished = explain(&dir, args, input);
        assert_eq!(code(&finished), Some(0), "{}{}", finished.stdout, finished.stderr);
        let printed = format!("{}{}", finished.stdout, finished.stderr);
        for secret in &secrets {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}

#[tokio::test]
async fn a_cookie_header_is_explained_step_by_step() {
    let dir = TestDir::new();
    let (cookie, ..) = cookies(&dir).await;
    let accepted = explain(&dir, &[], &format!("Cookie: {cookie}"));
    for part in
        ["For the site http://127.0.0.1:8080:", "accepted", "The token was signed", "it expires in", "passed   claims"]
    {
        assert!(accepted.stdout.contains(part), "{part}: {}", accepted.stdout);
    }
    // As an argument, and for a path to which browsers do not send the refresh cookie.
    let json = dir.hardtack(["explain", "--json", "--path", "/service", &cookie]).run().unwrap();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json[0]["outcome"], &json[0]["what"]), (&"accepted".into(), &"Cookies for \"/service\"".into()));
    let https = explain(&dir, &["--base-url", "https://site.example"], &cookie);
    assert_eq!(code(&https), Some(1));
    assert!(
        https.stdout.contains("whose name is similar") && https.stdout.contains("What to change:"),
        "{}",
        https.stdout
    );
    assert!(https.stderr.contains("refused (missing_token)"), "{}", https.stderr);
    let elsewhere = explain(&dir, &["--data-dir", "no-such-folder"], &cookie);
    assert_eq!(code(&elsewhere), Some(0), "{}", elsewhere.stderr);
    assert!(elsewhere.stdout.contains("because no key is configured"), "{}", elsewhere.stdout);
    assert!(elsewhere.stderr.contains("signatures were not checked"), "{}", elsewhere.stderr);
    assert!(!dir.path("no-such-folder").exists());
    let other_key = dir.hardtack(["explain", "--data-dir", "other"]).input(cookie.as_str());
    let other_key = other_key.env("JWT_SECRET_KEY", "Zk3vQ8xW2bN7mT5rLp9dYh4cJf6gKs1a").run().unwrap();
    assert_eq!(other_key.status.code(), Some(1), "{}", other_key.stdout);
    assert!(other_key.stdout.contains("belongs to another application"), "{}", other_key.stdout);
}

#[tokio::test]
async fn the_cookies_of_a_copied_curl_command_are_explained() {
    let dir = TestDir::new();
    let (cookie, _, secrets) = cookies(&dir).await;
    for command in [
        format!("curl -H 'Cookie: {cookie}' http://127.0.0.1:8080/"),
        format!("curl 'http://127.0.0.1:8080/' \\\n  -H 'accept: */*' \\\n  -b '{cookie}' \\\n  --compressed"),
    ] {
        let finished = explain(&dir, &[], &command);
        assert_eq!(code(&finished), Some(0), "{}{}", finished.stdout, finished.stderr);
        for part in [
            "accepted",
            "The token was signed",
            "`hardtack_device` shows that a user has logged in from this browser before",
        ] {
            assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
        }
        assert!(secrets.iter().all(|secret| !finished.stdout.contains(secret)), "{}", finished.stdout);
    }
    // Each of several commands is explained, with its own cookies.
    let several =
        format!("$ curl -b theme=dark http://127.0.0.1:8080/ && sudo /usr/bin/curl -b '{cookie}' -v x; curl y");
    let finished = explain(&dir, &[], &several);
    assert_eq!(code(&finished), Some(1), "{}{}", finished.stdout, finished.stderr);
    for part in ["(curl command 1 of 3): refused", "(curl command 2 of 3): accepted"] {
        assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
    }
    assert!(finished.stderr.contains("curl command 3 of 3 sends no cookies"), "{}", finished.stderr);
    for (command, part) in [
        ("curl http://127.0.0.1:8080/?a=1", "sends no cookies; expected a line such as Cookie: NAME=VALUE"),
        (
            "curl -b jar.txt http://127.0.0.1:8080/",
            "names the file \"jar.txt\", which `hardtack explain` does not read; expected",
        ),
        ("fetch(\"http://127.0.0.1:8080/?a=1\")", "no Cookie or Set-Cookie header; expected"),
    ] {
        let finished = explain(&dir, &[], command);
        assert_eq!((code(&finished), finished.stdout.as_str()), (Some(2), ""), "{command}: {}", finished.stderr);
        assert!(finished.stderr.contains(part), "{part}: {}", finished.stderr);
    }
}

#[test]
fn each_cookie_of_the_ready_made_site_is_described() {
    let dir = TestDir::new();
    for (name, part) in [
        ("known_device", "has logged in from this browser before"),
        ("hardtack_device", "has logged in from this browser before"),
        ("link_used", "names the account whose emailed link"),
        ("mail_link", "contains the secret from an emailed link"),
        ("settings_draft", "settings that a user submitted"),
        ("csrf_pre_session", "protects forms that are sent before the user logs in"),
        ("log_in_notice", "tells the log-in page why the last log-in was refused"),
        ("device_proof", "repeat a request with a proof"),
        ("reauthentication_mark", "response to the last re-authentication"),
    ] {
        let https = ["--base-url", "https://site.example"];
        let set_cookie = format!("Set-Cookie: __Host-Http-{name}=secret-value; Path=/; Secure; HttpOnly; SameSite=Lax");
        for (args, input, status) in [
            (&https[..], set_cookie, 0),
            (&https[..], format!("Cookie: __Host-Http-{name}=secret-value"), 1),
            (&[], format!("Cookie: {name}=secret-value"), 1),
        ] {
            let finished = explain(&dir, args, &input);
            assert_eq!(code(&finished), Some(status), "{}{}", finished.stdout, finished.stderr);
            assert!(finished.stdout.contains(part), "{name}: {}", finished.stdout);
            assert!(!finished.stdout.contains("does not read a cookie with this name"), "{}", finished.stdout);
            assert!(!finished.stdout.contains("secret-value"), "{}", finished.stdout);
        }
    }
}

/// Users of the binary do not see its code, so advice names its flags and settings.
#[test]
fn advice_names_flags_and_settings_of_the_binary() {
    let dir = TestDir::new();
    let key = "Zk3vQ8xW2bN7mT5rLp9dYh4cJf6gKs1a";
    // The headers are {"alg":"HS256","kid":"other"}, {"alg":"HS256"} and {"alg":"HS512"}. The claims are {"sub":"ada"}.
    let token = |header: &str| format!("access_token_cookie={header}.eyJzdWIiOiJhZGEifQ.AAAA");
    let foreign = token("eyJhbGciOiJIUzI1NiIsImtpZCI6Im90aGVyIn0");
    let unsigned = token("eyJhbGciOiJIUzI1NiJ9");
    let other_algorithm = token("eyJhbGciOiJIUzUxMiJ9");
    let https = ["--base-url", "https://site.example"];
    for (args, cookie, parts) in [
        (&[][..], "access_token_cookie=a; access_token_cookie=b", &["`--realm` gives", "cookie configuration"][..]),
        (&[], "access_token_cookie=a", &["`JWT_ACCESS_COOKIE_NAME`", "`--realm`"]),
        (&[], "ACCESS_TOKEN_COOKIE=a", &["`JWT_ACCESS_COOKIE_NAME=ACCESS_TOKEN_COOKIE`"]),
        (&[], "shop_access_token_cookie=a", &["the same base URL, cookie configuration and `--realm`"]),
        (&[], "__Host-access_token_cookie=a", &["cookie configuration and `--realm`"]),
        (&https, "access_token_cookie=a", &["`--base-url http://127.0.0.1:3000`", "`--realm`"]),
        (&[], &foreign, &["`--realm shop`", "`JWT_SECRET_KEY_PREVIOUS`"]),
        (
            &[],
            &unsigned,
            &["Keep the data folder (`--data-dir`), or set `JWT_SECRET_KEY`.", "`JWT_SECRET_KEY_PREVIOUS`"],
        ),
        (&[], &other_algorithm, &["`--realm shop`"]),
    ] {
        let program = dir.hardtack(["explain"].into_iter().chain(args.iter().copied()));
        let finished = program.env("JWT_SECRET_KEY", key).input(format!("Cookie: {cookie}")).run().unwrap();
        assert_eq!(code(&finished), Some(1), "{cookie} {}{}", finished.stdout, finished.stderr);
        for part in parts {
            assert!(finished.stdout.contains(part), "{cookie} {part}: {}", finished.stdout);
        }
        for part in [" `.", "(`.", "::", "(…)", "SigningKey", "(\""] {
            assert!(!finished.stdout.contains(part), "{cookie} {part}: {}", finished.stdout);
        }
    }
}

#[test]
fn advice_about_a_set_cookie_header_names_settings_of_the_binary() {
    let dir = TestDir::new();
    let https = ["--base-url", "https://site.example"];
    for (args, field, status, part) in [
        (&https[..], "id=1; Path=/; Secure; Domain=other.example", 1, "leave out the Domain (`JWT_COOKIE_DOMAIN`)."),
        (&https, "id=1; Path=/; SameSite=None", 1, "choose another value for SameSite (`JWT_COOKIE_SAMESITE`)."),
        (&https, "__Host-id=1; Path=/app; Secure", 1, "based on the base URL, the path and the domain.\n"),
        (&https, "id=1; Path=/; SameSite=Lax", 0, "What to change: Add Secure.\n"),
        (&[], "id=1; Path=/; Secure; SameSite=Lax", 0, "set an https base URL (`--base-url`)."),
        (&https, "access_token_cookie=1; Path=/; Secure; SameSite=Lax", 0, "`--base-url http://127.0.0.1:3000`"),
        (&https, "__Host-blog_access_token_cookie=1; Path=/; Secure", 0, "cookie configuration and `--realm`"),
        (&[], "CSRF_access_token=1; Path=/", 0, "`JWT_ACCESS_CSRF_COOKIE_NAME=CSRF_access_token`"),
        (&[], "CSRF_refresh_token=1; Path=/", 0, "`JWT_REFRESH_CSRF_COOKIE_NAME=CSRF_refresh_token`"),
    ] {
        let finished = explain(&dir, args, &format!("Set-Cookie: {field}"));
        assert_eq!(code(&finished), Some(status), "{field} {}{}", finished.stdout, finished.stderr);
        assert!(finished.stdout.contains(part), "{field} {part}: {}", finished.stdout);
        for part in [" `.", "(`.", "::", "(…)", "(\""] {
            assert!(!finished.stdout.contains(part), "{field} {part}: {}", finished.stdout);
        }
    }
    let without_csrf = dir.hardtack(["explain"]).env("JWT_CSRF_IN_COOKIES", "false");
    let finished = without_csrf.input("Set-Cookie: csrf_access_token=1; Path=/; SameSite=Lax").run().unwrap();
    assert!(finished.stdout.contains("no CSRF values in cookies (`JWT_CSRF_IN_COOKIES`)"), "{}", finished.stdout);
}

#[test]
fn a_set_cookie_header_is_explained_as_a_browser_reads_it() {
    let dir = TestDir::new();
    let ignored = explain(&dir, &["--base-url", "https://site.example"], "Set-Cookie: __Host-id=1; Path=/app; Secure");
    assert_eq!(code(&ignored), Some(1));
    assert!(ignored.stdout.contains("requires Path=/"), "{}", ignored.stdout);
    assert!(ignored.stderr.contains("refused (ignored)"), "{}", ignored.stderr);
    let stored = explain(&dir, &["--base-url", "https://site.example"], "theme=dark; Path=/; Secure; SameSite=Lax");
    assert_eq!(code(&stored), Some(0), "{}", stored.stdout);
    assert!(
        stored.stdout.contains("until the browser is closed") && stored.stdout.contains("`__Host-access_token_cookie`")
    );
}

#[test]
fn input_without_a_cookie_is_refused() {
    let dir = TestDir::new();
    for (input, args) in [("", &[][..]), ("Host: site.example", &[]), ("a=1", &["--path", "relative"])] {
        let finished = explain(&dir, args, input);
        assert_eq!((code(&finished), finished.stdout.as_str()), (Some(2), ""), "{input}: {}", finished.stderr);
        assert!(finished.stderr.contains("expected"), "{}", finished.stderr);
    }
    assert!(!dir.path("hardtack-data").exists());
}
