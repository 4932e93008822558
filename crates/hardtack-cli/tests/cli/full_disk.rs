//! A disk that is full for a while.

use std::fs;
use std::time::{Duration, Instant};

use hardtack_test_support::process::{Finished, Program};
use hardtack_test_support::small_disk::SmallDisk;
use hardtack_test_support::wait;

use crate::mail::cause_mail;
use crate::support::{PASSWORD, TestDir, is_logged, is_logged_in, log_in, log_out, mode, refusal, sign_up, start};

/// The shell counts the limit in blocks of 512 or 1,024 bytes, which is too little for the database.
#[tokio::test]
async fn a_limit_on_the_size_of_files_is_an_error() {
    let dir = TestDir::new();
    let script = "ulimit -f 64 && exec \"$0\" serve --listen 127.0.0.1:0";
    let limited = Program::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_hardtack")]).directory(dir.path("."));
    let error = refusal(&limited, 1).await;
    assert!(error.contains("database"), "{error}");
}

#[tokio::test]
async fn e05_commands_on_a_full_disk_say_what_to_do() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = TestDir::new();
    let data = disk.path().join("data").to_str().unwrap().to_owned();
    let server = start(&dir.serve(["--data-dir", &data])).await;
    sign_up(&mut server.client(), "ada").await;
    disk.fill();
    let advice = "check that the database can be reached and written to, and that there is room on its disk";
    let since = Instant::now();
    loop {
        // The write-ahead log may have room for some commits.
        let name = format!("user{}", since.elapsed().as_nanos());
        let args = ["user", "add", &name, "--data-dir", &data, "--base-url", "https://site.example"];
        let Finished { status, stderr, .. } = dir.hardtack(args).run().unwrap();
        if !status.success() {
            let expected = format!("hardtack: the database sqlite:{data}/hardtack.db failed: ");
            assert!(stderr.starts_with(&expected) && stderr.contains(advice), "{stderr}");
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "the disk is not full");
    }
    while log_in(&mut server.client(), "ada", PASSWORD).await == 200 {}
    is_logged(&server, "a request got 503; check that the store is running, can be reached, and has free disk").await;
    disk.free();
    server.stop().await;

    // The database cannot even be opened.
    disk.fill();
    let Finished { status, stderr, .. } = dir.hardtack(["user", "list", "--data-dir", &data]).run().unwrap();
    assert!(!status.success() && stderr.contains("there is room on"), "{stderr}");
}

#[tokio::test]
async fn e05_after_a_full_disk_log_outs_work_and_the_health_route_tells_the_truth() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = TestDir::new();
    let data = disk.path().join("data");
    let server = start(&dir.serve(["--data-dir", data.to_str().unwrap()])).await;
    let mut ada = server.client();
    sign_up(&mut ada, "ada").await;
    let healthy = async || server.client().get("/healthz").send().await.status() == 200;
    assert!(healthy().await);

    disk.fill();
    // The write-ahead log may have room for some commits.
    let since = Instant::now();
    loop {
        let mut other = server.client();
        match log_in(&mut other, "ada", PASSWORD).await {
            200 => assert!(since.elapsed() < Duration::from_secs(60), "the disk is not full"),
            status => {
                assert_eq!(status, 503);
                break;
            }
        }
    }
    let copy = ada.clone();
    for _ in 0..8 {
        let response = copy.clone().post("/logout").accept_json().csrf().send().await;
        assert_eq!(response.status(), 503, "{}", response.text());
    }
    assert!(!healthy().await, "nothing can be written");
    assert!(is_logged_in(&mut ada).await, "pages are still served");

    disk.free();
    log_out(&mut ada).await;
    assert!(healthy().await);
    assert!(!is_logged_in(&mut copy.clone()).await);
    for _ in 0..8 {
        let mut other = server.client();
        assert_eq!(log_in(&mut other, "ada", PASSWORD).await, 200);
        log_out(&mut other).await;
    }
    assert!(healthy().await);
}

/// Each attempt used to leave an empty hidden file in the folder.
#[tokio::test]
async fn emails_that_cannot_be_written_leave_no_files() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = TestDir::new();
    let letters = disk.path().join("letters");
    fs::create_dir(&letters).unwrap();
    let server = start(&dir.serve(["--mail-outbox", letters.to_str().unwrap()])).await;
    disk.fill();
    cause_mail(&server).await;
    is_logged(&server, "cannot write to the folder ").await;
    assert!(server.stderr().contains("No space left on device"), "{}", server.stderr());
    assert_eq!(fs::read_dir(&letters).unwrap().count(), 0);
    disk.free();
    wait::until("the email is written", async || fs::read_dir(&letters).unwrap().count() == 1).await;
    let name = fs::read_dir(&letters).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    assert!(name.ends_with(".eml") && !name.starts_with('.'), "{name}");
    assert_eq!(mode(letters.join(name)), 0o600);
    server.stop().await;
}
