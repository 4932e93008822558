//! A working directory for a test, and a user's steps in a browser.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hardtack_test_support::client::Response;
use hardtack_test_support::html::HtmlForms;
use hardtack_test_support::process::{Finished, Process, Program};
use hardtack_test_support::{Client, process::StartError, wait};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "canary-password-5f1d";

/// A working directory of the test's own.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// `hardtack` with arguments, run in the directory.
    pub(crate) fn hardtack<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Program {
        Program::new(env!("CARGO_BIN_EXE_hardtack")).directory(self.0.path()).args(args)
    }

    /// `hardtack serve` on a free port.
    pub(crate) fn serve<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Program {
        self.hardtack(["serve", "--listen", "127.0.0.1:0"]).args(args)
    }

    /// A server with the default configuration.
    pub(crate) async fn start(&self) -> Process {
        start(&self.serve([])).await
    }

    /// Makes a key older, as if it had been created some seconds earlier.
    pub(crate) fn age_key(&self, name: &str, seconds: i64) {
        let path = self.path("hardtack-data/keys").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let created_at = serde_json::from_str::<serde_json::Value>(&text).unwrap()["iat"].as_i64().unwrap();
        std::fs::write(&path, text.replace(&created_at.to_string(), &(created_at - seconds).to_string())).unwrap();
    }

    /// The names of the key files.
    pub(crate) fn keys(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("hardtack-data/keys")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".jwk")).collect();
        names.sort_unstable();
        names
    }
}

pub(crate) async fn start(program: &Program) -> Process {
    program.start().await.unwrap_or_else(|error: StartError| panic!("{error}"))
}

/// Runs a program that must fail with this exit code, and returns its one error.
pub(crate) async fn refusal(program: &Program, code: i32) -> String {
    let (status, stdout, stderr) = match program.start().await {
        Err(StartError::Exited { status, stdout, stderr }) => (status, stdout, stderr),
        Err(error) => panic!("{error}"),
        Ok(server) => panic!("not refused: {program:?}: {}", server.stdout()),
    };
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    assert_eq!(stdout, "");
    let lines = stderr.lines().filter(|line| line.starts_with("hardtack: "));
    let errors: Vec<_> = lines.filter(|line| !line.starts_with("hardtack: warning: ")).collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    errors[0].to_owned()
}

/// Runs a program that must succeed, and returns its output.
#[track_caller]
pub(crate) fn output(program: &Program) -> String {
    let Finished { status, stdout, stderr } = program.run().unwrap();
    assert!(status.success(), "{status}: {stdout}{stderr}");
    stdout
}

pub(crate) fn mode(path: impl AsRef<Path>) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

pub(crate) fn set_mode(path: impl AsRef<Path>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Sends a signal, such as `HUP`, to a server.
pub(crate) fn signal(server: &Process, name: &str) {
    let name = format!("-{name}");
    let sent = std::process::Command::new("kill").args([&name, &server.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Sends SIGHUP, and waits until the server has logged this text afterwards.
pub(crate) async fn hang_up(server: &Process, text: &str) {
    let before = server.stderr().len();
    signal(server, "HUP");
    let found = async || server.stderr()[before..].contains(text).then_some(());
    wait::until_some(|| format!("{text} is in the log: {}", &server.stderr()[before..]), found).await;
}

/// Waits until the server has logged this text.
pub(crate) async fn is_logged(server: &Process, text: &str) {
    let found = async || server.stderr().contains(text).then_some(());
    wait::until_some(|| format!("{text} is in the log: {}", server.stderr()), found).await;
}

/// Fills in a form and sends it.
async fn submit(client: &mut Client, page: &str, username: &str) -> Response {
    let form = client.get(page).accept_html().send().await;
    let mut fields = form.form_fields(page);
    for (name, value) in &mut fields {
        match name.as_str() {
            "username" => username.clone_into(value),
            "password" => PASSWORD.clone_into(value),
            _ => {}
        }
    }
    client.post(page).accept_html().form(&fields).send().await
}

/// Signs a user up by the form.
pub(crate) async fn sign_up(client: &mut Client, username: &str) {
    let response = submit(client, "/signup", username).await;
    assert_eq!(response.status(), 303, "{}", response.text());
}

/// Logs the user out by the form.
pub(crate) async fn log_out(client: &mut Client) {
    let page = client.get("/logout").accept_html().send().await;
    let response = client.post("/logout").accept_html().form(&page.form_fields("/logout")).send().await;
    assert_eq!(response.status(), 303, "{}", response.text());
}

/// Whether the browser is logged in.
pub(crate) async fn is_logged_in(client: &mut Client) -> bool {
    let response = client.get("/service").accept_json().send().await;
    assert!([200, 401].contains(&response.status().as_u16()), "{} {}", response.status(), response.text());
    response.status() == 200
}

/// A browser with a copy of the access cookie, and nothing else.
pub(crate) fn with_copied_access_cookie(client: &Client, server: &Process) -> Client {
    let cookie = client.cookie("access_token_cookie").expect("someone is logged in");
    let mut thief = server.client();
    thief.set_cookie_raw(&cookie.raw);
    thief
}

/// Logs in through the JSON API, and returns the status.
pub(crate) async fn log_in(client: &mut Client, username: &str, password: &str) -> u16 {
    let typed = json!({ "username": username, "password": password });
    client.post("/login").accept_json().json(&typed).send().await.status().as_u16()
}

/// Exchanges the refresh token through the JSON API, and returns the status.
pub(crate) async fn refresh(client: &mut Client) -> u16 {
    let csrf = client.cookie("csrf_refresh_token").map(|cookie| cookie.value.clone()).unwrap_or_default();
    let request = client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf);
    request.send().await.status().as_u16()
}

/// The limit on how stale a server's revocation list may be (`max_staleness`). If the list is staler, the server checks
/// each request against the store.
pub(crate) const STALENESS: Duration = Duration::from_secs(5);

/// Waits until a request with a copied access cookie is refused. Asserts that no request is accepted that begins later
/// than [`STALENESS`] from now. This assertion does not depend on the speed of the machine.
pub(crate) async fn is_refused_soon(copy: &Client, what: &str) {
    let since = Instant::now();
    loop {
        let begun = since.elapsed();
        // A refusal deletes the cookie, so use a copy, as a thief would.
        if !is_logged_in(&mut copy.clone()).await {
            return;
        }
        assert!(begun < STALENESS, "{what}: a request after {begun:?} got through");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a copied access cookie is refused, after an outage of the session store.
pub(crate) async fn is_refused_eventually(copy: &Client, what: &str) {
    wait::until(what, async || !is_logged_in(&mut copy.clone()).await).await;
}
