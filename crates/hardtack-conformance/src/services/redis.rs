//! A private Redis.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to get ready.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(10);

/// Keeps the server's process, and ends it when its own input ends: with the test's process, however that
/// ends. It answers every order with a line.
const KEEPER: &str = r#"
pid=
while read -r order; do
  case $order in
    start) redis-server "$@" </dev/null >/dev/null 2>&1 & pid=$! ;;
    *) kill -s "$order" "$pid" 2>/dev/null ;;
  esac
  case $order in TERM | KILL) wait "$pid"; pid= ;; esac
  echo done
done
if [ -n "$pid" ]; then kill -s KILL "$pid" 2>/dev/null; wait "$pid"; fi
rm -rf -- "$DIRECTORY"
"#;

/// A `redis-server` that only this process knows: on a free port of 127.0.0.1, with a password and a
/// directory of its own. It writes an append-only file, synced every second, so that what it has answered
/// survives [`kill`](Self::kill).
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    password: String,
    keeper: Mutex<Keeper>,
    names: AtomicU32,
    _directory: TempDir,
}

#[derive(Debug)]
struct Keeper {
    child: Child,
    /// Taken when it is dropped: the end of its input is what the keeper waits for.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl RedisServer {
    /// The server that all tests of this process share. Each takes a [`name`](Self::name) for its keys, and
    /// stops nothing.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server of one's own with more settings, such as `["--appendonly", "no"]`; the last one counts.
    pub fn start_with(settings: &[&str]) -> Self {
        let program = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        assert!(
            program.is_ok_and(|status| status.success()),
            "redis-server is not on the PATH; these tests run against a real one: install it (Debian: redis-server) \
             or use scripts/test, which does"
        );
        // Somebody else may take the port before Redis does.
        (0..5).find_map(|_| Self::try_start(settings)).expect("a port is free in one of five tries")
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        drop(listener);
        let (path, port_text) = (directory.path().to_str().expect("the path is UTF-8"), port.to_string());
        let log = format!("{path}/log");
        // Who answers with this password is this server.
        let password = format!("{:?}-{port}", Instant::now()).replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let fixed = [
            ["--bind", "127.0.0.1"],
            ["--port", &port_text],
            ["--dir", path],
            ["--logfile", &log],
            ["--requirepass", &password],
            ["--appendonly", "yes"],
            ["--appendfsync", "everysec"],
        ];
        let mut child = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args(fixed.as_flattened())
            // An empty value is how Redis is told to make no snapshots.
            .args(["--save", ""])
            .args(settings)
            .env("DIRECTORY", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be run");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let keeper = Mutex::new(Keeper { child, orders, answers });
        let server = Self { port, password, keeper, names: AtomicU32::new(0), _directory: directory };
        server.order("start");
        let deadline = Instant::now() + LONGEST_WAIT;
        while !server.answers() {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            if log.contains("Address already in use") {
                return None;
            }
            assert!(Instant::now() < deadline, "redis-server is not ready within 20 s; its log:\n{log}");
            std::thread::sleep(STEP);
        }
        Some(server)
    }

    /// Its address, with the password: `redis://:…@127.0.0.1:…/0`.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A name for keys that no other test has.
    pub fn name(&self) -> String {
        format!("test-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&self) {
        self.order("TERM");
    }

    /// Ends it at once, with SIGKILL.
    pub fn kill(&self) {
        self.order("KILL");
    }

    /// Lets it stand still: it takes connections and answers nobody.
    pub fn pause(&self) {
        self.order("STOP");
    }

    /// Ends a [`pause`](Self::pause).
    pub fn resume(&self) {
        self.order("CONT");
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same port with the same
    /// data, and waits until it answers.
    pub fn start_again(&self) {
        let deadline = Instant::now() + LONGEST_WAIT;
        self.order("start");
        while !self.answers() {
            assert!(Instant::now() < deadline, "redis-server is not ready again within 20 s");
            std::thread::sleep(STEP);
        }
    }

    /// Sends one command, words without blanks, and answers the first line of what comes back.
    pub fn command(&self, words: &str) -> String {
        self.ask(words).unwrap_or_else(|error| panic!("redis-server does not answer {words:?}: {error}"))
    }

    fn answers(&self) -> bool {
        self.ask("PING").is_ok_and(|answer| answer == "+PONG")
    }

    /// By the protocol's inline commands: no client is needed for these.
    fn ask(&self, words: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(LONGEST_WAIT))?;
        write!(stream, "AUTH {}\r\n{words}\r\nQUIT\r\n", self.password)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        Ok(answer.lines().nth(1).unwrap_or_default().to_owned())
    }

    fn order(&self, order: &str) {
        let mut keeper = self.keeper();
        let Keeper { orders, answers, .. } = &mut *keeper;
        let orders = orders.as_mut().expect("orders are taken when nobody can give any");
        let mut answer = String::new();
        writeln!(orders, "{order}").and_then(|()| answers.read_line(&mut answer)).expect("the keeper lives");
        assert_eq!(answer, "done\n", "the keeper of redis-server has ended");
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::RedisServer;

    #[test]
    fn what_was_answered_survives_and_the_server_does_not() {
        let server = RedisServer::start();
        assert_eq!(server.command("SET a 1"), "+OK");
        server.kill();
        server.start_again();
        assert_eq!(server.command("INCR a"), ":2");
        server.stop();
        server.start_again();
        assert_eq!(server.command("INCR a"), ":3");
        server.pause();
        server.resume();
        assert_eq!(server.command("INCR a"), ":4");
        assert_ne!(server.name(), server.name());
        let port = server.port();
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
