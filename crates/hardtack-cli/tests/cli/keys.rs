//! Keys: made, given, rotated.

use crate::support::{PASSWORD, Place, is_let_in, mode, output, refusal, sign_up, start, with_copied_access_cookie};

#[tokio::test]
async fn what_is_generated_can_be_used() {
    let place = Place::new();
    for (algorithm, variable) in
        [("HS256", "JWT_SECRET_KEY"), ("HS512", "JWT_SECRET_KEY"), ("EdDSA", "JWT_PRIVATE_KEY")]
    {
        let text = output(&place.hardtack(["keys", "generate", "--alg", algorithm]));
        assert_eq!(text.lines().count(), 1, "{text}");
        let given = place.serve([]).env(variable, text.trim_end()).env("JWT_ALGORITHM", algorithm);
        let server = start(&given).await;
        let mut client = server.client();
        sign_up(&mut client, &format!("user-{}", algorithm.to_lowercase())).await;
        assert!(is_let_in(&mut client).await);
    }
    assert!(!place.path("hardtack-data/keys").exists());
}

#[test]
fn two_are_never_the_same() {
    let place = Place::new();
    let generate = || output(&place.hardtack(["keys", "generate"]));
    let (one, other) = (generate(), generate());
    assert_ne!(one, other);
    assert_eq!(one.trim_end().len(), 86);
}

#[tokio::test]
async fn a_key_in_a_file_is_its_owners() {
    let place = Place::new();
    let program = place.hardtack(["keys", "generate", "--alg", "EdDSA", "--out", "key.jwk"]);
    assert_eq!(output(&program), "");
    assert_eq!(mode(place.path("key.jwk")), 0o600);
    let before = std::fs::read(place.path("key.jwk")).unwrap();
    let said = refusal(&program, 1).await;
    assert!(said.contains("--out \"key.jwk\" cannot be written: there is such a file"), "{said}");
    assert_eq!(std::fs::read(place.path("key.jwk")).unwrap(), before);

    let given = place.hardtack(["check-config"]).env("JWT_PRIVATE_KEY", "@key.jwk");
    assert!(output(&given).contains("# signing key: EdDSA; 0 more verify"));
    let said = refusal(&place.hardtack(["keys", "generate", "--alg", "none"]), 2).await;
    assert!(said.contains("--alg is \"none\": unknown algorithm; expected HS256"), "{said}");
}

#[tokio::test]
async fn a_rotation_logs_nobody_out() {
    let place = Place::new();
    let server = place.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;

    let text = output(&place.hardtack(["keys", "rotate", "--alg", "EdDSA"]));
    assert!(text.starts_with("Made ./hardtack-data/keys/0002.jwk\n"), "{text}");
    assert_eq!(place.keys(), ["0001.jwk", "0002.jwk"]);
    assert_eq!(mode(place.path("hardtack-data/keys/0002.jwk")), 0o600);
    let listed = output(&place.hardtack(["keys", "list"]));
    let roles: Vec<_> = listed.lines().map(|line| line.split("  ").collect::<Vec<_>>()[3].to_owned()).collect();
    assert_eq!(roles, ["verifies", "signs"], "{listed}");

    let server = place.start().await;
    assert!(is_let_in(&mut with_copied_access_cookie(&client, &server)).await);
    // The old refresh token buys tokens under the new key.
    let mut refreshes = server.client();
    refreshes.set_cookie_raw(&client.cookie("refresh_token_cookie").unwrap().raw);
    assert_eq!(refreshes.get("/service").accept_html().send().await.status(), 200);
    let header = |client: &hardtack_test_support::Client| {
        client.cookie("access_token_cookie").unwrap().value.split('.').next().unwrap_or_default().to_owned()
    };
    assert_ne!(header(&refreshes), header(&client));
    server.stop().await;

    // Retired for good, it no longer verifies; its successor's tokens live.
    std::fs::remove_file(place.path("hardtack-data/keys/0001.jwk")).unwrap();
    let server = place.start().await;
    assert!(!is_let_in(&mut with_copied_access_cookie(&client, &server)).await);
    assert!(is_let_in(&mut with_copied_access_cookie(&refreshes, &server)).await);
}

#[tokio::test]
async fn a_given_secret_takes_over_from_the_folders_key() {
    let place = Place::new();
    let server = place.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let secret = output(&place.hardtack(["keys", "generate"]));
    let given = place.serve([]).env("JWT_SECRET_KEY", secret.trim_end());
    let server = start(&given).await;
    assert!(is_let_in(&mut with_copied_access_cookie(&client, &server)).await);
    let listed = output(&place.hardtack(["keys", "list"]).env("JWT_SECRET_KEY", secret.trim_end()));
    assert!(listed.starts_with("The key in JWT_SECRET_KEY or JWT_PRIVATE_KEY signs"), "{listed}");
    assert!(listed.contains("  verifies  "), "{listed}");
}

#[tokio::test]
async fn a_rotation_can_log_everyone_out() {
    let place = Place::new();
    let server = place.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let text = output(&place.hardtack(["keys", "rotate", "--discard-old"]));
    assert!(text.contains("everyone will have to log in again"), "{text}");
    assert_eq!(place.keys(), ["0002.jwk"]);
    let server = place.start().await;
    assert!(!is_let_in(&mut with_copied_access_cookie(&client, &server)).await);
    // The account is still there.
    let typed = serde_json::json!({ "username": "someone", "password": PASSWORD });
    let answer = server.client().post("/login").accept_json().json(&typed).send().await;
    assert_eq!(answer.status(), 200);
}

#[test]
fn keys_whose_tokens_are_dead_go_with_the_next_rotation() {
    let place = Place::new();
    let rotate = || output(&place.hardtack(["keys", "rotate"]));
    rotate();
    rotate();
    assert_eq!(place.keys(), ["0001.jwk", "0002.jwk"]);
    // As if the second had been made two days ago: tokens of the first lived one day at most.
    let path = place.path("hardtack-data/keys/0002.jwk");
    let text = std::fs::read_to_string(&path).unwrap();
    let made_at: i64 = serde_json::from_str::<serde_json::Value>(&text).unwrap()["iat"].as_i64().unwrap();
    std::fs::write(&path, text.replace(&made_at.to_string(), &(made_at - 2 * 86_400).to_string())).unwrap();
    assert!(rotate().contains("Removed ./hardtack-data/keys/0001.jwk"));
    assert_eq!(place.keys(), ["0002.jwk", "0003.jwk"]);
}

#[tokio::test]
async fn rotations_that_make_no_sense() {
    let place = Place::new();
    let given = place.hardtack(["keys", "rotate"]).env("JWT_SECRET_KEY", "Zk3vQ8xW2bN7mT5rLp9dYh4cGs6fJu1e");
    assert!(refusal(&given, 2).await.contains("the signing key is the one in JWT_SECRET_KEY"));
    let said = refusal(&place.hardtack(["keys", "rotate", "--alg", "ES256"]), 2).await;
    assert!(said.contains("--alg is ES256, whose signatures differ each time"), "{said}");
    assert!(!place.path("hardtack-data/keys").exists());

    output(&place.hardtack(["keys", "rotate", "--alg", "EdDSA"]));
    let said = refusal(&place.serve([]).env("JWT_ALGORITHM", "HS256"), 2).await;
    assert!(said.contains("is one for EdDSA; make a new one with: hardtack keys rotate --alg HS256"), "{said}");
    place.write("hardtack-data/keys/old.jwk", "{}");
    let said = refusal(&place.serve([]), 2).await;
    assert!(said.contains("expected a number for a name, such as 0002.jwk"), "{said}");
}
