//! `hardtack keys`, and the servers that use the same folder.

use crate::support::{TestDir, is_logged, is_logged_in, output, refusal, sign_up, start};

/// The command said that running servers refuse the tokens of the removed keys, but one server still signed with them.
#[tokio::test]
async fn k07_keys_that_a_running_server_signs_with_are_not_discarded() {
    let dir = TestDir::new();
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let with_secret =
        |args: &[&'static str]| dir.hardtack(args.iter().copied()).env("JWT_SECRET_KEY", secret.trim_end());
    let (list, discard) = (["keys", "list"], ["keys", "rotate", "--discard-old"]);
    let given = start(&dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end())).await;
    let other = dir.start().await;
    let mut client = other.client();
    sign_up(&mut client, "someone").await;
    let [given_at, other_at] =
        [&given, &other].map(|server| server.base_url().trim_start_matches("http://").to_owned());

    let error = refusal(&with_secret(&discard), 2).await;
    let expected = format!("the keys in the folder cannot be removed, because the server that listens at {other_at} ");
    assert!(error.starts_with(&format!("hardtack: {expected}")), "{error}");
    assert!(error.contains("signs with a key in the folder; restart that server"), "{error}");
    assert_eq!(dir.keys(), ["0001.jwk"]);
    assert!(is_logged_in(&mut client).await);
    for command in [with_secret(&list), dir.hardtack(list)] {
        let listed = output(&command);
        let lines: Vec<_> = listed.lines().collect();
        assert!(lines[0].starts_with(&format!("The server that listens at {given_at} ")), "{listed}");
        assert!(lines[0].ends_with(" signs with the key that is set by JWT_SECRET_KEY."), "{listed}");
        assert!(lines[1].starts_with(&format!("The server that listens at {other_at} ")), "{listed}");
        assert!(lines[1].ends_with(" signs with a key in the folder."), "{listed}");
        assert!(lines[2].contains("  signs  ") && lines[2].ends_with("0001.jwk"), "{listed}");
    }

    other.stop().await;
    assert!(output(&with_secret(&discard)).starts_with("Removed ./hardtack-data/keys/0001.jwk\n"));
}

/// The servers' database is not in the data folder.
#[tokio::test]
async fn k07_commands_for_keys_find_the_servers_in_their_database() {
    let dir = TestDir::new();
    let secret = output(&dir.hardtack(["keys", "generate"]));
    let database = ["--database-url", "sqlite:people.db"];
    let server = start(&dir.serve(database).env("JWT_SECRET_KEY", secret.trim_end())).await;
    // Delete the record in the folder. Now only the database says that the server signs with its own key.
    std::fs::remove_file(dir.path("hardtack-data/keys/superseded-at")).unwrap();
    let [rotate, list] = ["rotate", "list"].map(|name| dir.hardtack(["keys", name]).args(database));
    let error = refusal(&rotate, 2).await;
    assert!(error.contains("signs with the key that is set by JWT_SECRET_KEY, so a new key"), "{error}");
    assert!(output(&list).starts_with("The server that listens at 127.0.0.1:"));
    assert!(!list.run().unwrap().stderr.contains("warning"));
    server.stop().await;
    // The server writes the record again every few seconds.
    let _ = std::fs::remove_file(dir.path("hardtack-data/keys/superseded-at"));

    for name in ["list", "rotate"] {
        let finished = dir.hardtack(["keys", name]).run().unwrap();
        let expected = "hardtack: warning: the database ./hardtack-data/hardtack.db does not exist, so this command \
                        cannot find out which keys the running servers use; if servers are running, pass the \
                        servers' --data-dir and --database-url\n";
        assert_eq!((finished.status.code(), finished.stderr.as_str()), (Some(0), expected));
    }
}

/// A server whose clock was ahead used to sign with the new key before the other servers had read it.
#[tokio::test]
async fn k02_a_new_key_signs_later_if_the_servers_clocks_may_differ() {
    let dir = TestDir::new();
    dir.start().await.stop().await;
    let with_skew = |args: &[&'static str], skew: &str| {
        let program = dir.hardtack(args.iter().copied()).env("HARDTACK_LISTEN", "127.0.0.1:0");
        program.env("HARDTACK_CLOCK_SKEW", skew)
    };
    let rotated = output(&with_skew(&["keys", "rotate"], "60s"));
    assert!(rotated.contains("begin to sign with the new key after 72 to 77 seconds"), "{rotated}");
    for (age, skew, signs) in [(0, "3s", "0001"), (20, "3s", "0002"), (0, "60s", "0001"), (60, "60s", "0002")] {
        dir.age_key("0002.jwk", age);
        let listed = output(&with_skew(&["keys", "list"], skew));
        assert!(listed.lines().any(|line| line.starts_with(signs) && line.contains("  signs  ")), "{skew}: {listed}");
        let server = start(&with_skew(&["serve"], skew)).await;
        is_logged(&server, &format!("signs=\"{signs}-")).await;
        server.stop().await;
    }
}
