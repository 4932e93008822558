//! A private PostgreSQL server. Other PostgreSQL servers on the machine are not used or changed.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::process::signal;
use crate::wait::LONGEST_WAIT;

/// How long to wait between two checks of the server.
const STEP: Duration = Duration::from_millis(20);

/// A shell script that starts the server and then waits for input. If the script reads a line, it stops the server and
/// keeps the server's files. If the input ends first, the script stops the server and deletes the files. The input ends
/// when the test process ends, even if that process is killed.
const WATCH: &str = r#"
bin=$1 dir=$2 port=$3
"$bin/postgres" -D "$dir" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    </dev/null >>"$dir/log" 2>&1 &
server=$!
if read -r word; then keep=1; else keep=; fi
kill -s INT "$server" 2>/dev/null
wait "$server"
[ -n "$keep" ] || rm -rf "$dir"
"#;

/// Creates the server's files. `PGPASSWORD` becomes the superuser's password.
const MAKE: &str = r#"
set -e
dir=$(mktemp -d "$2/hardtack-postgres.XXXXXX")
printf '%s' "$PGPASSWORD" >"$dir.password"
"$1/initdb" -D "$dir" -U postgres -A scram-sha-256 --pwfile="$dir.password" -E UTF8 --locale=C.UTF-8 \
    --no-sync >"$dir.log" 2>&1 || { cat "$dir.log" >&2; rm -rf "$dir" "$dir.password" "$dir.log"; exit 1; }
rm "$dir.password" "$dir.log"
printf 'max_connections = 200\nshared_buffers = 16MB\nfsync = off\nautovacuum = off\n' >>"$dir/postgresql.conf"
echo "$dir"
"#;

/// A PostgreSQL server on 127.0.0.1 for the tests of this process. When this value is dropped or the process ends, even
/// by SIGKILL, the server stops and its files are deleted.
#[derive(Debug)]
pub struct PostgresServer {
    bin: PathBuf,
    directory: String,
    port: u16,
    password: String,
    watcher: Mutex<Option<Child>>,
    databases: AtomicUsize,
}

/// Returns the server that all tests in this process share. Each test creates its own
/// [database](PostgresServer::database) on it. A test that stops the server must start [its own
/// server](PostgresServer::start_new) instead.
pub fn shared() -> &'static PostgresServer {
    static SHARED: OnceLock<PostgresServer> = OnceLock::new();
    SHARED.get_or_init(PostgresServer::start_new)
}

impl PostgresServer {
    /// Creates and starts a server.
    ///
    /// # Panics
    /// Panics if PostgreSQL is not installed or does not start.
    pub fn start_new() -> Self {
        let bin = binaries();
        let password = format!("canary-{:016x}{:016x}", random(), random());
        let mut make = as_server_user(&["sh", "-c", MAKE, "sh"]);
        make.arg(&bin).arg(std::env::temp_dir()).env("PGPASSWORD", &password);
        let directory = succeeded("initdb", make.output().expect("sh runs")).trim().to_owned();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
        let (watcher, databases) = (Mutex::new(None), AtomicUsize::new(0));
        let server = Self { bin, directory, port, password, watcher, databases };
        server.start();
        server
    }

    /// Creates an empty database and returns its URL.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        format!("postgres://postgres:{}@127.0.0.1:{}/{name}", self.password, self.port)
    }

    /// Returns the password in the URLs, which the tested programs must not print.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Runs SQL in the database with this URL or name, and returns psql's output.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or(database);
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", name]);
        psql.args(["-p", &self.port.to_string(), "-c", sql]).env("PGPASSWORD", &self.password);
        succeeded("psql", psql.output().expect("psql runs")).trim_end().to_owned()
    }

    /// Changes settings with `ALTER SYSTEM` and restarts the server. The changes last until this server is dropped. By
    /// default, `fsync` is off.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.psql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        }
        self.stop();
        self.start();
    }

    /// Turns on TLS with a certificate and its key, both in PEM, and restarts the server. The server still accepts
    /// connections without TLS.
    pub fn speak_tls(&self, certificate: &str, key: &str) {
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let path = format!("{}/{name}", self.directory);
            let mut write = as_server_user(&["sh", "-c", r#"umask 077; cat >"$1""#, "sh", &path]);
            let mut child = write.stdin(Stdio::piped()).spawn().expect("sh runs");
            let written = child.stdin.take().expect("stdin is piped").write_all(pem.as_bytes());
            assert!(written.is_ok() && child.wait().is_ok_and(|status| status.success()), "cannot write {path}");
        }
        self.configure(&[("ssl", "on")]);
    }

    /// Starts a stopped or killed server again, on the same port and with the same databases.
    ///
    /// # Panics
    /// Panics if the server is already running or does not start.
    pub fn start(&self) {
        let mut watcher = self.watcher();
        assert!(watcher.is_none(), "the server is running");
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            let mut watch = as_server_user(&["sh", "-c", WATCH, "sh"]);
            watch.arg(&self.bin).args([&self.directory, &self.port.to_string()]).stdin(Stdio::piped());
            let mut child = watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh runs");
            if self.becomes_ready(deadline) {
                *watcher = Some(child);
                return;
            }
            // After SIGKILL, the server's child processes can keep its shared memory in use for a moment. Try again.
            end(&mut child, true);
            assert!(Instant::now() < deadline, "PostgreSQL did not start:\n{}", self.log());
        }
    }

    /// Stops the server as an operator would: it rolls back open transactions and closes all connections.
    pub fn stop(&self) {
        let mut child = self.watcher().take().expect("the server is running");
        end(&mut child, true);
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&self) {
        let mut child = self.watcher().take().expect("the server is running");
        let id = self.pid().expect("the server has written its process id");
        assert!(signal(&id, "KILL"), "cannot kill {id}");
        end(&mut child, true);
    }

    /// Suspends or resumes the server. A suspended server accepts connections but never responds.
    pub fn halt(&self, halted: bool) {
        let name = if halted { "STOP" } else { "CONT" };
        for id in self.processes() {
            // Ignore the error, which occurs if the process has ended in the meantime.
            let _ = signal(&id, name);
        }
    }

    /// Returns the process ids of the server and of its children.
    fn processes(&self) -> Vec<String> {
        let server = self.pid().expect("the server has written its process id");
        let children = format!("/proc/{server}/task/{server}/children");
        let children = std::fs::read_to_string(children).expect("Linux lists the children of a process");
        std::iter::once(server).chain(children.split_whitespace().map(str::to_owned)).collect()
    }

    /// Waits until the server accepts connections. Returns `false` if the server ends or the deadline passes first.
    fn becomes_ready(&self, deadline: Instant) -> bool {
        let started = Instant::now();
        while Instant::now() < deadline {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ready.status().expect("pg_isready runs").success() {
                return true;
            }
            // The server writes its process id soon after it starts. If there is no process after ten seconds, the
            // server has ended, probably because its predecessor's shared memory was still in use.
            let running = self.pid().is_some_and(|id| Path::new(&format!("/proc/{id}")).exists());
            if !running && started.elapsed() > Duration::from_secs(10) {
                return false;
            }
            std::thread::sleep(STEP);
        }
        false
    }

    fn pid(&self) -> Option<String> {
        let text = std::fs::read_to_string(Path::new(&self.directory).join("postmaster.pid"));
        // Only the server's user can read the file. The tests run as that user or as root.
        text.ok()?.lines().next().map(str::to_owned)
    }

    /// Returns the server's log. The logs of all databases are in one file.
    pub fn log(&self) -> String {
        std::fs::read_to_string(Path::new(&self.directory).join("log")).unwrap_or_default()
    }

    fn watcher(&self) -> MutexGuard<'_, Option<Child>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        match self.watcher().take() {
            Some(mut child) => end(&mut child, false),
            None => {
                let _ = as_server_user(&["rm", "-rf", &self.directory]).status();
            }
        }
    }
}

/// Ends the watcher script and its server, and waits until both have ended. Keeps the server's files if `keep` is true.
fn end(child: &mut Child, keep: bool) {
    if let Some(mut stdin) = child.stdin.take()
        && keep
    {
        let _ = stdin.write_all(b"keep\n");
    }
    let _ = child.wait();
}

/// Returns a command that runs as the current user, or as `postgres` if the current user is root. PostgreSQL refuses to
/// run as root.
fn as_server_user(command: &[&str]) -> Command {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    if id.stdout.trim_ascii() != b"0" {
        let mut plain = Command::new(command[0]);
        plain.args(&command[1..]);
        return plain;
    }
    let mut other = Command::new("runuser");
    other.args(["-u", "postgres", "--"]).args(command).current_dir("/");
    other
}

/// Returns the directory that contains the programs of the newest installed PostgreSQL version. On Debian, each version
/// has its own directory, which is not on the `PATH`.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> =
        debian.chain(std::env::split_paths(&path)).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    found.into_iter().next().expect(
        "PostgreSQL is not installed: there is no initdb in /usr/lib/postgresql/*/bin or on the PATH; \
         install it with scripts/test or with: apt-get install postgresql",
    )
}

#[track_caller]
fn succeeded(name: &str, output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} ended with {}: {stderr}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
