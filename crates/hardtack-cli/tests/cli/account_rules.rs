//! `hardtack passwords`, and the settings for user names and passwords.

use std::fs::{self, OpenOptions};
use std::io::Write;

use hardtack_test_support::client::Client;
use serde_json::json;

use crate::support::{TestDir, is_logged, log_in, mode, output, refusal, set_mode, start};

async fn sign_up(client: &mut Client, username: &str, password: &str) -> (u16, String) {
    let body = json!({ "username": username, "password": password });
    let response = client.post("/signup").accept_json().json(&body).send().await;
    (response.status().as_u16(), response.text().to_owned())
}

#[tokio::test]
async fn s60_a_list_of_stolen_passwords_becomes_a_table_that_servers_refuse() {
    let dir = TestDir::new();
    dir.write("stolen.txt", "a very stolen password\nanother stolen one\n");
    let printed = output(&dir.hardtack(["passwords", "build", "stolen.txt"]));
    let expected = "Created stolen.txt.table with 2 passwords, 32 bytes.\nTo use the table, set password_list or \
                    HARDTACK_PASSWORD_LIST to its path, and restart the servers.\n";
    assert_eq!(printed, expected);
    assert_eq!(mode(dir.path("stolen.txt.table")), 0o600);
    // The SHA-1 hashes of two passwords; the second one is used below.
    dir.write(
        "hashes.txt",
        "7A75330CD6459C8EEA009F4E9AFEC94AE4D71015:3\r\n7F038C44A923F9642ACA7D4007A836AD83F5A39A:9\r\n",
    );
    output(&dir.hardtack(["passwords", "build", "hashes.txt", "--out", "hashes.table"]));

    let program = dir.serve([]).env("HARDTACK_PASSWORD_LIST", "stolen.txt.table");
    let server = start(&program.args(["--min-password-length", "10", "--reserved-names", "billing, team"])).await;
    let mut ada = server.client();
    for (name, password, words) in [
        ("ada", "a very stolen password", "stolen passwords"),
        ("ada", "nine char", "at least 10 characters"),
        ("tearn", "correct horse battery", "reserved"),
    ] {
        let (status, text) = sign_up(&mut ada, name, password).await;
        assert!(status == 422 && text.contains(words), "{status} {text}");
    }
    assert_eq!(sign_up(&mut ada, "ada", "a very Stolen password").await.0, 200);
    server.stop().await;
    dir.write("hardtack.toml", "password_list = 'hashes.table'");
    let server = start(&dir.serve([])).await;
    let (status, text) = sign_up(&mut server.client(), "bob", "qwertzuiop-asdf-1").await;
    assert!(status == 422 && text.contains("stolen passwords"), "{status} {text}");
    assert_eq!(log_in(&mut server.client(), "ada", "a very Stolen password").await, 200);
}

/// Each line of these lists used to be read as a password, so the table was useless.
#[tokio::test]
async fn s60_lists_of_hashes_are_read_as_hashes_or_refused() {
    const SHA1: &str = "7F038C44A923F9642ACA7D4007A836AD83F5A39A";
    let dir = TestDir::new();
    dir.write("bare.txt", &format!("7a75330cd6459c8eea009f4e9afec94ae4d71015\n{SHA1}\n"));
    output(&dir.hardtack(["passwords", "build", "bare.txt"]));
    let server = start(&dir.serve(["--password-list", "bare.txt.table"])).await;
    let (status, text) = sign_up(&mut server.client(), "bob", "qwertzuiop-asdf-1").await;
    assert!(status == 422 && text.contains("stolen passwords"), "{status} {text}");

    let sha256 = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
    for (line, expected) in [
        (sha256.to_owned(), "line 1 of list looks like a SHA-256 hash; expected one password or one SHA-1 hash (SHA1"),
        (format!("{sha256}:7"), "line 1 of list looks like a SHA-256 hash"),
        (format!("{SHA1} 7"), "line 1 of list looks like a SHA-1 hash with other text beside it; expected"),
        (format!("{SHA1},7"), "line 1 of list looks like a SHA-1 hash with other text beside it"),
    ] {
        dir.write("list", &format!("{line}\n"));
        let error = refusal(&dir.hardtack(["passwords", "build", "list"]), 1).await;
        assert!(error.contains(expected) && error.ends_with("(SHA1 or SHA1:COUNT) per line"), "{error}");
        assert!(!dir.path("list.table").exists());
    }
    let utf16: Vec<u8> = "\u{feff}a very stolen password\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(dir.path("list"), utf16).unwrap();
    let error = refusal(&dir.hardtack(["passwords", "build", "list"]), 1).await;
    assert!(
        error.contains("line 1 of list is UTF-16 text; convert the list to UTF-8 first, with: iconv -f"),
        "{error}"
    );
}

/// The site used to say that its database cannot be reached. If the table was overwritten, it accepted passwords from
/// the list.
#[tokio::test]
async fn s60_a_table_that_changes_while_the_server_runs_is_named_in_the_log() {
    let dir = TestDir::new();
    dir.write("list", "a very stolen password\nanother stolen one\n");
    for is_truncated in [true, false] {
        output(&dir.hardtack(["passwords", "build", "list", "--out", "table"]));
        let server = start(&dir.serve(["--password-list", "table"])).await;
        let (status, text) = sign_up(&mut server.client(), "ada", "another stolen one").await;
        assert!(status == 422 && text.contains("stolen passwords"), "{status} {text}");
        let mut table = OpenOptions::new().write(true).open(dir.path("table")).unwrap();
        match is_truncated {
            true => table.set_len(16).unwrap(),
            false => table.write_all(&[0; 32]).unwrap(),
        }
        let mut ada = server.client();
        for password in ["another stolen one", "correct horse battery"] {
            let (status, text) = sign_up(&mut ada, "ada", password).await;
            assert_eq!(status, 503, "{text}");
            assert!(
                text.contains("The site cannot check new passwords at the moment") && !text.contains("table"),
                "{text}"
            );
        }
        is_logged(&server, "password_table_failed").await;
        is_logged(&server, "the password table table has changed since the server opened it").await;
        is_logged(&server, "build the table again with: hardtack passwords build FILE --out NEW").await;
        assert!(!server.stderr().contains("check that the database is running"), "{}", server.stderr());
        server.stop().await;
        fs::remove_file(dir.path("table")).unwrap();
    }
}

#[tokio::test]
async fn s60_the_numbers_of_an_ip_address_are_not_the_name_of_the_site() {
    let dir = TestDir::new();
    let server = start(&dir.serve([])).await;
    let mut ada = server.client();
    for (password, reason) in
        [("password1", "so common"), ("        ", "repeat one character"), ("ada-8080", "little more")]
    {
        let (status, text) = sign_up(&mut ada, "ada", password).await;
        assert!(status == 422 && text.contains(reason), "{password:?} {status} {text}");
    }
    for (name, password) in [("ada", "mz1rgt0hq"), ("bob", "kx0vbq1w"), ("eve", "mz8080rgt")] {
        let (status, text) = sign_up(&mut server.client(), name, password).await;
        assert_eq!(status, 200, "{password} {text}");
    }
    server.stop().await;

    // The port is not part of the name, but the host is.
    let server = start(&dir.serve(["--base-url", "https://notes.example:8443"])).await;
    for (name, password, expected) in [("ann", "mz8443rgt", 200), ("joe", "notes-2026", 422)] {
        let mut client = server.client();
        let body = json!({ "username": name, "password": password });
        let request = client.post("/signup").header("host", "notes.example:8443").accept_json().json(&body);
        let response = request.send().await;
        assert_eq!(response.status(), expected, "{password} {}", response.text());
    }
}

#[tokio::test]
async fn bad_lists_tables_and_lengths_are_refused_with_the_reason() {
    let dir = TestDir::new();
    dir.write("list", "one\n");
    output(&dir.hardtack(["passwords", "build", "list"]));
    let build = |args: &[&'static str]| dir.hardtack(["passwords", "build"].into_iter().chain(args.iter().copied()));
    assert_eq!(
        refusal(&build(&["list"]), 1).await,
        "hardtack: list.table already exists; remove the file, or choose another file with --out"
    );
    let error = refusal(&build(&["missing"]), 1).await;
    assert!(error.starts_with("hardtack: missing cannot be read: No such file"), "{error}");
    assert!(error.ends_with("; expected a list of passwords that this user can read"), "{error}");
    let error = refusal(&build(&["list", "--out", "missing/table"]), 1).await;
    assert!(error.starts_with("hardtack: missing/table cannot be written: No such file"), "{error}");
    assert!(error.contains("; choose the path of a new file with --out, in a folder that exists"), "{error}");
    let check = |args: &[&'static str]| dir.hardtack(["check-config"].into_iter().chain(args.iter().copied()));
    assert_eq!(
        refusal(&check(&["--password-list", "list"]), 2).await,
        "hardtack: --password-list: list is not a table of passwords; make a table from a list of passwords with: \
         hardtack passwords build FILE"
    );
    set_mode(dir.path("list.table"), 0o666);
    let error = refusal(&check(&["--password-list", "list.table"]), 2).await;
    assert!(error.contains("lets other users change the file"), "{error}");
    for length in ["7", "65", "+9", "ten"] {
        let program = dir.hardtack(["check-config"]).env("HARDTACK_MIN_PASSWORD_LENGTH", length);
        assert_eq!(
            refusal(&program, 2).await,
            format!("hardtack: HARDTACK_MIN_PASSWORD_LENGTH is {length:?}; expected a whole number from 8 to 64")
        );
    }
    output(&check(&["--min-password-length", "64"]));
}

/// Users with such names cannot be added any more, but a database may have them.
#[tokio::test]
async fn a06_migrate_names_the_users_whose_names_collide() {
    let dir = TestDir::new();
    assert!(output(&dir.hardtack(["migrate"])).ends_with("migrations applied\n"));
    let url = format!("sqlite:{}", dir.path("hardtack-data/hardtack.db").display());
    let database = hardtack_db::Pool::from(hardtack_sqlx::Database::open(&url).await.unwrap());
    for (number, name) in (1_i64..).zip(["admin", "alice", "ａｌｉｃｅ", "admin\u{3164}"]) {
        let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, \
                   email, created_at) VALUES ($1, $1, $1, '', 1, '', '', $2)";
        database.execute(hardtack_db::Statement::new(sql).bind(name).bind(number)).await.unwrap();
    }
    database.close().await;
    let printed = output(&dir.hardtack(["migrate"]));
    let warnings: Vec<_> = printed.lines().filter(|line| line.starts_with("warning: ")).collect();
    let warning = |one, other| {
        format!("warning: the user names {one} and {other} are the same or look alike; both users can log in as before")
    };
    assert_eq!(
        warnings,
        [
            warning("ａｌｉｃｅ (\\u{ff41}\\u{ff4c}\\u{ff49}\\u{ff43}\\u{ff45})", "alice"),
            warning("admin\u{3164} (admin\\u{3164})", "admin")
        ]
    );
    let server = start(&dir.serve([])).await;
    assert!(server.stderr().contains("to list them, run: hardtack migrate"), "{}", server.stderr());
}
