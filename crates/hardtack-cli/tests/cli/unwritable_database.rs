//! A database that the server's OS user cannot write to.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use hardtack_test_support::process::Program;

use crate::support::{TestDir, output, refusal, set_mode, start};

/// The OS user that runs the commands if the tests run as root, who can write to every file.
const NOBODY: u32 = 65_534;

/// A working directory of an OS user who is not root.
fn directory() -> TestDir {
    let dir = TestDir::new();
    if is_root() {
        chown(dir.path(""), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    dir
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// `hardtack` with arguments, run by the user of the [`directory`].
fn hardtack(dir: &TestDir, args: &[&str]) -> Program {
    if !is_root() {
        return dir.hardtack(args.iter().copied());
    }
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()];
    let program = Program::new("setpriv").args(ids).arg(env!("CARGO_BIN_EXE_hardtack"));
    program.args(args).directory(dir.path("."))
}

const COMMANDS: [&[&str]; 4] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["migrate"],
    &["user", "list"],
    &["user", "add", "ada", "--base-url", "https://site.example"],
];

#[tokio::test]
async fn the_file_that_cannot_be_written_is_named_and_stays_the_only_one() {
    let dir = directory();
    output(&hardtack(&dir, &["migrate"]));
    let database = dir.path("hardtack-data/hardtack.db");
    set_mode(&database, 0o400);
    for command in COMMANDS {
        let error = refusal(&hardtack(&dir, command), 1).await;
        let expected = format!("cannot read and write {}: Permission denied", database.display());
        assert!(error.contains(&expected), "{command:?}: {error}");
        assert!(error.ends_with(&format!("change the mode with: chmod u+rw {}", database.display())), "{error}");
    }
    // The advice works, because no command has created a log or an index with the wrong mode.
    set_mode(&database, 0o600);
    start(&hardtack(&dir, COMMANDS[0])).await.stop().await;

    // Another program has created the files beside the database with the wrong mode.
    for ending in ["-shm", "-wal"] {
        let file = dir.path(&format!("hardtack-data/hardtack.db{ending}"));
        fs::write(&file, "").unwrap();
        if is_root() {
            chown(&file, Some(NOBODY), None).unwrap();
        }
        set_mode(&file, 0o400);
        for command in COMMANDS {
            let error = refusal(&hardtack(&dir, command), 1).await;
            assert!(error.ends_with(&format!("chmod u+rw {}", file.display())), "{command:?}: {error}");
        }
        set_mode(&file, 0o600);
        output(&hardtack(&dir, COMMANDS[2]));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let dir = directory();
    output(&hardtack(&dir, &["migrate"]));
    let folder = dir.path("hardtack-data");
    set_mode(&folder, 0o500);
    for command in COMMANDS {
        let error = refusal(&hardtack(&dir, command), 1).await;
        assert!(error.ends_with(&format!("chmod u+rwx {}", folder.display())), "{command:?}: {error}");
    }
    set_mode(&folder, 0o700);
}

/// A container may have a working directory that is read-only.
#[tokio::test]
async fn no_command_needs_a_folder_that_it_does_not_use() {
    let dir = directory();
    let elsewhere = directory();
    let url = format!("sqlite:{}", elsewhere.path("people.db").display());
    let secret = output(&dir.hardtack(["keys", "generate"]));
    set_mode(dir.path(""), 0o500);
    let with_database = |args: &[&str]| hardtack(&dir, args).env("HARDTACK_DATABASE_URL", &url);
    output(&with_database(&["migrate"]));
    output(&with_database(COMMANDS[3]));
    output(&with_database(&["keys", "list"]));
    start(&with_database(COMMANDS[0]).env("JWT_SECRET_KEY", secret.trim_end())).await.stop().await;
    // Without a secret, the server needs a folder for its key.
    let error = refusal(&with_database(COMMANDS[0]), 1).await;
    assert!(error.contains("--data-dir \"./hardtack-data\" cannot be created: Permission denied"), "{error}");
    set_mode(dir.path(""), 0o700);
    output(&with_database(&["migrate"]));
    assert!(!dir.path("hardtack-data").exists());
    // A database in the data folder, in another spelling.
    output(&hardtack(&dir, &["migrate", "--database-url", "sqlite:hardtack-data/people.db"]));
    assert!(dir.path("hardtack-data/people.db").exists());
}

/// Files that root has created by mistake, for example by a command without sudo -u.
#[tokio::test]
async fn a_database_of_root_is_named() {
    if !is_root() {
        return;
    }
    let dir = directory();
    output(&hardtack(&dir, &["migrate"]));
    let database = dir.path("hardtack-data/hardtack.db");
    chown(&database, Some(0), Some(0)).unwrap();
    let error = refusal(&hardtack(&dir, COMMANDS[0]), 1).await;
    assert!(error.ends_with(&format!("change the owner with: chown {NOBODY} {}", database.display())), "{error}");
}
