//! Servers that share a database, but not their keys.

use hardtack_test_support::process::Process;
use hardtack_test_support::services::postgres::shared;

use crate::stores::at;
use crate::support::{TestDir, is_logged, is_logged_in, output, refusal, sign_up, start, with_copied_access_cookie};

/// Users who logged in at one server were refused at the other, and no log said why.
#[tokio::test]
async fn servers_with_different_keys_log_an_error() {
    let url = shared().database();
    let dirs = [TestDir::new(), TestDir::new()];
    let run = |dir: &TestDir| dir.serve([]).env("HARDTACK_DATABASE_URL", &url);
    let servers = [start(&run(&dirs[0])).await, start(&run(&dirs[1])).await];
    let mut client = servers[0].client();
    sign_up(&mut client, "someone").await;
    assert!(!is_logged_in(&mut at(&servers[1], &client)).await);
    let signs = |server: &Process| {
        let log = server.stderr();
        log.split("signs=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
    };
    for (server, other) in [(&servers[0], &servers[1]), (&servers[1], &servers[0])] {
        is_logged(server, "keys_differ").await;
        let log = server.stderr();
        let line = log.lines().find(|line| line.contains("keys_differ")).unwrap();
        let address = other.base_url().trim_start_matches("http://");
        let expected = [
            format!("here=\"{}\"", signs(server)),
            format!("there=\"{}\"", signs(other)),
            format!("server=\"{address} "),
            "ERROR".to_owned(),
        ];
        assert!(expected.iter().all(|text| line.contains(text)), "{expected:?}: {line}");
    }
}

/// Each server was told to use the other server's folder.
#[tokio::test]
async fn k07_commands_for_keys_say_that_the_servers_use_different_folders() {
    let dir = TestDir::new();
    let server = |data: &str| dir.serve(["--data-dir", data, "--database-url", "sqlite:app.db"]);
    let servers = [start(&server("one")).await, start(&server("other")).await];
    for data in ["one", "other", "third"] {
        let run = |name: &str| dir.hardtack(["keys", name, "--data-dir", data, "--database-url", "sqlite:app.db"]);
        for rotate in [run("rotate"), run("rotate").args(["--discard-old"])] {
            let error = refusal(&rotate, 2).await;
            assert!(
                error.contains("/one/keys, but the server") || error.contains("/other/keys, but the server"),
                "{error}"
            );
            assert!(error.contains("give the servers the same --data-dir, or the same JWT_SECRET_KEY"), "{error}");
            assert!(!error.contains("set --data-dir to the value that the server uses"), "{error}");
        }
        let listed = output(&run("list"));
        assert!(
            listed.starts_with("The server that listens at ") && listed.contains("/keys, but the server"),
            "{listed}"
        );
    }
    let [one, other] = servers;
    other.stop().await;
    let rotate = |data| dir.hardtack(["keys", "rotate", "--data-dir", data, "--database-url", "sqlite:app.db"]);
    let error = refusal(&rotate("other"), 2).await;
    assert!(error.contains("set --data-dir to the value that the server uses"), "{error}");
    assert!(output(&rotate("one")).contains("Created "));
    one.stop().await;
}

/// The command said that replacing the key logs everyone out, but the server accepted tokens of the previous secret.
#[tokio::test]
async fn k07_discarding_keys_beside_a_given_key_mentions_previous_secrets() {
    let dir = TestDir::new();
    dir.start().await.stop().await;
    let [new, old] = [(); 2].map(|()| output(&dir.hardtack(["keys", "generate"])).trim_end().to_owned());
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", &old)).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    server.stop().await;
    let server = start(&dir.serve([]).env("JWT_SECRET_KEY", &new).env("JWT_SECRET_KEY_PREVIOUS", &old)).await;
    let discarded = output(&dir.hardtack(["keys", "rotate", "--discard-old"]).env("JWT_SECRET_KEY", &new));
    let address = server.base_url().trim_start_matches("http://");
    assert!(discarded.starts_with("Removed ./hardtack-data/keys/0001.jwk\n"), "{discarded}");
    assert!(
        discarded.contains(&format!("still signs tokens, and the server that listens at {address} ")),
        "{discarded}"
    );
    assert!(discarded.contains("accepts tokens that were signed with the secrets in JWT_SECRET_KEY_PREVIOUS; to log everyone out, replace the key, and remove JWT_SECRET_KEY_PREVIOUS."), "{discarded}");
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

/// With a larger skew than servers allow, the command told when the new key begins to sign, but no server would start.
#[tokio::test]
async fn k02_a_clock_skew_that_servers_refuse_is_refused() {
    let dir = TestDir::new();
    for command in ["rotate", "list"] {
        let error = refusal(&dir.hardtack(["keys", command]).env("HARDTACK_CLOCK_SKEW", "1h"), 2).await;
        assert!(error.contains("HARDTACK_CLOCK_SKEW is \"1h\": the clock skew is 3600 s; at most 60 s"), "{error}");
    }
    assert!(!dir.path("hardtack-data").exists());
}
