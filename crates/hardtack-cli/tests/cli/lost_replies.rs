//! `hardtack user`, if the connection to PostgreSQL is lost after a commit, before the reply arrives.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use hardtack_test_support::process::{Finished, Program};
use hardtack_test_support::services::postgres;

use crate::support::{TestDir, output};

/// A proxy before PostgreSQL. It forwards one COMMIT, but closes the connection instead of forwarding the reply.
struct Proxy {
    /// The URL of the database, through the proxy.
    url: String,
    /// How many commits get their replies first.
    left: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy for the database with this URL. Counts only commits on connections that were sent one of these
    /// statements, or all commits if `statements` is empty.
    fn start(url: &str, statements: &'static [&'static str]) -> Self {
        let (start, rest) = url.split_once("@127.0.0.1:").unwrap();
        let (port, name) = rest.split_once('/').unwrap();
        let server = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("{start}@{}/{name}", listener.local_addr().unwrap());
        let left = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                let cut = Arc::new(AtomicBool::new(false));
                let (from, to, is_cut) = (server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&cut));
                thread::spawn(move || forward(from, to, |_| !is_cut.load(Ordering::SeqCst)));
                let (left, mut counts) = (Arc::clone(&counter), statements.is_empty());
                thread::spawn(move || {
                    forward(client, server, |sent| {
                        counts |= statements.iter().any(|statement| contains(sent, statement));
                        if counts && contains(sent, "COMMIT\0") {
                            cut.store(left.fetch_sub(1, Ordering::SeqCst) == 0, Ordering::SeqCst);
                        }
                        true
                    });
                });
            }
        });
        Self { url, left }
    }

    fn lose_reply_after(&self, commits: usize) {
        self.left.store(commits, Ordering::SeqCst);
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Forwards bytes until a side closes the connection, or until `may_pass` returns `false` for the bytes read.
fn forward(mut from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 65536];
    let mut next = || -> io::Result<bool> {
        let length = from.read(&mut buffer)?;
        let passes = length > 0 && may_pass(&buffer[..length]);
        if passes {
            to.write_all(&buffer[..length])?;
        }
        Ok(passes)
    };
    while next().is_ok_and(|goes_on| goes_on) {}
    for side in [from, to] {
        // This fails if the connection is already closed.
        let _ = side.shutdown(Shutdown::Both);
    }
}

fn user(dir: &TestDir, url: &str, args: &[&str]) -> Program {
    let program = dir.hardtack(["user"].into_iter().chain(args.iter().copied()));
    program.env("HARDTACK_DATABASE_URL", url).env("HARDTACK_BASE_URL", "https://site.example")
}

/// The error used to say that the database failed, as if nothing had been saved.
#[test]
fn a_change_whose_commit_was_not_confirmed_is_not_called_failed() {
    let (dir, url) = (TestDir::new(), postgres::shared().database());
    let proxy = Proxy::start(&url, &["INSERT INTO users", "UPDATE users", "DELETE FROM users"]);
    output(&dir.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url));
    output(&user(&dir, &url, &["add", "ada"]));
    for args in [
        &["add", "bob"][..],
        &["reset-link", "bob"],
        &["set-email", "bob", "bob@site.example"],
        &["rename", "bob", "eve"],
        &["disable", "eve"],
        &["enable", "eve"],
        &["log-out", "eve"],
        &["delete", "eve", "--yes"],
    ] {
        proxy.lose_reply_after(0);
        let Finished { status, stderr, .. } = user(&dir, &proxy.url, args).run().unwrap();
        assert_eq!(status.code(), Some(1), "{args:?}: {stderr}");
        let advice = "check that the database can be reached and written to, and that there is room on its disk; the \
                      change may or may not have been saved; look with `hardtack user list` before you repeat the \
                      command";
        assert!(stderr.contains(advice), "{args:?}: {stderr}");
        let link = "; if the user exists, `hardtack user reset-link bob` prints a link that sets the password";
        assert_eq!(stderr.contains(link), args[0] == "add", "{args:?}: {stderr}");

        // PostgreSQL has saved the change.
        let listed = output(&user(&dir, &url, &["list"]));
        let is_listed = |name| listed.lines().any(|line| line.starts_with(name));
        let expected = match args[0] {
            "add" | "reset-link" | "set-email" => (true, false),
            "delete" => (false, false),
            _ => (false, true),
        };
        assert_eq!((is_listed("bob "), is_listed("eve ")), expected, "{args:?}: {listed}");
        assert_eq!(listed.contains("disabled 2"), args[0] == "disable", "{args:?}: {listed}");
        let json = output(&user(&dir, &url, &["list", "--json"]));
        let has_address = !["add", "reset-link", "delete"].contains(&args[0]);
        assert_eq!(json.contains("bob@site.example"), has_address, "{args:?}: {json}");
    }
}

/// The error used to say that migration 10 had failed, although it had been applied before.
#[test]
fn a_connection_that_is_lost_while_names_are_checked_is_not_called_a_failed_migration() {
    let (dir, url) = (TestDir::new(), postgres::shared().database());
    let proxy = Proxy::start(&url, &[]);
    output(&dir.hardtack(["migrate"]).env("HARDTACK_DATABASE_URL", &url));
    output(&user(&dir, &url, &["add", "ada"]));
    let mut errors = Vec::new();
    for commits in 0..6 {
        proxy.lose_reply_after(commits);
        let Finished { status, stderr, .. } = user(&dir, &proxy.url, &["list"]).run().unwrap();
        if !status.success() {
            assert!(stderr.contains("check that the database can be reached and written to"), "{stderr}");
            assert!(!stderr.contains("migration 10"), "{stderr}");
            errors.push(stderr);
        }
    }
    assert!(errors.iter().any(|error| error.contains("the data of `accounts`")), "{errors:?}");
}
