//! Keys: generated, set by the operator, rotated.

use crate::support::{
    PASSWORD, TestDir, is_logged_in, mode, output, refusal, sign_up, start, with_copied_access_cookie,
};

#[tokio::test]
async fn generated_keys_work() {
    let dir = TestDir::new();
    for (algorithm, variable) in
        [("HS256", "JWT_SECRET_KEY"), ("HS512", "JWT_SECRET_KEY"), ("EdDSA", "JWT_PRIVATE_KEY")]
    {
        let text = output(&dir.hardtack(["keys", "generate", "--alg", algorithm]));
        assert_eq!(text.lines().count(), 1, "{text}");
        let program = dir.serve([]).env(variable, text.trim_end()).env("JWT_ALGORITHM", algorithm);
        let server = start(&program).await;
        let mut client = server.client();
        sign_up(&mut client, &format!("user-{}", algorithm.to_lowercase())).await;
        assert!(is_logged_in(&mut client).await);
    }
    assert!(!dir.path("hardtack-data/keys").exists());
}

#[test]
fn generated_secrets_differ() {
    let dir = TestDir::new();
    let generate = || output(&dir.hardtack(["keys", "generate"]));
    let (one, other) = (generate(), generate());
    assert_ne!(one, other);
    assert_eq!(one.trim_end().len(), 86);
}

#[tokio::test]
async fn a_key_file_is_private_and_never_overwritten() {
    let dir = TestDir::new();
    let program = dir.hardtack(["keys", "generate", "--alg", "EdDSA", "--out", "key.jwk"]);
    assert_eq!(output(&program), "");
    assert_eq!(mode(dir.path("key.jwk")), 0o600);
    let before = std::fs::read(dir.path("key.jwk")).unwrap();
    let error = refusal(&program, 1).await;
    assert!(error.contains("--out \"key.jwk\" cannot be written: the file already exists"), "{error}");
    assert_eq!(std::fs::read(dir.path("key.jwk")).unwrap(), before);

    let program = dir.hardtack(["check-config"]).env("JWT_PRIVATE_KEY", "@key.jwk");
    assert!(output(&program).contains("# signing key: EdDSA; other verifying keys: 0"));
    let error = refusal(&dir.hardtack(["keys", "generate", "--alg", "none"]), 2).await;
    assert!(error.contains("--alg is \"none\": unknown algorithm; expected HS256"), "{error}");
}

#[tokio::test]
async fn a_rotation_logs_no_user_out() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;

    let text = output(&dir.hardtack(["keys", "rotate", "--alg", "EdDSA"]));
    assert!(text.starts_with("Created ./hardtack-data/keys/0002.jwk\n"), "{text}");
    assert_eq!(dir.keys(), ["0001.jwk", "0002.jwk"]);
    assert_eq!(mode(dir.path("hardtack-data/keys/0002.jwk")), 0o600);
    let listed = output(&dir.hardtack(["keys", "list"]));
    let roles: Vec<_> = listed.lines().map(|line| line.split("  ").collect::<Vec<_>>()[3].to_owned()).collect();
    assert_eq!(roles, ["verifies", "signs"], "{listed}");

    let server = dir.start().await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    // The old refresh token is exchanged for tokens signed with the new key.
    let mut refreshes = server.client();
    refreshes.set_cookie_raw(&client.cookie("refresh_token_cookie").unwrap().raw);
    assert_eq!(refreshes.get("/service").accept_html().send().await.status(), 200);
    let header = |client: &hardtack_test_support::Client| {
        client.cookie("access_token_cookie").unwrap().value.split('.').next().unwrap_or_default().to_owned()
    };
    assert_ne!(header(&refreshes), header(&client));
    server.stop().await;

    // Without its file, the old key no longer verifies; the new one does.
    std::fs::remove_file(dir.path("hardtack-data/keys/0001.jwk")).unwrap();
    let server = dir.start().await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    assert!(is_logged_in(&mut with_copied_access_cookie(&refreshes, &server)).await);
}

#[tokio::test]
async fn a_secret_in_the_environment_signs_and_the_folders_key_verifies() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let program = dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end());
    let server = start(&program).await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    let listed = output(&dir.hardtack(["keys", "list"]).env("JWT_SECRET_KEY", secret.trim_end()));
    assert!(listed.starts_with("The key in JWT_SECRET_KEY or JWT_PRIVATE_KEY signs"), "{listed}");
    assert!(listed.contains("  verifies  "), "{listed}");
}

#[tokio::test]
async fn discard_old_logs_all_users_out() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let text = output(&dir.hardtack(["keys", "rotate", "--discard-old"]));
    assert!(text.contains("All users have to log in again"), "{text}");
    assert_eq!(dir.keys(), ["0002.jwk"]);
    let server = dir.start().await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    // The account still exists.
    let typed = serde_json::json!({ "username": "someone", "password": PASSWORD });
    let response = server.client().post("/login").accept_json().json(&typed).send().await;
    assert_eq!(response.status(), 200);
}

#[test]
fn a_rotation_removes_keys_whose_tokens_have_expired() {
    let dir = TestDir::new();
    let rotate = || output(&dir.hardtack(["keys", "rotate"]));
    rotate();
    rotate();
    assert_eq!(dir.keys(), ["0001.jwk", "0002.jwk"]);
    // As if the second had been created two days ago: tokens of the first key live for at most one day.
    let path = dir.path("hardtack-data/keys/0002.jwk");
    let text = std::fs::read_to_string(&path).unwrap();
    let created_at: i64 = serde_json::from_str::<serde_json::Value>(&text).unwrap()["iat"].as_i64().unwrap();
    std::fs::write(&path, text.replace(&created_at.to_string(), &(created_at - 2 * 86_400).to_string())).unwrap();
    assert!(rotate().contains("Removed ./hardtack-data/keys/0001.jwk"));
    assert_eq!(dir.keys(), ["0002.jwk", "0003.jwk"]);
}

#[tokio::test]
async fn bad_rotations_and_key_files_are_refused() {
    let dir = TestDir::new();
    let program = dir.hardtack(["keys", "rotate"]).env("JWT_SECRET_KEY", "Zk3vQ8xW2bN7mT5rLp9dYh4cGs6fJu1e");
    assert!(refusal(&program, 2).await.contains("the signing key is set by JWT_SECRET_KEY"));
    let error = refusal(&dir.hardtack(["keys", "rotate", "--alg", "ES256"]), 2).await;
    assert!(error.contains("--alg is ES256, whose signatures are random"), "{error}");
    assert!(!dir.path("hardtack-data/keys").exists());

    output(&dir.hardtack(["keys", "rotate", "--alg", "EdDSA"]));
    let error = refusal(&dir.serve([]).env("JWT_ALGORITHM", "HS256"), 2).await;
    assert!(error.contains("is for EdDSA; create a new key with: hardtack keys rotate --alg HS256"), "{error}");
    dir.write("hardtack-data/keys/old.jwk", "{}");
    let error = refusal(&dir.serve([]), 2).await;
    assert!(error.contains("expected a number as its name, such as 0002.jwk"), "{error}");
}
