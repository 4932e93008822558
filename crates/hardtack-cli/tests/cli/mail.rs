//! Letters: into a folder, and by a program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use hardtack_test_support::process::Process;
use serde_json::json;

use crate::support::{Place, output, refusal, sign_up, start};

/// Somebody signs up and sets an address, to which a letter is sent.
async fn ask_for_a_letter(server: &Process) {
    let mut client = server.client();
    sign_up(&mut client, "someone").await;
    let request = client.post("/account/change_settings").accept_json().csrf();
    assert_eq!(request.json(&json!({ "email": "someone@mail.example" })).send().await.status(), 200);
}

async fn letter_in(file: impl Fn() -> Option<String>) -> String {
    let since = Instant::now();
    loop {
        if let Some(text) = file() {
            return text;
        }
        assert!(since.elapsed() < Duration::from_secs(10), "no letter");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn in_folder(folder: &Path) -> Option<String> {
    let mut files = fs::read_dir(folder).ok()?.map(|file| file.unwrap().path());
    files.find(|path| path.extension().is_some()).map(|path| fs::read_to_string(path).unwrap())
}

#[tokio::test]
async fn letters_are_put_into_a_folder() {
    let place = Place::new();
    let server = start(&place.serve(["--mail-outbox", "letters"])).await;
    ask_for_a_letter(&server).await;
    let letter = letter_in(|| in_folder(&place.path("letters"))).await;
    assert!(letter.starts_with("From: hardtack@localhost\nTo: someone@mail.example\n"), "{letter}");
    assert!(letter.contains("\nhttp://127.0.0.1:") && letter.contains("/email/confirm?token="), "{letter}");
    let token = letter.split_once("?token=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    let finished = server.stop().await;
    assert!(finished.stderr.contains("mail_sent"), "{}", finished.stderr);
    assert!(!finished.stderr.contains(&token), "{}", finished.stderr);
}

#[tokio::test]
async fn letters_are_handed_to_a_program_without_this_ones_secrets() {
    let place = Place::new();
    place.write("mailer", "#!/bin/sh\n{ echo \"arguments: $*\"; env; cat; } > got.tmp && mv got.tmp got\n");
    fs::set_permissions(place.path("mailer"), fs::Permissions::from_mode(0o700)).unwrap();
    let command = format!("{} -t -i", place.path("mailer").display());
    let serve = place.serve(["--mail-from", "noreply@site.example", "--mail-command", &command]);
    let secret = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2u";
    let server = start(&serve.env("JWT_SECRET_KEY", secret)).await;
    ask_for_a_letter(&server).await;
    let got = letter_in(|| fs::read_to_string(place.path("got")).ok()).await;
    assert!(got.starts_with("arguments: -t -i\n"), "{got}");
    assert!(got.contains("From: noreply@site.example\nTo: someone@mail.example\n"), "{got}");
    assert!(!got.contains(secret) && !got.contains("JWT_SECRET_KEY"), "{got}");
    server.stop().await;
}

#[tokio::test]
async fn a_program_that_fails_is_told_in_the_log_and_harms_nobody() {
    let place = Place::new();
    let server =
        start(&place.serve(["--mail-from", "noreply@site.example", "--mail-command", "/nowhere/at-all"])).await;
    ask_for_a_letter(&server).await;
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    let finished = server.stop().await;
    assert!(finished.stderr.contains("mail_failed"), "{}", finished.stderr);
    assert!(finished.stderr.contains("/nowhere/at-all took no letter"), "{}", finished.stderr);
}

#[tokio::test]
async fn settings_of_letters_that_cannot_be_are_refused() {
    let place = Place::new();
    for (args, words) in [
        (&["--mail-from", "nobody"][..], "expected an address such as noreply@site.example"),
        (&["--mail-from", "a@b.example"], "set --mail-command or --mail-outbox too"),
        (&["--mail-command", "sendmail -t"], "set --mail-from or HARDTACK_MAIL_FROM"),
        (&["--mail-command", " ", "--mail-from", "a@b.example"], "a program and its arguments"),
        (&["--mail-command", "sendmail", "--mail-outbox", "letters"], "leave either out"),
    ] {
        let said = refusal(&place.serve(args.iter().copied()), 2).await;
        assert!(said.contains(words), "{said}");
    }
    let shown = output(&place.hardtack(["check-config", "--mail-outbox", "letters"]));
    assert!(shown.contains("mail_outbox = \"letters\" "), "{shown}");
}
