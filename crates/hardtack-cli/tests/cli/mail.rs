//! Mail: into a folder, and through a program.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hardtack_test_support::process::Process;
use hardtack_test_support::wait;
use serde_json::json;

use crate::support::{PASSWORD, TestDir, output, refusal, set_mode, sign_up, start};

/// Signs a user up and sets an address, to which a message is sent.
pub(crate) async fn cause_mail(server: &Process) {
    cause_mail_to(server, "someone").await;
}

/// Like [`cause_mail`], for a user with this name and an address at `mail.example` with this name.
pub(crate) async fn cause_mail_to(server: &Process, name: &str) {
    let mut client = server.client();
    sign_up(&mut client, name).await;
    let request = client.post("/account/change_settings").accept_json().csrf();
    let body = json!({ "email": format!("{name}@mail.example"), "current_password": PASSWORD });
    assert_eq!(request.json(&body).send().await.status(), 200);
}

/// Writes a shell script that can be set as the mail program, and returns its path.
fn mailer(dir: &TestDir, script: &str) -> String {
    dir.write("mailer", &format!("#!/bin/sh\n{script}\n"));
    set_mode(dir.path("mailer"), 0o700);
    dir.path("mailer").display().to_string()
}

async fn message_in(file: impl Fn() -> Option<String>) -> String {
    wait::until_some(|| "a message".to_owned(), async || file()).await
}

fn in_folder(folder: &Path) -> Option<String> {
    let mut files = fs::read_dir(folder).ok()?.map(|file| file.unwrap().path());
    files.find(|path| path.extension().is_some()).map(|path| fs::read_to_string(path).unwrap())
}

#[tokio::test]
async fn messages_are_written_to_a_folder() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--mail-outbox", "letters"])).await;
    cause_mail(&server).await;
    let message = message_in(|| in_folder(&dir.path("letters"))).await;
    assert!(message.starts_with("From: hardtack@localhost\nTo: someone@mail.example\n"), "{message}");
    assert!(message.contains("\nhttp://127.0.0.1:") && message.contains("/email/confirm?token="), "{message}");
    let token = message.split_once("?token=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    let finished = server.stop().await;
    assert!(finished.stderr.contains("mail_sent"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&token), "{}", finished.stderr);
}

#[tokio::test]
async fn messages_are_passed_to_a_program_without_the_servers_secrets() {
    let dir = TestDir::new();
    let program = mailer(&dir, "{ echo \"arguments: $*\"; env; cat; } > got.tmp && mv got.tmp got");
    let command = format!("{program} -t -i");
    let serve = dir.serve(["--mail-from", "noreply@site.example", "--mail-command", &command]);
    let secret = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2u";
    let server = start(&serve.env("JWT_SECRET_KEY", secret)).await;
    cause_mail(&server).await;
    let got = message_in(|| fs::read_to_string(dir.path("got")).ok()).await;
    assert!(got.starts_with("arguments: -t -i\n"), "{got}");
    assert!(got.contains("From: noreply@site.example\nTo: someone@mail.example\n"), "{got}");
    assert!(!got.contains(secret) && !got.contains("JWT_SECRET_KEY"), "{got}");
    server.stop().await;
}

#[tokio::test]
async fn a_failing_program_is_logged_and_the_server_continues() {
    let dir = TestDir::new();
    let program = mailer(&dir, "cat > /dev/null");
    let server = start(&dir.serve(["--mail-from", "noreply@site.example", "--mail-command", &program])).await;
    fs::remove_file(&program).unwrap();
    cause_mail(&server).await;
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    let finished = server.stop().await;
    assert!(finished.stderr.contains("mail_failed"), "{}", finished.stderr);
    assert!(finished.stderr.contains(&format!("{program} cannot be run")), "{}", finished.stderr);
}

/// If a shell script hung, only its shell used to be killed, so the shell's children kept running.
#[tokio::test]
async fn a_program_that_hangs_is_killed_with_its_children() {
    let dir = TestDir::new();
    let program = mailer(&dir, "cat > /dev/null; sleep 777 & echo $! >> pids; wait");
    let server = start(&dir.serve(["--mail-from", "noreply@site.example", "--mail-command", &program])).await;
    cause_mail(&server).await;
    let child = async |number| {
        let pids = || fs::read_to_string(dir.path("pids")).ok();
        message_in(|| pids()?.split_inclusive('\n').nth(number)?.strip_suffix('\n').map(str::to_owned)).await
    };
    let first = child(0).await;
    assert!(is_running(&first));
    let timed_out = || Some(server.stderr()).filter(|log| log.contains("took longer than 25s"));
    message_in(timed_out).await;
    wait::until("the child of the first attempt ends", async || !is_running(&first)).await;
    // The server stops during the second attempt.
    let second = child(1).await;
    assert!(is_running(&second));
    server.stop().await;
    wait::until("the child of the second attempt ends", async || !is_running(&second)).await;
}

/// Whether a process runs. A process that has ended stays in the list of processes until its parent asks for its status.
fn is_running(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z')))
}

/// EX_NOUSER (67), EX_NOHOST (68) and EX_DATAERR (65) of sendmail: the recipient is refused for good. That is no
/// outage.
#[tokio::test]
async fn l3_s77_recipients_that_the_program_refuses_are_given_up_and_delay_nobody() {
    let dir = TestDir::new();
    let script = "mail=$(cat)\nfor code in 65 67 68 75; do\n\
                  case \"$mail\" in *\"To: gone$code\"*) exit $code;; esac\ndone\n\
                  printf '%s' \"$mail\" > got.tmp && mv got.tmp got";
    let command = mailer(&dir, script);
    let server = start(&dir.serve(["--mail-from", "noreply@site.example", "--mail-command", &command])).await;
    for code in [65, 67, 68] {
        cause_mail_to(&server, &format!("gone{code}")).await;
    }
    let refused = || Some(server.stderr()).filter(|log| log.matches("mail_refused").count() == 3);
    let log = message_in(refused).await;
    assert!(log.contains("refused the email or its recipient: exit status: 67"), "{log}");
    assert!(!log.contains("mail_failed"), "{log}");
    // A temporary failure (EX_TEMPFAIL) is tried again.
    cause_mail_to(&server, "gone75").await;
    message_in(|| Some(server.stderr()).filter(|log| log.contains("mail_failed"))).await;
    let since = Instant::now();
    cause_mail_to(&server, "someone").await;
    let got = message_in(|| fs::read_to_string(dir.path("got")).ok()).await;
    assert!(got.contains("To: someone@mail.example"), "{got}");
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    let finished = server.stop().await;
    assert_eq!(finished.stderr.matches("mail_refused").count(), 3, "{}", finished.stderr);
}

/// A stranger who requests reset links again and again does not fill the log.
#[tokio::test]
async fn l3_s77_requests_beyond_the_limits_are_summarized_in_the_log() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--mail-outbox", "letters"])).await;
    sign_up(&mut server.client(), "someone").await;
    let address = ["user", "set-email", "someone", "someone@mail.example", "--confirmed", "--mail-outbox", "letters"];
    output(&dir.hardtack(address));
    let mut stranger = server.client();
    for _ in 0..40 {
        let request = stranger.post("/password/forgot").accept_json();
        let response = request.json(&json!({ "email": "someone@mail.example" })).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
    }
    message_in(|| Some(server.stderr()).filter(|log| log.contains("mail_limited"))).await;
    let finished = server.stop().await;
    assert_eq!(finished.stderr.matches("mail_limited").count(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains("limit=\"user\""), "{}", finished.stderr);
}

/// The change is stored together with a job that sends its letter, so the letter is not lost if the mail program fails
/// or the server crashes.
#[tokio::test]
async fn s76_e01_a_letter_survives_kill_9() {
    let dir = TestDir::new();
    let program = mailer(&dir, "exit 1");
    let server = start(&dir.serve(["--mail-from", "noreply@site.example", "--mail-command", &program])).await;
    cause_mail(&server).await;
    server.kill();
    let server = start(&dir.serve(["--mail-outbox", "letters"])).await;
    let message = message_in(|| in_folder(&dir.path("letters"))).await;
    assert!(message.contains("\nTo: someone@mail.example\n") && message.contains("/email/confirm?token="), "{message}");
    server.stop().await;
}

/// One of two servers has no mail settings. Warnings about changes that were made at this server used to be lost.
#[tokio::test]
async fn s76_a_server_without_mail_leaves_warnings_to_the_others() {
    let dir = TestDir::new();
    let server = start(&dir.serve([])).await;
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    output(&dir.hardtack(["user", "set-email", "someone", "old@mail.example", "--confirmed"]));
    let request = client.post("/account/change_settings").accept_json().csrf();
    let body = json!({ "email": "new@mail.example", "current_password": PASSWORD });
    assert_eq!(request.json(&body).send().await.status(), 200);
    let other = start(&dir.serve(["--mail-outbox", "letters"])).await;
    let message = message_in(|| in_folder(&dir.path("letters"))).await;
    assert!(message.contains("\nTo: old@mail.example\n") && message.contains("/email/undo?token="), "{message}");
    other.stop().await;
}

#[tokio::test]
async fn bad_mail_settings_are_refused() {
    let dir = TestDir::new();
    for (args, words) in [
        (&["--mail-from", "not-an-address"][..], "expected an address such as noreply@site.example"),
        (&["--mail-from", "a@b.example"], "set --smtp-url, --mail-command or --mail-outbox too"),
        (&["--mail-command", "sendmail -t"], "set --mail-from or HARDTACK_MAIL_FROM"),
        (&["--mail-command", " ", "--mail-from", "a@b.example"], "a program and its arguments"),
        (&["--mail-command", "sendmail", "--mail-outbox", "letters"], "remove one"),
    ] {
        let error = refusal(&dir.serve(args.iter().copied()), 2).await;
        assert!(error.contains(words), "{error}");
    }
    let shown = output(&dir.hardtack(["check-config", "--mail-outbox", "letters"]));
    assert!(shown.contains("mail_outbox = \"letters\" "), "{shown}");
}

/// Such a program used to be noticed only when the first email could not be sent.
#[tokio::test]
async fn a_mail_program_that_cannot_be_run_is_refused() {
    let dir = TestDir::new();
    fs::create_dir_all(dir.path("folder/sub")).unwrap();
    for name in ["plain.txt", "folder/mail-of-test"] {
        dir.write(name, "");
        set_mode(dir.path(name), 0o600);
    }
    for (command, words) in [
        ("./folder -t", "./folder is not a file"),
        ("./plain.txt", "this user is not allowed to execute ./plain.txt (chmod +x makes a file executable)"),
        ("/nowhere/at-all -t", "/nowhere/at-all cannot be run: No such file or directory"),
        ("./plain.txt/mail", "./plain.txt/mail cannot be run: Not a directory"),
        ("no-mail-of-test -t", "no folder of PATH contains a program with the name no-mail-of-test"),
        ("mail-of-test", "this user is not allowed to execute folder/mail-of-test"),
    ] {
        for subcommand in ["serve", "check-config"] {
            let args = [subcommand, "--listen", "127.0.0.1:0", "--mail-from", "a@b.example", "--mail-command", command];
            let error = refusal(&dir.hardtack(args).env("PATH", "/bin:folder"), 2).await;
            assert!(error.contains(&format!("--mail-command is {command:?}, but {words}")), "{error}");
            assert!(error.contains("; expected the path of a program, such as /usr/sbin/sendmail, or "), "{error}");
        }
    }
    // Like the operating system, the search continues after a file that cannot be executed.
    let args = ["check-config", "--mail-from", "a@b.example", "--mail-command", "mail-of-test"];
    dir.write("folder/sub/mail-of-test", "#!/bin/sh\n");
    set_mode(dir.path("folder/sub/mail-of-test"), 0o700);
    output(&dir.hardtack(args).env("PATH", "folder:folder/sub"));
}
