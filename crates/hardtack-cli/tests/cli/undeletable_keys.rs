//! Keys whose files cannot be removed.

use std::path::PathBuf;
use std::process::Command;

use hardtack_test_support::process::Finished;

use crate::support::{TestDir, hang_up, is_logged_in, output, sign_up, start, with_copied_access_cookie};

/// A file that is mounted over itself, so even root cannot remove it. Dropping this value unmounts it.
struct Undeletable(PathBuf);

impl Undeletable {
    /// Returns `None` if the user who runs the tests is not allowed to mount files.
    fn new(path: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount").arg("--bind").args([&path, &path]).output().ok()?;
        mounted.status.success().then_some(Self(path))
    }
}

impl Drop for Undeletable {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Runs the command, which must fail, and returns its output and its error.
fn failure(dir: &TestDir, secret: Option<&str>) -> [String; 2] {
    let command = dir.hardtack(["keys", "rotate", "--discard-old"]);
    let command = secret.into_iter().fold(command, |command, secret| command.env("JWT_SECRET_KEY", secret));
    let Finished { status, stdout, stderr } = command.run().unwrap();
    assert_eq!(status.code(), Some(1), "{stdout}{stderr}");
    [stdout, stderr]
}

#[tokio::test]
async fn k02_a_key_that_cannot_be_removed_is_named_and_the_others_are_removed() {
    let dir = TestDir::new();
    let server = dir.start().await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    output(&dir.hardtack(["keys", "rotate"]));
    let Some(undeletable) = Undeletable::new(dir.path("hardtack-data/keys/0001.jwk")) else { return };

    let [stdout, stderr] = failure(&dir, None);
    assert_eq!(dir.keys(), ["0001.jwk", "0003.jwk"]);
    for line in ["Created ./hardtack-data/keys/0003.jwk\n", "Removed ./hardtack-data/keys/0002.jwk\n"] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }
    assert!(!stdout.contains("All users have to log in again"), "{stdout}");
    for part in [
        "some keys could not be removed: ./hardtack-data/keys/0001.jwk (",
        "tokens that were signed with these keys are still accepted, so not all users have been logged out",
        "do not repeat the command, but remove the files yourself: rm ./hardtack-data/keys/0001.jwk\n",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    // What the error says is true, and its advice works.
    hang_up(&server, "event=\"keys\"").await;
    assert!(is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
    drop(undeletable);
    std::fs::remove_file(dir.path("hardtack-data/keys/0001.jwk")).unwrap();
    hang_up(&server, "also_verify=\"\"").await;
    assert!(!is_logged_in(&mut with_copied_access_cookie(&client, &server)).await);
}

#[tokio::test]
async fn k02_a_key_beside_a_given_one_that_cannot_be_removed_is_named() {
    let dir = TestDir::new();
    dir.start().await.stop().await;
    output(&dir.hardtack(["keys", "rotate"]));
    let secret = output(&dir.hardtack(["keys", "generate"]));
    start(&dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end())).await.stop().await;
    let Some(_undeletable) = Undeletable::new(dir.path("hardtack-data/keys/0001.jwk")) else { return };
    let [stdout, stderr] = failure(&dir, Some(secret.trim_end()));
    assert_eq!(dir.keys(), ["0001.jwk"]);
    assert!(stdout.starts_with("Removed ./hardtack-data/keys/0002.jwk\n"), "{stdout}");
    assert!(stderr.contains("keys/0001.jwk (") && stderr.contains("still accepted; do not repeat"), "{stderr}");
}
