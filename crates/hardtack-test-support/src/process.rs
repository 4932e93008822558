//! A program that a test starts, watches and stops.

use hardtack_conformance::client::{Client, IntoBase};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wait::LONGEST_WAIT;

/// How long to wait for a program that is supposed to end by itself.
const LONGEST_RUN: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(20);

/// A program to run. It inherits only `PATH` and `HOME` from the test's environment.
#[derive(Debug, Clone)]
#[must_use = "a program is run by `start` or `run`"]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: Vec<u8>,
    health: Option<String>,
}

impl Program {
    /// Creates a program from the file at `path`, such as `env!("CARGO_BIN_EXE_hardtack")`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let (args, env, input) = (Vec::new(), Vec::new(), Vec::new());
        Self { path: path.into(), args, env, directory: None, input, health: None }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    pub fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.directory = Some(path.as_ref().to_owned());
        self
    }

    /// Sets the standard input, which is empty by default.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Also considers the server ready when `/healthz` at `base` responds with 200, even if the server has not printed
    /// its URL.
    pub fn health_at(mut self, base: impl IntoBase) -> Self {
        self.health = Some(base.into_base().origin().ascii_serialization());
        self
    }

    /// Starts a server and waits up to 120 s until it is ready. The server is ready when it has printed a line with
    /// `http://` to its standard output or, if [`health_at`](Self::health_at) was called, when `/healthz` responds with
    /// 200.
    ///
    /// # Errors
    /// If the program cannot be run, if it ends, or if it is not ready in time.
    pub async fn start(&self) -> Result<Process, StartError> {
        let mut process = self.spawn()?;
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut probe = self.health.as_deref().map(Client::new);
        loop {
            if let Some(url) = announced(&process.stdout()) {
                process.base_url = self.health.clone().unwrap_or(url);
                return Ok(process);
            }
            if let Some(probe) = &mut probe
                && probe.get("/healthz").try_send().await.is_ok_and(|response| response.status() == 200)
            {
                process.base_url = self.health.clone().unwrap_or_default();
                return Ok(process);
            }
            if let Some(status) = process.child.try_wait()? {
                let finished = process.collect(status);
                return Err(StartError::Exited { status, stdout: finished.stdout, stderr: finished.stderr });
            }
            if Instant::now() > deadline {
                return Err(StartError::NotReady { stdout: process.stdout(), stderr: process.stderr() });
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Runs a program that ends by itself, and waits at most 120 s for it to end.
    ///
    /// # Errors
    /// If the program cannot be run, or if it does not end in time and has to be killed.
    pub fn run(&self) -> Result<Finished, StartError> {
        let mut process = self.spawn()?;
        let deadline = Instant::now() + LONGEST_RUN;
        loop {
            if let Some(status) = process.child.try_wait()? {
                return Ok(process.collect(status));
            }
            if Instant::now() > deadline {
                return Err(StartError::NotEnded { stdout: process.stdout(), stderr: process.stderr() });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn spawn(&self) -> Result<Process, StartError> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).env_clear();
        for name in ["PATH", "HOME"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let spawned = command.spawn();
        let mut child = spawned.map_err(|error| StartError::NotFound { path: self.path.clone(), error })?;
        let (stdout, stderr) = (Captured::default(), Captured::default());
        let readers = vec![
            stdout.clone().read(child.stdout.take().expect("stdout is piped")),
            stderr.clone().read(child.stderr.take().expect("stderr is piped")),
        ];
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = self.input.clone();
        // Ignore the error that occurs if the program ends without reading its input.
        std::thread::spawn(move || stdin.write_all(&input));
        Ok(Process { child, stdout, stderr, readers, base_url: String::new() })
    }
}

/// Returns the first URL in the output. Ignores an unfinished last line.
fn announced(stdout: &str) -> Option<String> {
    let complete = &stdout[..stdout.rfind('\n')?];
    let url = &complete[complete.find("http://")?..];
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ')' | '>' | '\u{1b}');
    Some(url.split(ends).next()?.trim_end_matches(['/', '.']).to_owned())
}

#[derive(Debug, Clone, Default)]
struct Captured(Arc<Mutex<String>>);

impl Captured {
    fn read(self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                self.0.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        })
    }

    fn text(&self) -> String {
        self.0.lock().expect("no reader panics").clone()
    }
}

/// Why a program could not be run, or did not start or end as expected. `unwrap` shows the message and the program's
/// output.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program could not be run.
    #[error(
        "cannot run {path}: {error}; check that the path is correct, and that the program has been built",
        path = .path.display()
    )]
    NotFound {
        /// The path of the program.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The server ended before it was ready.
    #[error("the program ended before it was ready ({status})\nstdout:\n{stdout}\nstderr:\n{stderr}")]
    Exited {
        /// The exit status.
        status: ExitStatus,
        /// The program's standard output.
        stdout: String,
        /// The program's standard error.
        stderr: String,
    },
    /// The server was not ready in time and was killed.
    #[error(
        "the program was not ready within 120 s; expected a line with http:// on stdout, or, if `health_at` was called, \
         status 200 from /healthz\nstdout:\n{stdout}\nstderr:\n{stderr}"
    )]
    NotReady {
        /// The program's standard output so far.
        stdout: String,
        /// The program's standard error so far.
        stderr: String,
    },
    /// The program did not end in time and was killed.
    #[error(
        "the program was still running after 120 s and was killed; to start a server, call `start` instead of `run`\n\
         stdout:\n{stdout}\nstderr:\n{stderr}"
    )]
    NotEnded {
        /// The program's standard output so far.
        stdout: String,
        /// The program's standard error so far.
        stderr: String,
    },
    /// The system could not tell whether the program is running.
    #[error("cannot get the status of the process: {0}")]
    NoStatus(#[from] std::io::Error),
}

impl std::fmt::Debug for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The result of a program that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// The program's standard output.
    pub stdout: String,
    /// The program's standard error.
    pub stderr: String,
}

/// A running server. Dropping this value kills the process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Captured,
    stderr: Captured,
    readers: Vec<JoinHandle<()>>,
    base_url: String,
}

impl Process {
    /// Returns the server's URL: the origin that was passed to [`Program::health_at`] or, if that was not called, the
    /// URL that the server printed.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns a client for this server, with an empty cookie jar.
    pub fn client(&self) -> Client {
        Client::new(self.base_url())
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The program's standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// The program's standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends SIGTERM and waits until the process has ended.
    ///
    /// # Panics
    /// If the process has not ended after 120 s.
    pub async fn stop(self) -> Finished {
        assert!(signal(&self.id().to_string(), "TERM"), "cannot send SIGTERM to {}", self.id());
        self.ended().await
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// If the process has not ended after 120 s.
    pub async fn ended(mut self) -> Finished {
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child process can be waited for") {
                return self.collect(status);
            }
            assert!(Instant::now() < deadline, "the process is still running after 120 s\nstderr:\n{}", self.stderr());
            tokio::time::sleep(STEP).await;
        }
    }

    /// Kills the process with SIGKILL, so that it has no chance to clean up, as in a crash.
    pub fn kill(mut self) -> Finished {
        let _ = self.child.kill();
        let status = self.child.wait().expect("a child process can be waited for");
        self.collect(status)
    }

    /// Collects the output of the process after it has ended.
    fn collect(&mut self, status: ExitStatus) -> Finished {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Finished { status, stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If the process has ended, both calls do nothing, because `Child` does not send a signal to a reaped process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process, or to a process group if `target` starts with a minus sign. Returns whether the signal
/// was sent.
///
/// Uses the shell's built-in `kill`, because the standard library can only send SIGKILL, and slim images have no `kill`
/// program.
pub(crate) fn signal(target: &str, name: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", name, target]).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::{Program, StartError, announced};

    fn shell(script: &str) -> Program {
        Program::new("/bin/sh").args(["-c", script])
    }

    #[test]
    fn url_in_a_complete_line() {
        assert_eq!(announced("starting\nlistening on http://127.0.0.1:1"), None);
        assert_eq!(announced("listening on http://127.0.0.1:1/ now\n").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(announced("{\"url\":\"http://[::1]:1\"}\n").as_deref(), Some("http://[::1]:1"));
    }

    #[tokio::test]
    async fn ready_when_it_prints_its_url_and_stopped_by_sigterm() {
        let script =
            "trap 'echo bye; exit 3' TERM; echo oops >&2; echo at http://127.0.0.1:9; while :; do sleep 0.02; done";
        let process = shell(script).start().await.unwrap();
        assert_eq!(process.base_url(), "http://127.0.0.1:9");
        assert_eq!(process.stderr(), "oops\n");
        let finished = process.stop().await;
        assert_eq!((finished.status.code(), finished.stdout.ends_with("bye\n")), (Some(3), true));
    }

    #[tokio::test]
    async fn ready_when_its_health_route_responds() {
        let address = crate::server::serve(|_| http::Response::new("ok")).await;
        let process = shell("exec sleep 60").health_at(address).start().await.unwrap();
        assert_eq!(process.client().get("/").send().await.text(), "ok");
        assert_eq!(process.kill().status.code(), None);
    }

    #[tokio::test]
    async fn errors_name_the_cause() {
        let error = shell("echo no key >&2; exit 2").start().await.unwrap_err();
        assert!(matches!(&error, StartError::Exited { stderr, .. } if stderr == "no key\n"), "{error}");
        let error = Program::new("/nonexistent").start().await.unwrap_err();
        assert!(error.to_string().starts_with("cannot run /nonexistent"), "{error}");
    }

    #[test]
    fn environment_input_and_directory_are_set() {
        let finished = shell("env; cat; pwd").env("GIVEN", "yes").input("in\n").directory("/").run().unwrap();
        assert!(finished.stdout.contains("GIVEN=yes\n") && finished.stdout.ends_with("in\n/\n"));
        assert!(!finished.stdout.contains("CARGO"), "{}", finished.stdout);
    }
}
