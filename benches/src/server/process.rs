//! Starts and measures a server process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;

use super::{Auth, Greeting};
use crate::Failed;
use crate::load::call;

/// A running server. Dropping this value ends the process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    cookie: String,
}

impl Server {
    /// Starts this program as a server.
    pub(crate) fn start(auth: Auth) -> Result<Self, Failed> {
        let name = auth.to_possible_value().ok_or("this kind of server has no name")?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--auth", name.get_name()]);
        Self::run(name.get_name(), command)
    }

    /// Builds and starts the ready-made site (`benches/site`), which keeps its files in `folder`.
    pub(crate) fn start_site(folder: &Path) -> Result<Self, Failed> {
        const NAME: &str = "hardtack-bench-site";
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mut build = Command::new(cargo);
        build.args(["build", "--release", "--quiet", "--locked", "--manifest-path", manifest, "-p", NAME]);
        if !build.status()?.success() {
            return Err(format!("{NAME} could not be built").into());
        }
        let mut command = Command::new(std::env::current_exe()?.with_file_name(NAME));
        command.current_dir(folder);
        Self::run(NAME, command)
    }

    fn run(name: &str, mut command: Command) -> Result<Self, Failed> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or("the server's stdout is not piped")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let greeting = serde_json::from_str(&line).map_err(|_| format!("the server {name} did not start"));
        match greeting {
            Ok(greeting) => Self::greeted(child, greeting),
            Err(error) => {
                end(&mut child);
                Err(error.into())
            }
        }
    }

    /// Wraps a process that has printed its greeting.
    pub(crate) fn greeted(child: Child, greeting: Greeting) -> Result<Self, Failed> {
        let mut server = Self { child, address: greeting.address, cookie: String::new() };
        server.cookie = match greeting.cookie {
            Some(cookie) => cookie,
            None => call(server.address, &get("/login", ""))?.cookies.join("; "),
        };
        Ok(server)
    }

    /// Returns the request that is measured.
    pub(crate) fn request(&self) -> Vec<u8> {
        get("/user", &self.cookie)
    }

    /// Returns the CPU time of all the server's threads.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failed> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += statistics.split_whitespace().next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Returns the peak memory of the server, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/…/status")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Returns a GET request with the header fields of a browser.
fn get(path: &str, cookie: &str) -> Vec<u8> {
    let cookie = if cookie.is_empty() { String::new() } else { format!("cookie: {cookie}\r\n") };
    format!(
        "GET {path} HTTP/1.1\r\nhost: site.example\r\n\
         user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         accept: application/json\r\naccept-language: en-US,en;q=0.5\r\naccept-encoding: gzip, deflate, br, zstd\r\n\
         sec-fetch-site: same-origin\r\nsec-fetch-mode: cors\r\n{cookie}\r\n"
    )
    .into_bytes()
}
