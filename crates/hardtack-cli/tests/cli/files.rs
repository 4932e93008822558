//! Files and folders that other users can change, and files that block their readers.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;

use hardtack_test_support::wait;

use crate::mail::cause_mail;
use crate::support::{TestDir, hang_up, is_logged, output, refusal, set_mode, start};

/// The folders as a first start creates them.
async fn initialized() -> TestDir {
    let dir = TestDir::new();
    dir.start().await.stop().await;
    dir
}

#[tokio::test]
async fn k05_s80_folders_in_which_others_can_replace_files() {
    let dir = initialized().await;
    let commands =
        [&["serve", "--listen", "127.0.0.1:0"][..], &["check-config"], &["keys", "list"], &["keys", "rotate"]];
    let [data, keys] = ["hardtack-data", "hardtack-data/keys"].map(|name| dir.path(name));
    for folder in [&data, &keys] {
        for mode in [0o777, 0o770] {
            set_mode(folder, mode);
            for command in commands {
                let error = refusal(&dir.hardtack(command.iter().copied()), 2).await;
                assert!(error.contains(&format!("the mode {mode:04o} of the folder ")), "{command:?}: {error}");
                assert!(
                    error.ends_with(&format!("chmod go-w {}", folder.canonicalize().unwrap().display())),
                    "{error}"
                );
            }
        }
        set_mode(folder, 0o755);
        if nix_root() {
            chown(folder, Some(65_534), None).unwrap();
            let error = refusal(&dir.serve([]), 2).await;
            assert!(error.contains("is owned by the user with id 65534, who can replace the files in it"), "{error}");
            assert!(error.contains("run this command as that user, with: sudo -u '#65534'; otherwise"), "{error}");
            chown(folder, Some(0), None).unwrap();
        }
    }
    assert_eq!(dir.keys(), ["0001.jwk"]);

    // A link to a folder that everyone can write to.
    fs::rename(&keys, dir.path("elsewhere")).unwrap();
    symlink("../elsewhere", &keys).unwrap();
    set_mode(dir.path("elsewhere"), 0o777);
    let error = refusal(&dir.serve([]), 2).await;
    assert!(error.ends_with("/elsewhere"), "{error}");
    set_mode(dir.path("elsewhere"), 0o755);

    set_mode(keys.join("longest-lifetime"), 0o666);
    let error = refusal(&dir.serve([]), 2).await;
    assert!(error.contains("longest-lifetime, because its mode is 0666; expected 0600"), "{error}");
    set_mode(keys.join("longest-lifetime"), 0o600);

    fs::create_dir(dir.path("open")).unwrap();
    set_mode(dir.path("open"), 0o777);
    let error = refusal(&dir.serve(["--database-url", "sqlite:open/app.db"]), 1).await;
    assert!(error.contains("the database was not opened, because another user may be able to change"), "{error}");
    assert!(error.contains("the mode 0777 of the folder "), "{error}");

    // If other users can change a folder above, the server only logs a warning and starts.
    set_mode(dir.path(""), 0o777);
    let server = dir.start().await;
    assert!(server.stderr().contains("folder_untrusted"), "{}", server.stderr());
    let checked = dir.hardtack(["check-config"]).run().unwrap();
    assert!(checked.status.success() && checked.stderr.contains("another user can replace "), "{}", checked.stderr);
}

/// It runs as the user of the server, as sshd's AuthorizedKeysCommand does.
#[tokio::test]
async fn k05_a_mail_program_that_others_can_change_is_refused() {
    let dir = TestDir::new();
    dir.write("send.sh", "#!/bin/sh\ncat > /dev/null\n");
    let program = dir.path("send.sh");
    fs::create_dir(dir.path("bin")).unwrap();
    symlink(&program, dir.path("bin/mail-of-test")).unwrap();
    let path = format!("{}:{}", dir.path("bin").display(), std::env::var("PATH").unwrap());
    for command in [program.to_str().unwrap(), "./send.sh -t", "mail-of-test"] {
        let with_mail = |subcommand: &'static str| {
            let args = [subcommand, "--listen", "127.0.0.1:0", "--mail-from", "a@b.example", "--mail-command", command];
            dir.hardtack(args).env("PATH", &path)
        };
        set_mode(&program, 0o777);
        for subcommand in ["serve", "check-config"] {
            let error = refusal(&with_mail(subcommand), 2).await;
            assert!(
                error.contains("but another user can change this program, which the server runs: the mode 0777 of "),
                "{error}"
            );
        }
        if nix_root() {
            set_mode(&program, 0o755);
            chown(&program, Some(65_534), None).unwrap();
            let error = refusal(&with_mail("serve"), 2).await;
            assert!(error.contains(" is owned by the user with id 65534, who can change the file"), "{error}");
            chown(&program, Some(0), None).unwrap();
        }
        set_mode(&program, 0o755);
        output(&with_mail("check-config"));
    }
    set_mode(dir.path("bin"), 0o777);
    let args = ["check-config", "--mail-from", "a@b.example", "--mail-command", "mail-of-test"];
    let checked = dir.hardtack(args).env("PATH", &path).run().unwrap();
    assert!(checked.status.success() && checked.stderr.contains("would run the replacement"), "{}", checked.stderr);

    // The link is in a trusted folder, but its target is not.
    set_mode(dir.path("bin"), 0o755);
    fs::create_dir(dir.path("open")).unwrap();
    fs::rename(&program, dir.path("open/send.sh")).unwrap();
    symlink("../open/send.sh", dir.path("bin/linked")).unwrap();
    for (mode, is_untrusted) in [(0o755, false), (0o777, true)] {
        set_mode(dir.path("open"), mode);
        let args = ["check-config", "--mail-from", "a@b.example", "--mail-command", "bin/linked"];
        let checked = dir.hardtack(args).run().unwrap();
        assert!(checked.status.success(), "{}", checked.stderr);
        assert_eq!(checked.stderr.contains("would run the replacement"), is_untrusted, "{}", checked.stderr);
    }
}

/// The program used to be checked only at startup.
#[tokio::test]
async fn k05_s80_a_mail_program_that_others_can_change_is_not_run_while_the_server_runs() {
    let dir = TestDir::new();
    fs::create_dir(dir.path("bin")).unwrap();
    dir.write("bin/send.sh", "#!/bin/sh\ncat > got.tmp\nmv got.tmp got\n");
    let program = dir.path("bin/send.sh");
    set_mode(&program, 0o755);
    let args = ["--mail-from", "a@b.example", "--mail-command", "bin/send.sh -t"];
    let server = start(&dir.serve(args)).await;
    set_mode(&program, 0o777);
    cause_mail(&server).await;
    let refused =
        "another user can change this program, which the server runs: the mode 0777 of bin/send.sh lets other";
    is_logged(&server, refused).await;
    assert!(!dir.path("got").exists() && !dir.path("got.tmp").exists(), "{}", server.stderr());
    // The email is still queued.
    set_mode(&program, 0o755);
    wait::until("the email is sent", async || dir.path("got").exists()).await;
    assert!(fs::read_to_string(dir.path("got")).unwrap().contains("To: someone@mail.example"));
    server.stop().await;
}

/// Emails contain links that are as powerful as passwords.
#[tokio::test]
async fn k05_s80_an_outbox_that_others_can_change_is_refused() {
    let dir = TestDir::new();
    let with_outbox =
        |subcommand: &'static str| dir.hardtack([subcommand, "--listen", "127.0.0.1:0", "--mail-outbox", "letters"]);
    output(&with_outbox("check-config"));
    fs::create_dir(dir.path("letters")).unwrap();
    for subcommand in ["serve", "check-config"] {
        set_mode(dir.path("letters"), 0o777);
        let error = refusal(&with_outbox(subcommand), 2).await;
        assert!(error.starts_with("hardtack: --mail-outbox is \"letters\": the mode 0777 of the folder "), "{error}");
        set_mode(dir.path("letters"), 0o755);
        if nix_root() {
            chown(dir.path("letters"), Some(65_534), None).unwrap();
            let error = refusal(&with_outbox(subcommand), 2).await;
            assert!(error.contains("is owned by the user with id 65534, who can replace the files in it"), "{error}");
            chown(dir.path("letters"), Some(0), None).unwrap();
        }
    }
    output(&with_outbox("check-config"));
    // While the server runs.
    let server = start(&with_outbox("serve")).await;
    set_mode(dir.path("letters"), 0o777);
    cause_mail(&server).await;
    is_logged(&server, "cannot write to the folder letters: the mode 0777 of the folder ").await;
    assert_eq!(fs::read_dir(dir.path("letters")).unwrap().count(), 0);
    server.stop().await;
}

/// Password lists determine which passwords users may choose.
#[tokio::test]
async fn k05_s80_password_lists_that_block_or_that_others_can_change_are_refused() {
    let dir = TestDir::new();
    dir.write("list", "a password of the town\n");
    set_mode(dir.path("list"), 0o644);
    make_fifo(&dir.path("fifo"));
    let build = |list: &'static str| dir.hardtack(["passwords", "build", list, "--out", "table"]);
    let error = refusal(&build("fifo"), 1).await;
    assert!(error.contains("fifo cannot be read: it is not a regular file"), "{error}");
    set_mode(dir.path("list"), 0o666);
    let error = refusal(&build("list"), 1).await;
    assert!(error.contains("the mode 0666 of "), "{error}");
    set_mode(dir.path("list"), 0o644);
    output(&build("list"));
    let with_table = |table: &'static str| dir.hardtack(["check-config"]).env("HARDTACK_PASSWORD_LIST", table);
    output(&with_table("table"));
    let error = refusal(&with_table("fifo"), 2).await;
    assert!(error.contains("fifo cannot be read: it is not a regular file"), "{error}");
    fs::create_dir(dir.path("open")).unwrap();
    fs::copy(dir.path("table"), dir.path("open/table")).unwrap();
    set_mode(dir.path("open"), 0o777);
    let error = refusal(&with_table("open/table"), 2).await;
    assert!(error.contains("HARDTACK_PASSWORD_LIST: the mode 0777 of the folder "), "{error}");

    // Create links to files in the untrusted folder, and a link whose path leads through it.
    fs::copy(dir.path("list"), dir.path("open/list")).unwrap();
    for (link, target) in [("direct", "open/table"), ("open/inner", "../table"), ("outer", "open/inner")] {
        symlink(target, dir.path(link)).unwrap();
    }
    symlink("open/list", dir.path("list-link")).unwrap();
    let build = dir.hardtack(["passwords", "build", "list-link", "--out", "other"]);
    for (program, code) in [(with_table("direct"), 2), (with_table("outer"), 2), (build, 1)] {
        set_mode(dir.path("open"), 0o777);
        let error = refusal(&program, code).await;
        assert!(error.contains("/open lets other users replace the files in it"), "{error}");
        set_mode(dir.path("open"), 0o755);
        output(&program);
    }
}

#[tokio::test]
async fn a_password_list_without_passwords_makes_no_table() {
    let dir = TestDir::new();
    dir.write("list.txt", "");
    fs::write(dir.path("list.gz"), b"\x1f\x8b\x08\x08\nlist\x00\n").unwrap();
    for (list, expected) in [
        ("list.txt", "list.txt contains no passwords"),
        ("list.gz", "line 1 of list.gz begins like a compressed file; decompress the list first"),
    ] {
        let error = refusal(&dir.hardtack(["passwords", "build", list]), 1).await;
        assert!(error.contains(expected), "{error}");
        assert!(!dir.path(&format!("{list}.table")).exists());
    }
}

/// Whether this process may give files away.
fn nix_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

/// For example, the target of the link is on a disk that is not mounted.
#[tokio::test]
async fn a_link_whose_target_is_missing_is_not_taken_for_a_missing_file() {
    let dir = initialized().await;
    symlink("missing.toml", dir.path("hardtack.toml")).unwrap();
    for command in [&["check-config"][..], &["serve", "--listen", "127.0.0.1:0"], &["keys", "list"], &["user", "list"]]
    {
        let error = refusal(&dir.hardtack(command.iter().copied()), 2).await;
        let expected = "hardtack: the settings file \"hardtack.toml\" cannot be read: it is a symbolic link, and its \
                        target missing.toml does not exist; correct or remove the link";
        assert_eq!(error, expected);
    }
    fs::remove_file(dir.path("hardtack.toml")).unwrap();

    let secret = output(&dir.hardtack(["keys", "generate"]));
    let start = || dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end());
    let link = dir.path("hardtack-data/keys/superseded-at");
    symlink("missing", &link).unwrap();
    let error = refusal(&start(), 2).await;
    assert!(error.contains("keys/superseded-at cannot be read: it is a symbolic link, and its target"), "{error}");
    fs::remove_file(&link).unwrap();
    fs::rename(dir.path("hardtack-data/keys"), dir.path("aside")).unwrap();
    symlink("missing", dir.path("hardtack-data/keys")).unwrap();
    for program in [start(), dir.serve([]), dir.hardtack(["keys", "list"])] {
        let error = refusal(&program, 1).await;
        assert!(error.contains("hardtack-data/keys: No such file or directory"), "{error}");
    }
}

/// Containers mount secrets and databases with such permissions, so the server only warns.
#[tokio::test]
async fn k05_secrets_and_databases_that_others_can_read_are_reported() {
    let dir = initialized().await;
    dir.write("secret", output(&dir.hardtack(["keys", "generate"])).trim_end());
    for (mode, warns) in [(0o644, true), (0o600, false)] {
        set_mode(dir.path("secret"), mode);
        set_mode(dir.path("hardtack-data/hardtack.db"), mode);
        for (name, value) in [("JWT_SECRET_KEY", "@secret"), ("JWT_SECRET_KEY_FILE", "secret")] {
            let server = start(&dir.serve([]).env(name, value).env("JWT_COOKIE_DOMAIN", "")).await;
            let log = server.stderr();
            let secret = "other users can read the secret in secret, because the file's mode is 0644";
            assert_eq!(log.contains(secret), warns, "{name}: {log}");
            assert_eq!(log.contains("database_readable"), warns, "{name}: {log}");
            server.stop().await;
            let checked = dir.hardtack(["check-config"]).env(name, value).run().unwrap();
            assert!(checked.status.success(), "{}", checked.stderr);
            assert_eq!(checked.stderr.contains(secret), warns, "{name}: {}", checked.stderr);
        }
    }
}

#[tokio::test]
async fn k05_files_that_block_are_refused_at_start() {
    let dir = initialized().await;
    make_fifo(&dir.path("fifo"));
    let programs = [
        dir.serve(["--config", "fifo"]),
        dir.serve([]).env("JWT_SECRET_KEY", "@fifo"),
        dir.serve([]).env("HARDTACK_DATABASE_URL_FILE", "fifo"),
    ];
    for program in programs {
        let error = refusal(&program, 2).await;
        assert!(error.contains("it is not a regular file"), "{error}");
    }
    dir.write("large", &"# comment\n".repeat(200_000));
    let error = refusal(&dir.serve(["--config", "large"]), 2).await;
    assert!(error.contains("large cannot be read: it is larger than 1048576 bytes"), "{error}");
    for name in ["longest-lifetime", "superseded-at", "0002.jwk"] {
        let path = dir.path("hardtack-data/keys").join(name);
        let _ = fs::remove_file(&path);
        make_fifo(&path);
        let secret = output(&dir.hardtack(["keys", "generate"]));
        let error = refusal(&dir.serve([]).env("JWT_SECRET_KEY", secret.trim_end()), 2).await;
        assert!(error.contains(&format!("{name} cannot be read: it is not a regular file")), "{error}");
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn k05_a_key_file_that_blocks_does_not_stop_a_running_server() {
    let dir = TestDir::new();
    let server = start(&dir.serve([])).await;
    let key = dir.path("hardtack-data/keys/0002.jwk");
    make_fifo(&key);
    hang_up(&server, "the previous keys stay in use").await;
    assert!(server.stderr().contains("0002.jwk cannot be read: it is not a regular file"), "{}", server.stderr());
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    fs::remove_file(&key).unwrap();
    fs::File::create(&key).unwrap().set_len(3 << 30).unwrap();
    set_mode(&key, 0o600);
    hang_up(&server, "it is larger than 65536 bytes").await;
    assert_eq!(server.client().get("/healthz").send().await.status(), 200);
    server.stop().await;
}
