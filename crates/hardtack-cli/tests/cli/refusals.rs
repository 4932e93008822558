//! Configurations that are refused: what was set, what is allowed, exit code 2.

use hardtack_test_support::process::Program;

use crate::support::{TestDir, mode, output, refusal, set_mode, start};

const SECRET: &str = "not-to-be-shown-Zk3vQ8xW2bN7mT5rLp9dYh4c";
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

#[tokio::test]
async fn bad_flags() {
    let dir = TestDir::new();
    for (args, expected) in [
        (&["--listen", "localhost"][..], "--listen is \"localhost\"; expected an IP address and a port"),
        (&["--listen", "0.0.0.0:0"], "set --base-url to the site's public address"),
        (&["--base-url", "site.example"], "--base-url is \"site.example\": it is not a URL; expected an origin"),
        (&["--base-url", "http://site.example"], "use https, or add --insecure-http"),
        (&["--refresh", "sometimes"], "--refresh is \"sometimes\"; expected transparent, redirect, sliding or off"),
        (
            &["--access-lifetime", "1.5h"],
            "--access-lifetime is \"1.5h\"; expected whole seconds such as 900, or a number",
        ),
        (&["--access-lifetime", "0"], "--access-lifetime is \"0\"; expected whole seconds"),
        (&["--access-lifetime", "2d"], "--access-lifetime is \"2d\", --refresh-lifetime is \"1d\" (the default): "),
        (&["--session-lifetime", "1h"], "--session-lifetime is \"1h\", --refresh-lifetime is \"1d\" (the default): "),
        (&["--clock-skew", "61"], "--clock-skew is \"61\": the clock skew is 61 s; at most 60 s is allowed"),
        (&["--leeway", "61"], "--leeway is \"61\": the leeway is 61 s; at most 60 s is allowed"),
        (&["--issuer", ""], "--issuer is \"\"; expected a non-empty string"),
        (&["--log-format", "xml"], "--log-format is \"xml\"; expected text or json"),
        (&["--data-dir", ""], "--data-dir is \"\"; expected a folder"),
        (&["--config", "nowhere.toml"], "--config \"nowhere.toml\" cannot be read"),
    ] {
        for command in ["serve", "check-config"] {
            let error = refusal(&dir.hardtack([command].into_iter().chain(args.iter().copied())), 2).await;
            assert!(error.contains(expected), "{args:?}: {error}");
        }
    }
    assert!(!dir.path("hardtack-data").exists());
}

#[test]
fn an_unknown_flag() {
    let finished = TestDir::new().hardtack(["serve", "--lisen", "x"]).run().unwrap();
    assert_eq!(finished.status.code(), Some(2));
    assert!(finished.stderr.contains("unexpected argument '--lisen'"), "{}", finished.stderr);
    assert!(finished.stderr.contains("--listen"), "{}", finished.stderr);
}

#[tokio::test]
async fn bad_variables() {
    let dir = TestDir::new();
    for (name, value, expected) in [
        ("HARDTACK_LISTEN", "8080", "HARDTACK_LISTEN is \"8080\"; expected an IP address and a port"),
        (
            "JWT_ACCESS_TOKEN_EXPIRES",
            "false",
            "is \"false\", but tokens of stored sessions must expire; set a lifetime, such as 15m for access tokens",
        ),
        ("JWT_REFRESH_TOKEN_EXPIRES", "-1", "JWT_REFRESH_TOKEN_EXPIRES is \"-1\"; expected whole seconds"),
        ("JWT_ALGORITHM", "none", "JWT_ALGORITHM is \"none\": unknown algorithm; expected HS256, "),
        ("JWT_ALGORITHM", "ES256", "ES256 signatures are randomized; sign with HS256, EdDSA or RS256"),
        ("JWT_COOKIE_SAMESITE", "None", "browsers drop cookies with SameSite=None but without Secure"),
        ("JWT_COOKIE_SAMESITE", "Relaxed", "is \"Relaxed\"; expected Lax, Strict or None"),
        ("JWT_COOKIE_SECURE", "true", "set --base-url to an https address"),
        ("JWT_COOKIE_CSRF_PROTECT", "false", "or add --insecure-without-csrf"),
        ("JWT_COOKIE_DOMAIN", "example.org", "JWT_COOKIE_DOMAIN is \"example.org\": "),
        ("JWT_ACCESS_COOKIE_NAME", "a b", "JWT_ACCESS_COOKIE_NAME is \"a b\": "),
        (
            "JWT_ACCESS_COOKIE_NAME",
            "refresh_token_cookie",
            "JWT_ACCESS_COOKIE_NAME is \"refresh_token_cookie\", JWT_REFRESH_COOKIE_NAME is \"refresh_token_cookie\" (the \
             default): two cookies cannot have the same name; give each cookie its own name",
        ),
        (
            "JWT_REFRESH_CSRF_COOKIE_NAME",
            "access_token_cookie",
            "JWT_ACCESS_COOKIE_NAME is \"access_token_cookie\" (the default), JWT_REFRESH_CSRF_COOKIE_NAME is",
        ),
        (
            "JWT_REFRESH_COOKIE_NAME",
            "csrf_pre_session",
            "the log-in form's cookie is \"csrf_pre_session\": two cookies cannot have the same name",
        ),
        ("JWT_ACCESS_COOKIE_NAME", "hardtack_device", "but the site sets another cookie with this name"),
        ("JWT_REFRESH_COOKIE_NAME", "mail_link", "JWT_REFRESH_COOKIE_NAME is \"mail_link\", but the site sets another"),
        ("JWT_REFRESH_COOKIE_PATH", "token", "JWT_REFRESH_COOKIE_PATH is \"token\": "),
        ("JWT_REFRESH_COOKIE_PATH", "/token/refresh", "would not send the cookie to /account; expected / or paths"),
        (
            "JWT_ACCESS_COOKIE_PATH",
            "/app",
            "JWT_ACCESS_COOKIE_PATH is \"/app\", so browsers would not send the cookie to",
        ),
        ("JWT_ACCESS_COOKIE_PATH", "/app/", "so browsers would not send the cookie to /account; expected / or paths"),
        ("JWT_ACCESS_COOKIE_PATH", "/account", "to /service; expected / or paths that cover /account, /service"),
        (
            "JWT_ACCESS_COOKIE_PATH",
            "/account/,/service/",
            "to /account; expected / or paths that cover /account, /service",
        ),
        ("JWT_ACCESS_CSRF_FIELD_NAME", "token", "only \"csrf_token\" is supported"),
        ("JWT_TOKEN_LOCATION", "headers", "JWT_TOKEN_LOCATION is \"headers\"; expected cookies, alone or with headers"),
        ("JWT_TOKEN_LOCATION", "cookies,header", "with headers, query_string or json"),
        ("JWT_HEADER_NAME", "a b", "JWT_HEADER_NAME is \"a b\": "),
        ("JWT_IDENTITY_CLAIM", "exp", "JWT_IDENTITY_CLAIM is \"exp\": "),
        ("JWT_VERIFY_SUB", "false", "only \"true\" is supported"),
        ("JWT_REFRESH_JSON_KEY", "rt", "only \"refresh_token\" is supported, because the server reads refresh tokens"),
        ("JWT_DECODE_ALGORITHMS", "HS256,RS256", "JWT_DECODE_ALGORITHMS is not supported"),
        ("RUST_LOG", "a=b=c", "RUST_LOG is \"a=b=c\"; expected a level"),
    ] {
        let command = if name == "RUST_LOG" { "serve" } else { "check-config" };
        let error = refusal(&dir.hardtack([command]).env(name, value), 2).await;
        assert!(error.contains(expected), "{name}={value}: {error}");
    }
    let csrf = |value: &str| ("JWT_ACCESS_CSRF_HEADER_NAME", value.to_owned());
    let with_locations = |location: &str, name, value: &str| {
        [("JWT_TOKEN_LOCATION", format!("cookies,{location}")), (name, value.to_owned())]
    };
    for (settings, expected) in [
        (&[csrf("Authorization")][..], "JWT_ACCESS_CSRF_HEADER_NAME is \"Authorization\", "),
        (&[csrf("cookie")], "is \"cookie\", but this header is set by browsers; choose another header"),
        (
            &with_locations("headers", "JWT_HEADER_NAME", "x-csrf-token"),
            "JWT_HEADER_NAME is \"x-csrf-token\": these headers must differ; change one of them",
        ),
        (&with_locations("headers", "JWT_HEADER_NAME", "Host"), "JWT_HEADER_NAME is \"Host\", but this header"),
        (
            &with_locations("query_string", "JWT_QUERY_STRING_NAME", "token"),
            "JWT_QUERY_STRING_NAME is \"token\", but the site uses this query parameter for another purpose",
        ),
        (&with_locations("query_string", "JWT_QUERY_STRING_NAME", "next"), "uses this query parameter"),
    ] {
        for command in ["serve", "check-config"] {
            let program =
                settings.iter().fold(dir.hardtack([command]), |program, (name, value)| program.env(name, value));
            let error = refusal(&program, 2).await;
            assert!(error.contains(expected), "{settings:?}: {error}");
        }
    }
    let error = refusal(&dir.serve([]).env("JWT_ENCODE_ISSUER", "a").env("JWT_DECODE_ISSUER", "b"), 2).await;
    assert!(
        error.contains("JWT_DECODE_ISSUER and JWT_ENCODE_ISSUER set the same option to different values"),
        "{error}"
    );
    assert!(!dir.path("hardtack-data").exists());
}

#[tokio::test]
async fn weak_and_public_secrets() {
    let dir = TestDir::new();
    let pem_in_spaces = format!(" \n{PUBLIC_PEM}");
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let openssl = "make a secret with: openssl rand -base64 48";
    for (secret, expected, advice) in [
        ("", "the HMAC secret is empty", openssl),
        ("Kq3vZ8xW2bN7mT5r", "the HMAC secret has 128 bits, but at least 256 are needed", openssl),
        ("super-secret", "the HMAC secret is a published sample", openssl),
        ("changeme", "the HMAC secret is a published sample", openssl),
        ("your-256-bit-secret", "the HMAC secret is a published sample", openssl),
        ("abcdabcdabcdabcdabcdabcdabcdabcdabcd", "the HMAC secret is a simple pattern", openssl),
        (PUBLIC_PEM, "is an asymmetric key or a certificate", "hardtack keys generate"),
        (&pem_in_spaces, "is an asymmetric key or a certificate", "hardtack keys generate"),
        (jwk, "is an asymmetric key or a certificate", "hardtack keys generate"),
    ] {
        let error = refusal(&dir.serve([]).env("JWT_SECRET_KEY", secret), 2).await;
        assert!(error.starts_with("hardtack: JWT_SECRET_KEY"), "{error}");
        assert!(error.contains(expected) && error.contains(advice), "{secret}: {error}");
        assert!(secret.is_empty() || !error.contains(secret), "{error}");
    }
}

#[tokio::test]
async fn keys_that_do_not_fit() {
    let dir = TestDir::new();
    dir.write("public.pem", PUBLIC_PEM);
    let private = output(&dir.hardtack(["keys", "generate", "--alg", "EdDSA"]));
    for (variables, expected) in [
        (
            &[("JWT_PRIVATE_KEY", "@none.pem")][..],
            "JWT_PRIVATE_KEY: the file \"none.pem\" cannot be used: No such file",
        ),
        (&[("JWT_PRIVATE_KEY", "@public.pem")], "JWT_PRIVATE_KEY is set without JWT_ALGORITHM"),
        (&[("JWT_PRIVATE_KEY", "@public.pem"), ("JWT_ALGORITHM", "EdDSA")], "the key is public and cannot sign"),
        (&[("JWT_PUBLIC_KEY", "@public.pem")], "JWT_PUBLIC_KEY cannot sign"),
        (&[("JWT_PRIVATE_KEY", &private), ("JWT_ALGORITHM", "RS256")], "JWT_PRIVATE_KEY is a key for EdDSA"),
        (&[("JWT_PRIVATE_KEY", &private), ("JWT_PUBLIC_KEY", PUBLIC_PEM)], "is not the public half of JWT_PRIVATE_KEY"),
        (&[("JWT_PRIVATE_KEY", &private), ("JWT_SECRET_KEY", "x")], "are both set, but only one key can sign"),
        (&[("JWT_SECRET_KEY", "x"), ("JWT_ALGORITHM", "RS256")], "expected HS256, HS384 or HS512"),
    ] {
        let program = variables.iter().fold(dir.serve([]), |program, (name, value)| program.env(name, value));
        let error = refusal(&program, 2).await;
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(private.trim()), "{error}");
    }
}

#[tokio::test]
async fn k01_secrets_that_are_only_named() {
    let dir = TestDir::new();
    dir.write("secret", &format!("{SECRET}\n"));
    dir.write("short", "abc");
    dir.write("two", &format!("{SECRET}\n{SECRET}\n"));
    for (name, value, expected) in [
        ("JWT_SECRET_KEY", "@nowhere", "JWT_SECRET_KEY: the file \"nowhere\" cannot be used: No such file"),
        ("JWT_SECRET_KEY", "@short", "JWT_SECRET_KEY: the HMAC secret has 24 bits"),
        ("JWT_SECRET_KEY", "./secret", "not the secret itself, but the path of a file; write @ before the path"),
        ("JWT_SECRET_KEY", "file:///run/secrets/key", "a file: URL; write @ and the path instead"),
        ("JWT_SECRET_KEY", "${JWT_SECRET}", "a placeholder that was not replaced; set the secret itself"),
        ("JWT_SECRET_KEY", "please-change-this-secret-in-production", "is a published sample"),
        ("JWT_SECRET_KEY", "my-super-secret-jwt-signing-key-2024-prod!", "is a published sample"),
        ("JWT_SECRET_KEY", "secrets/jwt-secret-key-with-a-long-name.txt", "the path of a file; write @ before "),
        ("JWT_SECRET_KEY", "C:\\secrets\\jwt-secret-key-hardtack-prod.txt", "the path of a file; write @ before "),
        ("JWT_SECRET_KEY", "op://vault/item/jwt-secret-key-for-hardtack", "a reference to a secret in another program"),
        ("JWT_SECRET_KEY", "`cat /run/secrets/jwt_secret_key_of_site`", "a command, and Hardtack does not run"),
        ("JWT_SECRET_KEY", "@two", "\"two\" cannot be used: it has several lines; expected one line with the secret"),
        ("JWT_SECRET_KEY_PREVIOUS", "@two", "if the setting accepts several secrets, separate them with commas"),
        (
            "JWT_SECRET_KEY_PREVIOUS",
            "@secret,@two",
            "the file \"secret,@two\" cannot be used: No such file or directory (os error 2); to set several secrets, \
             write them into one file, separated by commas",
        ),
        ("JWT_PRIVATE_KEY", "/etc/ssl/private/site.pem", "the path of a file; write @ before "),
        ("JWT_SECRET_KEY_FILE", "nowhere", "JWT_SECRET_KEY_FILE: the file \"nowhere\" cannot be used"),
        ("JWT_SECRET_KEY_PREVIOUS", "changeme", "JWT_SECRET_KEY_PREVIOUS: the HMAC secret is a published sample"),
        ("HARDTACK_DATABASE_URL", "@nowhere", "HARDTACK_DATABASE_URL: the file \"nowhere\" cannot be used"),
        ("HARDTACK_REDIS_URL_FILE", "nowhere", "HARDTACK_REDIS_URL_FILE: the file \"nowhere\" cannot be used"),
    ] {
        let error = refusal(&dir.serve([]).env(name, value), 2).await;
        assert!(error.contains(expected), "{name}={value}: {error}");
    }
    set_mode(dir.path("secret"), 0o666);
    let error = refusal(&dir.serve([]).env("JWT_SECRET_KEY", "@secret"), 2).await;
    assert!(error.contains("lets other users change the file") && error.ends_with("chmod go-w secret"), "{error}");
}

#[tokio::test]
async fn k04_misspelled_names_are_refused() {
    let dir = TestDir::new();
    for (name, similar) in [
        ("HARDTACK_DATABSE_URL", "HARDTACK_DATABASE_URL"),
        ("HARDTACK_REFRESH_LIFETIM", "HARDTACK_REFRESH_LIFETIME"),
        ("JWT_ACESS_COOKIE_NAME", "JWT_ACCESS_COOKIE_NAME"),
        ("JWT_SECRET_KEY_FIEL", "JWT_SECRET_KEY_FILE"),
        ("JWT_SECRET", "JWT_SECRET_KEY"),
        ("HARDTACK_JWT_SECRET_KEY", "JWT_SECRET_KEY"),
        ("JWT_SECRET_KEY_PREV", "JWT_SECRET_KEY_PREVIOUS"),
        ("HARDTACK_DATABASE", "HARDTACK_DATABASE_URL"),
        ("HARDTACK_REDIS", "HARDTACK_REDIS_URL"),
    ] {
        let error = refusal(&dir.serve([]).env(name, "x"), 2).await;
        assert!(error.contains(&format!("{name} is not a setting; did you mean {similar}?")), "{error}");
    }
}

#[tokio::test]
async fn k05_a_settings_file_that_others_can_change() {
    let dir = TestDir::new();
    dir.write("hardtack.toml", "refresh = 'off'");
    set_mode(dir.path("hardtack.toml"), 0o666);
    let error = refusal(&dir.hardtack(["serve"]), 2).await;
    assert!(error.ends_with("chmod go-w hardtack.toml"), "{error}");
    set_mode(dir.path("hardtack.toml"), 0o644);
    std::os::unix::fs::chown(dir.path("hardtack.toml"), Some(12_345), None).unwrap();
    let error = refusal(&dir.hardtack(["serve"]), 2).await;
    assert!(error.contains("hardtack.toml is owned by the user with id 12345, who can change the file"), "{error}");
}

#[tokio::test]
async fn a_bad_file() {
    let dir = TestDir::new();
    for (text, expected) in [
        ("lisen = '127.0.0.1:0'", "hardtack.toml has the unknown setting \"lisen\"; did you mean listen?"),
        ("listen = 'nowhere'", "listen in hardtack.toml is \"nowhere\"; expected an IP address and a port"),
        ("listen = ", "hardtack.toml is not valid TOML: line 1: "),
        ("listen = ", "; write each setting once, and put text in quotes, such as listen = \"127.0.0.1:8080\""),
        ("[server]", "unknown setting \"server\"; settings do not belong in tables such as [server]"),
        (
            "access_lifetime = false",
            "access_lifetime in hardtack.toml is \"false\", but tokens of stored sessions must",
        ),
    ] {
        dir.write("hardtack.toml", text);
        let error = refusal(&dir.hardtack(["serve"]), 2).await;
        assert!(error.contains(expected), "{text}: {error}");
    }
    dir.write("hardtack.toml", "JWT_SECRET_KEY = 'x'");
    set_mode(dir.path("hardtack.toml"), 0o644);
    let error = refusal(&dir.hardtack(["serve"]), 2).await;
    assert!(error.ends_with("change the mode with: chmod 600 hardtack.toml"), "{error}");
}

#[tokio::test]
async fn an_operator_learns_what_is_wrong_with_a_file_or_a_url() {
    let dir = TestDir::new();
    dir.write("key", "not a key");
    set_mode(dir.path("key"), 0o600);
    let flags = |flags: &[&'static str]| dir.serve(flags.iter().copied());
    for (program, expected) in [
        (
            flags(&[]).env("JWT_PRIVATE_KEY", "@key"),
            "JWT_PRIVATE_KEY: the file contains neither a PEM nor a JWK private key",
        ),
        (flags(&[]).env("JWT_PRIVATE_KEY", "key"), "to read the key from a file, write @ followed by the file's path"),
        (
            flags(&["--password-list", "none"]),
            "expected a table that this user can read, made with: hardtack passwords",
        ),
        (
            flags(&[]).env("HARDTACK_DATABASE_URL", ""),
            "the database URL cannot be used: it is empty; expected sqlite:PATH",
        ),
        (flags(&["--redis-url", "http://127.0.0.1"]), "the Redis address cannot be used (its scheme is unknown)"),
    ] {
        let error = refusal(&program, 2).await;
        assert!(error.contains(expected), "{error}");
    }
    std::fs::create_dir_all(dir.path("hardtack-data/keys")).unwrap();
    dir.write("hardtack-data/keys/0001.jwk", "not a key");
    for private in ["hardtack-data", "hardtack-data/keys"] {
        set_mode(dir.path(private), 0o700);
    }
    set_mode(dir.path("hardtack-data/keys/0001.jwk"), 0o600);
    let error = refusal(&dir.serve([]), 2).await;
    assert!(error.contains("restore the file from a backup, or move it to another folder"), "{error}");
}

#[tokio::test]
async fn a_header_of_proxies_has_no_effect_without_proxies() {
    let dir = TestDir::new();
    let log = start(&dir.serve(["--proxy-header", "X-Forwarded-For"])).await.stop().await.stderr;
    let expected = "--proxy-header is \"X-Forwarded-For\", but no proxy is trusted, so the server ignores the header";
    assert!(log.contains(expected), "{log}");
    let trusting = dir.serve(["--proxy-header", "X-Forwarded-For", "--trusted-proxies", "127.0.0.1"]);
    let log = start(&trusting).await.stop().await.stderr;
    assert!(!log.contains("no proxy is trusted"), "{log}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_created() {
    let dir = TestDir::new();
    dir.write("file", "");
    let error = refusal(&dir.serve(["--data-dir", "file/data"]), 1).await;
    assert!(error.contains("--data-dir \"file/data\" cannot be created: "), "{error}");
    assert!(error.contains("expected a folder that this user can write to"), "{error}");
    dir.write("text", "");
    let error = refusal(&dir.serve(["--data-dir", "text"]), 1).await;
    assert!(error.contains("--data-dir \"text\""), "{error}");
}

#[tokio::test]
async fn a_key_that_other_users_can_access() {
    let dir = TestDir::new();
    start(&dir.serve([])).await.stop().await;
    let key = "./hardtack-data/keys/0001.jwk";
    for opened in [0o640, 0o604, 0o620] {
        set_mode(dir.path(key), opened);
        for command in ["serve", "check-config"] {
            let error = refusal(&dir.hardtack([command, "--listen", "127.0.0.1:0"]), 2).await;
            assert!(error.contains(&format!("because its mode is {opened:04o}; expected 0600")), "{error}");
            assert!(error.ends_with(&format!("chmod 600 {key}")), "{error}");
        }
        assert_eq!(mode(dir.path(key)), opened);
    }
    set_mode(dir.path(key), 0o400);
    start(&dir.serve([])).await.stop().await;
}

/// Runs a command in the folder, as an operator who follows an error's advice.
fn follow(dir: &TestDir, advice: &str) {
    let status = std::process::Command::new("sh").args(["-c", advice]).current_dir(dir.path("")).status().unwrap();
    assert!(status.success(), "{advice}");
}

/// Each error's advice leads to a key that works.
#[tokio::test]
async fn k06_the_advice_for_keys_in_other_forms_works() {
    let dir = TestDir::new();
    follow(&dir, "openssl genpkey -algorithm ed25519 -out good.pem 2>&1");
    let good = std::fs::read_to_string(dir.path("good.pem")).unwrap();
    let check = |value: &str, algorithm: &str| {
        dir.hardtack(["check-config"]).env("JWT_PRIVATE_KEY", value).env("JWT_ALGORITHM", algorithm)
    };

    let one_line = good.trim().replace('\n', "\\n");
    let error = refusal(&check(&one_line, "EdDSA"), 2).await;
    assert!(error.contains("this text has \\n instead of line breaks"), "{error}");
    let (_, advice) = error.split_once("write the key to a file with: ").unwrap();
    follow(&dir, &format!("KEY='{one_line}'; {advice}"));
    output(&check("@key.pem", "EdDSA"));

    for path in ["good.pem", "none.pem"] {
        let error = refusal(&check(path, "EdDSA"), 2).await;
        assert!(error.contains("the path of a file; write @ before the path to read the file"), "{error}");
    }
    output(&check("@good.pem", "EdDSA"));

    for (kind, algorithm) in [("ed25519", "EdDSA"), ("rsa", "RS256")] {
        let _ = std::fs::remove_file(dir.path("key.pem"));
        follow(&dir, &format!("rm -f key.pem; ssh-keygen -q -t {kind} -N '' -f key.pem"));
        let error = refusal(&check("@key.pem", algorithm), 2).await;
        let (problem, advice) = error.rsplit_once("with: ").unwrap();
        assert!(problem.contains("a key in OpenSSH format"), "{error}");
        follow(&dir, &format!("{advice} > /dev/null 2>&1"));
        output(&check("@key.pem", algorithm));
    }
}

#[tokio::test]
async fn k06_a_jwk_needs_no_alg_if_its_type_or_jwt_algorithm_decides() {
    let dir = TestDir::new();
    let jwk = |algorithm: &str| {
        let jwk = output(&dir.hardtack(["keys", "generate", "--alg", algorithm]));
        let mut jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
        assert_eq!(jwk.as_object_mut().unwrap().remove("alg").unwrap(), algorithm);
        jwk.to_string()
    };
    let check = |jwk: &str| dir.hardtack(["check-config"]).env("JWT_PRIVATE_KEY", jwk);
    let ed25519 = jwk("EdDSA");
    assert!(output(&check(&ed25519)).contains("# signing key: EdDSA"));
    let error = refusal(&check(&ed25519).env("JWT_ALGORITHM", "RS256"), 2).await;
    assert!(error.contains("is a key for EdDSA"), "{error}");
    let rsa = jwk("RS256");
    let error = refusal(&check(&rsa), 2).await;
    assert!(error.contains("has no `alg`") && error.contains("or set JWT_ALGORITHM"), "{error}");
    for algorithm in ["RS256", "RS512"] {
        let shown = output(&check(&rsa).env("JWT_ALGORITHM", algorithm));
        assert!(shown.contains(&format!("# signing key: {algorithm}")), "{shown}");
    }
}

#[tokio::test]
async fn k06_the_first_key_of_the_binary_is_for_jwt_algorithm_or_hs256() {
    for (algorithm, expected) in [(None, "HS256"), (Some("EdDSA"), "EdDSA")] {
        let dir = TestDir::new();
        let with =
            |program: Program| algorithm.iter().fold(program, |program, name| program.env("JWT_ALGORITHM", *name));
        start(&with(dir.serve([]))).await.stop().await;
        let shown = output(&with(dir.hardtack(["check-config"])));
        assert!(shown.contains(&format!("# signing key: {expected} ")), "{shown}");
    }
}
