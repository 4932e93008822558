//! Key folders that a running server cannot load, and rotations that would make it so.

use std::os::unix::fs::PermissionsExt;

use crate::support::{
    PASSWORD, TestDir, hang_up, is_logged_in, log_in, output, refusal, sign_up, start, with_copied_access_cookie,
};

const KEYS: &str = "hardtack-data/keys";
const DISCARD: [&str; 3] = ["keys", "rotate", "--discard-old"];

fn make_readable_by_all(dir: &TestDir, name: &str, readable: bool) {
    let mode = if readable { 0o644 } else { 0o600 };
    let path = dir.path(KEYS).join(name);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A server that could not load the folder kept verifying tokens with a key that the operator had removed after a
/// theft.
#[tokio::test]
async fn k02_a_removed_key_is_not_used_although_the_folder_cannot_be_loaded() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    hang_up(&server, "event=\"keys\"").await;
    output(&dir.hardtack(["keys", "rotate"]));
    hang_up(&server, "also_verify=\"0002-").await;
    let is_accepted = async || is_logged_in(&mut with_copied_access_cookie(&client, &server)).await;

    // A file that makes the folder unusable does not matter as long as all keys are there.
    make_readable_by_all(&dir, "longest-lifetime", true);
    hang_up(&server, "the previous keys stay in use").await;
    assert!(is_accepted().await);
    std::fs::remove_file(dir.path(KEYS).join("0001.jwk")).unwrap();
    hang_up(&server, "keys whose files have been removed are no longer used").await;
    assert!(server.stderr().contains("longest-lifetime"), "{}", server.stderr());
    assert!(!is_accepted().await);
    let mut other = server.client();
    assert_eq!(log_in(&mut other, "someone", PASSWORD).await, 200);

    // Once the folder can be loaded again, the server signs with the same key as before.
    make_readable_by_all(&dir, "longest-lifetime", false);
    hang_up(&server, "also_verify=\"\"").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&other, &server)).await);
    assert!(!is_accepted().await);
}

/// Another user can write to the folder, so the server reads no file in it.
#[tokio::test]
async fn k02_a_removed_key_is_not_used_although_the_folder_is_not_trusted() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    hang_up(&server, "event=\"keys\"").await;
    output(&dir.hardtack(["keys", "rotate"]));
    dir.age_key("0002.jwk", 60);
    hang_up(&server, "signs=\"0002-").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    let writable_by_all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(dir.path(KEYS), writable_by_all).unwrap();
    std::fs::remove_file(dir.path(KEYS).join("0001.jwk")).unwrap();
    hang_up(&server, "keys whose files have been removed are no longer used").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

#[tokio::test]
async fn k02_if_no_key_remains_that_can_sign_a_temporary_one_does() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    hang_up(&server, "event=\"keys\"").await;
    dir.write(&format!("{KEYS}/0002.jwk"), "{}");
    std::fs::remove_file(dir.path(KEYS).join("0001.jwk")).unwrap();
    hang_up(&server, "signs with a temporary key").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    let mut other = server.client();
    assert_eq!(log_in(&mut other, "someone", PASSWORD).await, 200);
    // The server keeps the temporary key until it can load the folder.
    hang_up(&server, "the previous keys stay in use").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&other, &server)).await);

    // A folder without any key file looks like a network share that is not mounted.
    std::fs::remove_file(dir.path(KEYS).join("0002.jwk")).unwrap();
    hang_up(&server, "there is no key to sign with").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&other, &server)).await);
}

/// `hardtack keys rotate` created a key that the servers could not load, and said that they would use it.
#[tokio::test]
async fn k02_a_rotation_that_servers_would_not_load_is_refused() {
    let dir = TestDir::new();
    let server = start(&dir.serve([]).env("JWT_ALGORITHM", "HS256")).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    for rotation in [&["keys", "rotate", "--alg", "EdDSA"][..], &["keys", "rotate", "--alg", "EdDSA", "--discard-old"]]
    {
        let error = refusal(&dir.hardtack(rotation.iter().copied()), 2).await;
        assert!(error.starts_with("hardtack: the server that listens at 127.0.0.1:"), "{error}");
        assert!(error.contains("has JWT_ALGORITHM set to HS256, but the new key would be for EdDSA"), "{error}");
        let error = refusal(&dir.hardtack(rotation.iter().copied()).env("JWT_ALGORITHM", "HS256"), 2).await;
        assert!(error.starts_with("hardtack: JWT_ALGORITHM is \"HS256\", but the new key would be for"), "{error}");
    }
    make_readable_by_all(&dir, "longest-lifetime", true);
    for rotation in [&DISCARD[..], &["keys", "rotate"]] {
        let error = refusal(&dir.hardtack(rotation.iter().copied()), 2).await;
        assert!(error.contains("no key was created or removed: ") && error.contains("longest-lifetime"), "{error}");
    }
    make_readable_by_all(&dir, "longest-lifetime", false);

    // The same key twice.
    std::fs::copy(dir.path(KEYS).join("0001.jwk"), dir.path(KEYS).join("0002.jwk")).unwrap();
    for command in [&DISCARD[..], &["keys", "rotate"], &["keys", "list"]] {
        let error = refusal(&dir.hardtack(command.iter().copied()), 2).await;
        assert!(error.contains("/keys/0001.jwk and ") && error.contains("/keys/0002.jwk have the same kid"), "{error}");
    }
    std::fs::remove_file(dir.path(KEYS).join("0002.jwk")).unwrap();
    assert_eq!(dir.keys(), ["0001.jwk"]);
    assert!(is_logged_in(&mut client).await);
    assert!(output(&dir.hardtack(DISCARD)).contains("All users have to log in again"));
    hang_up(&server, "signs=\"0002-").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

/// A command that does not find the running servers cannot know their settings.
#[tokio::test]
async fn k02_a_running_server_follows_the_folder_to_another_algorithm() {
    let dir = TestDir::new();
    let server = start(&dir.serve([]).env("JWT_ALGORITHM", "HS256")).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    let elsewhere = ["--alg", "EdDSA", "--database-url", "sqlite:elsewhere.db"];
    output(&dir.hardtack(DISCARD.into_iter().chain(elsewhere)));
    hang_up(&server, "event=\"algorithm_differs\"").await;
    assert!(server.stderr().contains("hardtack keys rotate --alg HS256"), "{}", server.stderr());
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    assert_eq!(log_in(&mut client, "someone", PASSWORD).await, 200);
    assert!(is_logged_in(&mut client).await);
}

/// The servers are stopped, so only the command's own settings say that they will accept an old secret.
#[tokio::test]
async fn k02_old_keys_are_not_discarded_while_the_settings_accept_a_previous_secret() {
    let dir = TestDir::new();
    dir.start().await.stop().await;
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let error = refusal(&dir.hardtack(DISCARD).env("JWT_SECRET_KEY_PREVIOUS", secret.trim_end()), 2).await;
    assert!(error.contains("JWT_SECRET_KEY_PREVIOUS, so this command would not log everyone out"), "{error}");
    assert_eq!(dir.keys(), ["0001.jwk"]);
}
