//! A private Redis server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::wait::LONGEST_WAIT;

/// How long to wait between two checks of a server.
const STEP: Duration = Duration::from_millis(10);

/// A shell script that reads commands from its input, one per line. `start` starts the server. Any other word is a
/// signal to send to the server. The script prints a line after each command. When the input ends, the script kills the
/// server. This also happens if the test process ends for any reason.
const SUPERVISOR: &str = r#"
pid=
while read -r command; do
  case $command in
    start) redis-server "$@" </dev/null >/dev/null 2>&1 & pid=$! ;;
    *) kill -s "$command" "$pid" 2>/dev/null ;;
  esac
  case $command in TERM | KILL) wait "$pid"; pid= ;; esac
  echo done
done
if [ -n "$pid" ]; then kill -s KILL "$pid" 2>/dev/null; wait "$pid"; fi
rm -rf -- "$DIRECTORY"
"#;

/// A `redis-server` on a free port of 127.0.0.1, with its own password and directory. It confirms a write only after
/// appending it to a file, so confirmed writes survive [`kill`](Self::kill).
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    password: String,
    supervisor: Mutex<Supervisor>,
    names: AtomicU32,
    directory: TempDir,
}

#[derive(Debug)]
struct Supervisor {
    child: Child,
    /// The supervisor's standard input. `drop` closes it, which ends the supervisor.
    commands: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl RedisServer {
    /// Returns the server that all tests in this process share. Each test must use its own [`name`](Self::name) for its
    /// keys, and must not stop the server.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server that only one test uses. Its default store looks as if Redis had started [long ago](Self::age).
    pub fn start() -> Self {
        let server = Self::start_with(&[]);
        server.age("hardtack");
        server
    }

    /// Starts a server that only one test uses. `settings` override the default settings, for example
    /// `["--appendonly", "no"]`.
    ///
    /// # Panics
    /// If `redis-server` is not installed or does not start.
    pub fn start_with(settings: &[&str]) -> Self {
        let program = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        assert!(
            program.is_ok_and(|status| status.success()),
            "redis-server is not on the PATH: install it with scripts/test or with: apt-get install redis-server"
        );
        // Another process might take the port before Redis does.
        (0..5).find_map(|_| Self::try_start(settings)).expect("a port stays free in one of five attempts")
    }

    fn try_start(settings: &[&str]) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory can be created");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("a listener has an address").port();
        drop(listener);
        let (path, port_text) = (directory.path().to_str().expect("the path is UTF-8"), port.to_string());
        let log = format!("{path}/log");
        // The password also identifies the server, because another server on this port would refuse the password.
        let password = format!("{:?}-{port}", Instant::now()).replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let fixed = [
            ["--bind", "127.0.0.1"],
            ["--port", &port_text],
            ["--dir", path],
            ["--logfile", &log],
            ["--requirepass", &password],
            ["--appendonly", "yes"],
            // With `everysec`, Redis postpones writes to the file while an earlier fsync is in progress.
            ["--appendfsync", "no"],
        ];
        let mut child = Command::new("sh")
            .args(["-c", SUPERVISOR, "sh"])
            .args(fixed.as_flattened())
            // The empty value turns snapshots off.
            .args(["--save", ""])
            .args(settings)
            .env("DIRECTORY", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let commands = child.stdin.take();
        let replies = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let supervisor = Mutex::new(Supervisor { child, commands, replies });
        let server = Self { port, password, supervisor, names: AtomicU32::new(0), directory };
        server.supervise("start");
        let deadline = Instant::now() + LONGEST_WAIT;
        while !server.is_ready() {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            if log.contains("Address already in use") {
                return None;
            }
            assert!(Instant::now() < deadline, "redis-server is not ready within 120 s; its log:\n{log}");
            std::thread::sleep(STEP);
        }
        Some(server)
    }

    /// Makes a store look as if Redis had started long ago. Otherwise, servers would check each request against the store
    /// until the access tokens from before the start have expired.
    pub fn age(&self, name: &str) {
        let script = format!(
            "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') \
             local sequence = redis.call('TIME')[1] .. '000000' \
             redis.call('HSETNX', '{{{name}}}:log:head', 'sequence', sequence) \
             redis.call('HSET', '{{{name}}}:log:head', 'run', run, 'since', '1000')"
        );
        assert_eq!(self.command(&format!("EVAL \"{script}\" 0")), "$-1");
    }

    /// Returns the URL of the server with its password, such as `redis://:…@127.0.0.1:…/0`.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    /// Returns the server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns a name for the keys of one test. Each call returns a different name. The store with this name looks as if
    /// Redis had started [long ago](Self::age).
    pub fn name(&self) -> String {
        let name = format!("test-{}", self.names.fetch_add(1, Ordering::Relaxed));
        self.age(&name);
        name
    }

    /// Stops the server with SIGTERM and waits until it has ended.
    pub fn stop(&self) {
        self.supervise("TERM");
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&self) {
        self.supervise("KILL");
    }

    /// Suspends the server. It then accepts connections but never responds.
    pub fn pause(&self) {
        self.supervise("STOP");
    }

    /// Resumes the server after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.supervise("CONT");
    }

    /// Starts the server again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same port with the same data,
    /// and waits until it is ready.
    pub fn start_again(&self) {
        let deadline = Instant::now() + LONGEST_WAIT;
        self.supervise("start");
        while !self.is_ready() {
            assert!(Instant::now() < deadline, "redis-server is not ready again within 120 s");
            std::thread::sleep(STEP);
        }
    }

    /// Stops the server and starts another one on the same port. The first call starts an empty server. Each later call
    /// switches to the other one of the two servers.
    ///
    /// # Panics
    /// If the servers' files cannot be moved.
    pub fn exchange(&self) {
        self.stop();
        let directory = self.directory.path();
        let [aside, other] = ["aside", "other"].map(|name| directory.join(name));
        std::fs::create_dir_all(&aside).and_then(|()| std::fs::rename(&aside, &other)).expect("a folder can be moved");
        std::fs::create_dir(&aside).expect("a folder can be created");
        // Do not move the log and the folders.
        let stay = [aside.as_path(), &other, &directory.join("log")];
        move_files(directory, &aside, &stay)
            .and_then(|()| move_files(&other, directory, &[]))
            .expect("files can be moved");
        std::fs::remove_dir(&other).expect("the folder is empty");
        self.start_again();
    }

    /// Sends a command and returns the first line of the reply. Spaces separate the arguments of the command, except
    /// within double quotes.
    pub fn command(&self, words: &str) -> String {
        self.request(words).unwrap_or_else(|error| panic!("redis-server does not reply to {words:?}: {error}"))
    }

    fn is_ready(&self) -> bool {
        self.request("PING").is_ok_and(|reply| reply == "+PONG")
    }

    /// Sends an inline command of the Redis protocol, which needs no client library.
    fn request(&self, words: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(LONGEST_WAIT))?;
        write!(stream, "AUTH {}\r\n{words}\r\nQUIT\r\n", self.password)?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply)?;
        let reply = String::from_utf8_lossy(&reply);
        Ok(reply.lines().nth(1).unwrap_or_default().to_owned())
    }

    fn supervise(&self, command: &str) {
        let mut supervisor = self.supervisor();
        let Supervisor { commands, replies, .. } = &mut *supervisor;
        let commands = commands.as_mut().expect("the input is taken only in drop");
        let mut reply = String::new();
        writeln!(commands, "{command}")
            .and_then(|()| replies.read_line(&mut reply))
            .expect("the supervisor is running");
        assert_eq!(reply, "done\n", "the supervisor of redis-server has ended");
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Moves the files and folders in `from` to `to`, except the paths in `stay`.
fn move_files(from: &Path, to: &Path, stay: &[&Path]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if !stay.contains(&entry.path().as_path()) {
            std::fs::rename(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::RedisServer;

    #[test]
    fn acknowledged_writes_survive_and_the_server_ends_when_dropped() {
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
        server.exchange();
        assert_eq!(server.command("INCR a"), ":1");
        server.exchange();
        assert_eq!(server.command("INCR a"), ":5");
        server.exchange();
        assert_eq!(server.command("INCR a"), ":2");
        assert_ne!(server.name(), server.name());
        let port = server.port();
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
