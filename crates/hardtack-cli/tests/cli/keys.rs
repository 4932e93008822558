//! Keys: generated, set by the operator, rotated.

use hardtack_test_support::html::HtmlForms;

use crate::support::{
    PASSWORD, TestDir, hang_up, is_logged_in, mode, output, refusal, sign_up, start, with_copied_access_cookie,
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
    assert!(dir.keys().is_empty());
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
    let error = refusal(&dir.hardtack(["keys", "generate", "--out", "missing/key.jwk"]), 1).await;
    assert!(error.contains("No such file") && error.contains("in a folder that exists and that this"), "{error}");
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
    // The new key begins to sign only after running servers have had time to read it.
    assert_eq!(roles, ["signs", "verifies, and will sign soon"], "{listed}");
    dir.age_key("0002.jwk", 60);
    let listed = output(&dir.hardtack(["keys", "list"]));
    assert!(listed.lines().any(|line| line.contains("0002") && line.contains("  signs  ")), "{listed}");

    let server = dir.start().await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    // The old refresh token is exchanged for tokens signed with the new key.
    let mut refreshes = server.client();
    refreshes.set_cookie_raw(&client.cookie("refresh_token_cookie").unwrap().raw);
    assert_eq!(refreshes.get("/service").accept_html().send().await.status(), 200);
    assert_ne!(header(&refreshes), header(&client));
    server.stop().await;

    // After its file has been removed, the old key no longer verifies tokens. The new key does.
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
    // Make the second key two days old. Tokens of the first key live for at most one day, so all of them have expired.
    dir.age_key("0002.jwk", 2 * 86_400);
    assert!(rotate().contains("Removed ./hardtack-data/keys/0001.jwk"));
    assert_eq!(dir.keys(), ["0002.jwk", "0003.jwk"]);
}

/// A clock that is wrong deletes no key whose tokens are valid, and dates no key.
#[tokio::test]
async fn s23_a_rotation_with_a_wrong_clock_is_refused() {
    let dir = TestDir::new();
    let rotate = || dir.hardtack(["keys", "rotate"]);
    output(&rotate());
    output(&rotate());
    let key = dir.path("hardtack-data/keys/0002.jwk");
    let set_modified = |ahead: u64| {
        let file = std::fs::File::options().write(true).open(&key).unwrap();
        file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(ahead)).unwrap();
    };
    set_modified(3600);
    let error = refusal(&rotate(), 2).await;
    assert!(error.starts_with("hardtack: no key was created or removed: this machine's clock says "), "{error}");
    assert!(error.ends_with("touch ./hardtack-data/keys/0002.jwk"), "{error}");
    set_modified(0);

    // The clock was ahead when the key was created. The error says when the key was created, and how to remove it.
    dir.age_key("0002.jwk", -40 * 86_400);
    let error = refusal(&rotate(), 2).await;
    assert!(
        error.contains("0002.jwk was created at ") && error.ends_with("rm ./hardtack-data/keys/0002.jwk"),
        "{error}"
    );
    let listed = output(&dir.hardtack(["keys", "list"]));
    assert!(listed.starts_with("This list may be wrong: this machine's clock says "), "{listed}");
    assert!(listed.contains("  signs  ") && listed.contains("  verifies, and will sign from "), "{listed}");
    assert_eq!(dir.keys(), ["0001.jwk", "0002.jwk"]);

    // A running server keeps its keys while the clock may be wrong.
    dir.age_key("0002.jwk", 80 * 86_400);
    set_modified(3600);
    let listed = output(&dir.hardtack(["keys", "list"]));
    assert!(listed.contains("  no longer used if the clock is right  "), "{listed}");
    dir.age_key("0002.jwk", -40 * 86_400);
    let server = dir.start().await;
    dir.age_key("0002.jwk", 40 * 86_400);
    set_modified(3600);
    hang_up(&server, "clock_wrong").await;
    let kid = listed.lines().find(|line| line.contains("0001.jwk")).unwrap().split("  ").next().unwrap();
    assert!(server.stderr().contains(&format!("also_verify=\"{kid}\"")), "{}", server.stderr());
    set_modified(0);
    hang_up(&server, "also_verify=\"\"").await;
}

#[tokio::test]
async fn k02_k03_a_running_server_takes_up_a_rotation() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    // A form that was opened before the rotation can be posted afterwards.
    let mut visitor = server.client();
    let mut typed = visitor.get("/login").accept_html().send().await.form_fields("/login");
    for (name, value) in &mut typed {
        match name.as_str() {
            "username" => "someone".clone_into(value),
            "password" => PASSWORD.clone_into(value),
            _ => {}
        }
    }

    output(&dir.hardtack(["keys", "rotate"]));
    dir.age_key("0002.jwk", 60);
    let kid = output(&dir.hardtack(["keys", "list"])).lines().last().unwrap().split("  ").next().unwrap().to_owned();
    hang_up(&server, &format!("signs=\"{kid}\"")).await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    assert_eq!(visitor.post("/login").accept_html().form(&typed).send().await.status(), 303);
    assert_ne!(header(&visitor), header(&client));

    // A set that cannot be read leaves the keys as they are.
    dir.write("hardtack-data/keys/old.jwk", "{}");
    hang_up(&server, "the previous keys stay in use").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    std::fs::remove_file(dir.path("hardtack-data/keys/old.jwk")).unwrap();

    // Make the second key old enough for all tokens of the first key to have expired.
    dir.age_key("0002.jwk", 40 * 86_400);
    hang_up(&server, "also_verify=\"\"").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    assert!(is_logged_in(&mut with_copied_access_cookie(&visitor, &server)).await);
}

#[tokio::test]
async fn k02_the_folders_keys_beside_a_given_one_can_be_discarded() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end())).await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    let discarding = dir.hardtack(["keys", "rotate", "--discard-old"]).env("JWT_SECRET_KEY", secret.trim_end());
    assert!(output(&discarding).starts_with("Removed ./hardtack-data/keys/0001.jwk\n"));
    hang_up(&server, "also_verify=\"\"").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

/// A command without the servers' JWT_SECRET_KEY replaced a key that did not sign, and said that all users had to log
/// in again.
#[tokio::test]
async fn k07_a_rotation_that_would_change_nothing_is_refused() {
    let dir = TestDir::new();
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let with_secret = || dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end());
    let rotations = [&["keys", "rotate", "--discard-old"][..], &["keys", "rotate"]];

    // Try a folder without keys, and a folder with a key that an earlier server created.
    for previous in [false, true] {
        if previous {
            dir.start().await.stop().await;
            assert_eq!(dir.keys(), ["0001.jwk"]);
        }
        let server = start(&with_secret()).await;
        let mut client = server.client();
        sign_up(&mut client, &format!("someone-{previous}")).await;
        for rotation in rotations {
            let error = refusal(&dir.hardtack(rotation.iter().copied()), 2).await;
            assert!(error.starts_with("hardtack: the server that listens at 127.0.0.1:"), "{error}");
            assert!(error.contains("signs with the key that is set by JWT_SECRET_KEY, so a new key"), "{error}");
            assert!(error.contains("set a new key and restart the servers"), "{error}");
        }
        assert_eq!(dir.keys().len(), usize::from(previous));
        let listed = output(&dir.hardtack(["keys", "list"]));
        assert!(listed.starts_with("The server that listens at 127.0.0.1:"), "{listed}");
        assert!(!listed.contains("  signs  ") && !listed.contains("creates one"), "{listed}");
        assert!(is_logged_in(&mut client).await);
        server.stop().await;
        // The folder records that the last server signed with the given key.
        for rotation in rotations {
            let error = refusal(&dir.hardtack(rotation.iter().copied()), 2).await;
            let expected = "hardtack: the servers that last used this folder signed with a key that was set";
            assert!(error.starts_with(expected), "{error}");
            // Waiting would not help.
            assert!(error.ends_with("first start a server without the setting"), "{error}");
        }
        let listed = output(&dir.hardtack(["keys", "list"]));
        assert!(
            listed.starts_with("The servers that last used this folder signed with a key that was set"),
            "{listed}"
        );
    }

    // The servers sign with a key in the folder, but the command has a key of its own.
    dir.start().await.stop().await;
    let discard = ["keys", "rotate", "--discard-old"];
    let error = refusal(&dir.hardtack(discard).env("JWT_SECRET_KEY", secret.trim_end()), 2).await;
    assert!(
        error.starts_with("hardtack: JWT_SECRET_KEY or JWT_PRIVATE_KEY is set for this command, but not"),
        "{error}"
    );
    assert_eq!(dir.keys(), ["0001.jwk"]);
    assert!(output(&dir.hardtack(["keys", "rotate"])).contains("Created "));

    // No server uses this folder, because its name is mistyped.
    let mistyped = ["keys", "rotate", "--discard-old", "--data-dir", "hardtack-dat"];
    let error = refusal(&dir.hardtack(mistyped), 2).await;
    let expected = "hardtack: the folder hardtack-dat/keys contains no keys to discard; set --data-dir to the value \
                    that the servers use";
    assert_eq!(error, expected);
    assert!(!dir.path("hardtack-dat").exists());
}

/// A start without the servers' JWT_SECRET_KEY, even one that failed, deleted the record of that key. A command without
/// the key then replaced a key that did not sign, and said that all users had to log in again.
#[tokio::test]
async fn k07_a_trial_start_does_not_mislead_commands_about_the_key() {
    let dir = TestDir::new();
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end())).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    let discard = ["keys", "rotate", "--discard-old"];
    let address = server.base_url().trim_start_matches("http://").to_owned();
    let refused = async || {
        let error = refusal(&dir.hardtack(discard), 2).await;
        assert!(error.starts_with(&format!("hardtack: the server that listens at {address} ")), "{error}");
        assert!(error.contains("signs with the key that is set by JWT_SECRET_KEY"), "{error}");
    };
    refused().await;

    // Starts that fail change nothing.
    refusal(&dir.hardtack(["serve", "--listen", &address]), 1).await;
    refusal(&dir.serve(["--database-url", "postgres://me@127.0.0.1:1/nothing?sslmode=disable"]), 1).await;
    assert!(dir.keys().is_empty());
    assert!(dir.path("hardtack-data/keys/superseded-at").exists());
    refused().await;

    // Another server uses the same folder, first with the same database and then with another one.
    let trials = [dir.serve([]), dir.serve(["--database-url", "sqlite:trial.db"])];
    for trial in trials {
        let trial = start(&trial).await;
        refused().await;
        trial.stop().await;
        refused().await;
        assert_eq!(dir.keys(), ["0001.jwk"]);
        assert!(is_logged_in(&mut client).await);
    }
    // The trial server with another database has deleted the record in the folder. The first server restores it.
    hang_up(&server, "event=\"keys\"").await;
    server.stop().await;
    let error = refusal(&dir.hardtack(discard), 2).await;
    assert!(
        error.starts_with("hardtack: the servers that last used this folder signed with a key that was set"),
        "{error}"
    );

    // Tokens that were signed with previous secrets would also stay valid.
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY_PREVIOUS", secret.trim_end())).await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    let error = refusal(&dir.hardtack(discard), 2).await;
    assert!(error.contains("accepts tokens that were signed with the secrets in JWT_SECRET_KEY_PREVIOUS"), "{error}");
    assert!(output(&dir.hardtack(["keys", "rotate"])).contains("Created "));
    server.stop().await;
    let server = start(&dir.serve([])).await;
    assert!(output(&dir.hardtack(discard)).contains("All users have to log in again."));
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

/// The command uses the same database as the server, but another data folder.
#[tokio::test]
async fn k07_a_rotation_in_a_folder_that_the_server_does_not_use_is_refused() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    for rotation in [&["keys", "rotate"][..], &["keys", "rotate", "--discard-old"]] {
        let command = dir.hardtack(rotation.iter().copied()).args(["--data-dir", "other", "--database-url", &url]);
        let error = refusal(&command, 2).await;
        assert!(error.starts_with("hardtack: the server that listens at 127.0.0.1:"), "{error}");
        assert!(error.contains("hardtack-data/keys, but this command would change the keys in"), "{error}");
        assert!(error.contains("set --data-dir to the value that the server uses"), "{error}");
    }
    assert!(!dir.path("other/keys/0001.jwk").exists());
    let listed = output(&dir.hardtack(["keys", "list", "--data-dir", "other", "--database-url", &url]));
    assert!(listed.contains("hardtack-data/keys, not the keys in "), "{listed}");
    // A link leads to the server's folder, so the command is accepted.
    std::os::unix::fs::symlink(dir.path("hardtack-data"), dir.path("link")).unwrap();
    output(&dir.hardtack(["keys", "rotate", "--data-dir", "link", "--database-url", &url]));
    assert_eq!(dir.keys(), ["0001.jwk", "0002.jwk"]);
    server.stop().await;
}

#[tokio::test]
async fn a_previous_secret_verifies() {
    let dir = TestDir::new();
    let secrets = [0, 1].map(|_| output(&dir.hardtack(["keys", "generate"])).trim_end().to_owned());
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", &secrets[0])).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    dir.write("previous", &format!("{}\n", secrets[0]));
    let program = dir.serve([]).env("JWT_SECRET_KEY", &secrets[1]).env("JWT_SECRET_KEY_PREVIOUS_FILE", "previous");
    let server = start(&program).await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    server.stop().await;
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", &secrets[1])).await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

fn header(client: &hardtack_test_support::Client) -> String {
    client.cookie("access_token_cookie").unwrap().value.split('.').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn bad_rotations_and_key_files_are_refused() {
    let dir = TestDir::new();
    let program = dir.hardtack(["keys", "rotate"]).env("JWT_SECRET_KEY", "Zk3vQ8xW2bN7mT5rLp9dYh4cGs6fJu1e");
    assert!(refusal(&program, 2).await.contains("JWT_SECRET_KEY or JWT_PRIVATE_KEY sets the signing key"));
    let error = refusal(&dir.hardtack(["keys", "rotate", "--alg", "ES256"]), 2).await;
    assert!(error.contains("--alg is ES256, which produces randomized signatures"), "{error}");
    assert!(error.contains("set HARDTACK_REFRESH=sliding (in the settings file: refresh = \"sliding\")"), "{error}");
    assert!(!dir.path("hardtack-data/keys").exists());

    output(&dir.hardtack(["keys", "rotate", "--alg", "EdDSA"]));
    let error = refusal(&dir.serve([]).env("JWT_ALGORITHM", "HS256"), 2).await;
    assert!(error.contains("is for EdDSA; create a new key with: hardtack keys rotate --alg HS256"), "{error}");
    let [key, highest] = ["0001.jwk", "4294967295.jwk"].map(|name| dir.path("hardtack-data/keys").join(name));
    std::fs::rename(&key, &highest).unwrap();
    for rotation in [&["keys", "rotate"][..], &["keys", "rotate", "--discard-old"]] {
        let error = refusal(&dir.hardtack(rotation.iter().copied()), 2).await;
        assert!(error.contains("/4294967295.jwk has the highest possible key number"), "{error}");
        assert!(
            error.ends_with("so that its number is lower, but still higher than the numbers of all other keys"),
            "{error}"
        );
        assert_eq!(dir.keys(), ["4294967295.jwk"]);
    }
    std::fs::rename(&highest, &key).unwrap();
    assert!(output(&dir.hardtack(["keys", "rotate"])).starts_with("Created ./hardtack-data/keys/0002.jwk\n"));
    dir.write("hardtack-data/keys/old.jwk", "{}");
    let error = refusal(&dir.serve([]), 2).await;
    assert!(error.contains("expected a number as the file name, such as 0002.jwk"), "{error}");
}
