//! Flask-JWT-Extended under gunicorn, in a temporary Python environment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Failed;
use crate::server::{Greeting, Server};

/// The packages. The newest versions are installed.
const PACKAGES: [&str; 2] = ["flask-jwt-extended", "gunicorn"];

/// The source of both applications, `bare` and `guarded`.
const APPLICATIONS: &str = include_str!("flask_app.py");

/// A Python environment with the packages installed.
pub(crate) struct Flask {
    folder: TempDir,
}

impl Flask {
    /// Creates the environment and installs the packages.
    ///
    /// # Errors
    /// Python is missing, or the package index is not reachable.
    pub(crate) fn install() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let python = Command::new("python3").args(["-m", "venv"]).arg(folder.path().join("venv")).output();
        if !python.is_ok_and(|made| made.status.success()) {
            return Err("python3 with its module venv is not installed".into());
        }
        let mut pip = Command::new(folder.path().join("venv/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        if !pip.output().is_ok_and(|installed| installed.status.success()) {
            return Err(format!("pip cannot install {}", PACKAGES.join(" and ")).into());
        }
        std::fs::write(folder.path().join("applications.py"), APPLICATIONS)?;
        Ok(Self { folder })
    }

    /// Serves one of the applications with one worker and keep-alive connections.
    pub(crate) fn serve(&self, application: &str) -> Result<Server, Failed> {
        let mut gunicorn = Command::new(self.folder.path().join("venv/bin/gunicorn"));
        gunicorn.args(["--workers", "1", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "60"]);
        gunicorn.args(["--bind", "127.0.0.1:0"]).arg(format!("applications:{application}"));
        gunicorn.current_dir(self.folder.path() as &Path).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = gunicorn.spawn()?;
        let log = child.stderr.take().ok_or("gunicorn's stderr is not piped")?;
        let mut lines = BufReader::new(log).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                let _ = child.wait();
                return Err("gunicorn did not start".into());
            };
            let Some((_, rest)) = line.split_once("http://") else { continue };
            break rest.split_whitespace().next().unwrap_or_default().parse()?;
        };
        // Discard the rest of the log, so that gunicorn never blocks on a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let cookie = if application == "guarded" { None } else { Some("theme=dark".to_owned()) };
        Server::greeted(child, Greeting { address, cookie })
    }
}
