//! The limit on open files, which limits the connections.

use std::process::Command;

use hardtack_test_support::process::Program;
use hardtack_test_support::wait;

use crate::limits::{connect, health_time, is_healthy};
use crate::support::{TestDir, is_logged, refusal, start};

/// `hardtack serve` with a hard limit on open files.
fn limited(dir: &TestDir, files: u32, args: &[&str]) -> Program {
    let script = format!("ulimit -n {files} && exec \"$0\" serve --listen 127.0.0.1:0 \"$@\"");
    Program::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_hardtack")]).args(args).directory(dir.path("."))
}

#[tokio::test]
async fn l1_the_log_says_how_many_connections_the_open_files_allow() {
    let dir = TestDir::new();
    let server = start(&limited(&dir, 280, &[])).await;
    let log = server.stderr();
    assert!(log.contains("allows only 280 open files, so the server accepts 24 connections instead of 2048"), "{log}");
    assert!(log.contains("to 2304, or lower max_connections to 24"), "{log}");
    let mut open: Vec<_> = (0..24).map(|_| connect(&server)).collect();
    health_time(&server);
    is_logged(&server, "the server already has 24 connections").await;
    let log = server.stderr();
    assert!(log.contains("if this is not an attack, raise the limit on open files (see few_open_files)"), "{log}");
    // Even with all overflow connections open, the process has file descriptors left.
    open.extend((0..200).map(|_| connect(&server)));
    drop(open);
    // It takes a moment until the server has noticed that these connections are closed.
    wait::until("/healthz responds again", async || is_healthy(&server)).await;
    assert!(!server.stderr().contains("accept_failed"), "{}", server.stderr());
    server.stop().await;

    // The advice works: with the value that the line names, the server no longer logs the line.
    let server = start(&limited(&dir, 280, &["--max-connections", "24"])).await;
    assert!(!server.stderr().contains("few_open_files"), "{}", server.stderr());
}

#[tokio::test]
async fn a_server_with_too_few_open_files_does_not_start() {
    let dir = TestDir::new();
    for files in [8, 24, 40, 271] {
        let error = refusal(&limited(&dir, files, &[]), 1).await;
        assert!(error.contains(&format!("allows only {files} open files, which are too few to serve")), "{error}");
        assert!(error.contains("to at least 272, or to 2304 for 2048 connections (max_connections)"), "{error}");
        assert!(!dir.path("hardtack-data").exists());
    }
    start(&limited(&dir, 272, &[])).await.stop().await;
}

#[tokio::test]
async fn a_server_without_open_files_says_what_to_do() {
    let dir = TestDir::new();
    let server = dir.start().await;
    health_time(&server);
    let limit = |files: &str| {
        let id = server.id().to_string();
        assert!(Command::new("prlimit").args([&format!("--nofile={files}"), "--pid", &id]).status().unwrap().success());
    };
    limit("4:4096");
    let waiting = connect(&server);
    is_logged(&server, "accept_failed").await;
    let log = server.stderr();
    assert!(log.contains("restart the server with a higher limit on open files (ulimit -n, LimitNOFILE"), "{log}");
    limit("4096:4096");
    health_time(&server);
    drop(waiting);
}
