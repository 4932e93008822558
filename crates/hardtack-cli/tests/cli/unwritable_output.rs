//! Commands that change something, although standard output cannot be written.

use hardtack_test_support::process::Program;
use serde_json::Value;

use crate::support::{TestDir, output, refusal};

const BASE_URL: [&str; 2] = ["--base-url", "https://site.example"];

/// Returns a command whose standard output is on a full disk or is a pipe that nobody reads.
fn unwritable(dir: &TestDir, is_pipe: bool, args: &[&str]) -> Program {
    let script = match is_pipe {
        true => "set -o pipefail; { sleep 0.1; \"$0\" \"$@\"; } | true",
        false => "exec \"$0\" \"$@\" >/dev/full",
    };
    let program = Program::new("bash").args(["-c", script, env!("CARGO_BIN_EXE_hardtack")]).args(args);
    program.directory(dir.path("."))
}

#[tokio::test]
async fn the_error_says_what_was_done_and_what_comes_next() {
    let dir = TestDir::new();
    output(&dir.hardtack(["migrate"]));
    for (is_pipe, name, json) in [(false, "ada", false), (true, "bob", false), (false, "eve", true)] {
        let run = |args: &[&str]| {
            let json = json.then_some("--json");
            unwritable(&dir, is_pipe, &args.iter().copied().chain(json).collect::<Vec<_>>())
        };
        let error = refusal(&run(&["user", "add", name, BASE_URL[0], BASE_URL[1]]), 1).await;
        for part in [
            "standard output cannot be written".to_owned(),
            format!("but {name} was added. The link is lost."),
            format!("hardtack user reset-link {name}"),
        ] {
            assert!(error.contains(&part), "{part}: {error}");
        }
        // The command that the error names.
        let link = output(&dir.hardtack(["user", "reset-link", name, BASE_URL[0], BASE_URL[1]]));
        assert!(link.contains("https://site.example/password/"), "{link}");
        let error = refusal(&run(&["user", "reset-link", name, BASE_URL[0], BASE_URL[1]]), 1).await;
        assert!(error.contains(&format!("but a link for {name} was created. The link is lost.")), "{error}");

        let renamed = format!("{name}2");
        let address = format!("{name}'s email address is {name}@mail.example.");
        for (args, done) in [
            (vec!["set-email", name, "{}"], address.as_str()),
            (vec!["disable", name], "is disabled; there were no sessions to end."),
            (vec!["enable", name], "can log in."),
            (vec!["log-out", name], "is logged out; there were no sessions to end."),
            (vec!["rename", name, &renamed], "is now"),
            (vec!["delete", &renamed, "--yes"], "is deleted; there were no sessions to end."),
        ] {
            let email = format!("{name}@mail.example");
            let args = args.into_iter().map(|arg| if arg == "{}" { email.as_str() } else { arg });
            let args: Vec<_> = ["user"].into_iter().chain(args).collect();
            let error = refusal(&run(&args), 1).await;
            for part in ["but the change was made: ", done, "Do not repeat the command.", "hardtack user list"] {
                assert!(error.contains(part), "{args:?} {part}: {error}");
            }
        }
        let users: Value = serde_json::from_str(&output(&dir.hardtack(["user", "list", "--json"]))).unwrap();
        assert_eq!(users["users"].as_array().map(Vec::len), Some(0), "{users}");
    }
}

#[tokio::test]
async fn keys_are_rotated_completely_and_the_error_says_so() {
    let dir = TestDir::new();
    output(&dir.hardtack(["migrate"]));
    let rotate = |args: &[&str]| unwritable(&dir, false, &[&["keys", "rotate"], args].concat());
    let error = refusal(&rotate(&[]), 1).await;
    for part in ["but the keys were changed: Created ", "Do not repeat the command.", "hardtack keys list"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    refusal(&rotate(&[]), 1).await;
    let before = dir.keys();
    assert_eq!(before.len(), 2);
    // All previous keys are removed, even if the line about the first one cannot be printed.
    let error = refusal(&rotate(&["--discard-old"]), 1).await;
    assert_eq!(error.matches("Removed ").count(), 2, "{error}");
    let after = dir.keys();
    assert!(after.len() == 1 && !before.contains(&after[0]), "{after:?}");
}

#[tokio::test]
async fn tables_are_upgraded_and_built_and_the_error_says_so() {
    let dir = TestDir::new();
    let error = refusal(&unwritable(&dir, false, &["migrate"]), 1).await;
    assert!(error.contains("are up to date") && error.contains("migrations applied"), "{error}");
    dir.write("stolen.txt", "a very stolen password\n");
    let error = refusal(&unwritable(&dir, false, &["passwords", "build", "stolen.txt"]), 1).await;
    assert!(error.contains("but the table was built: Created stolen.txt.table with 1 passwords"), "{error}");
    assert!(error.contains("set password_list or HARDTACK_PASSWORD_LIST"), "{error}");
}
