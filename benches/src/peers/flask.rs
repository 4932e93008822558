//! Flask-JWT-Extended under gunicorn, in a Python environment that is thrown away afterwards.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Failed;
use crate::server::{Greeting, Server};

/// The packages as the index has them today.
const PACKAGES: [&str; 2] = ["flask-jwt-extended", "gunicorn"];

/// Both applications, `bare` and `guarded`.
const APPLICATIONS: &str = include_str!("flask_app.py");

/// An installation.
pub(crate) struct Flask {
    folder: TempDir,
}

impl Flask {
    /// Makes the environment and installs the packages into it.
    ///
    /// # Errors
    /// There is no Python, or no package index.
    pub(crate) fn install() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let python = Command::new("python3").args(["-m", "venv"]).arg(folder.path().join("venv")).output();
        if !python.is_ok_and(|made| made.status.success()) {
            return Err("there is no python3 with venv".into());
        }
        let mut pip = Command::new(folder.path().join("venv/bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
        if !pip.output().is_ok_and(|installed| installed.status.success()) {
            return Err(format!("pip cannot install {}", PACKAGES.join(" and ")).into());
        }
        std::fs::write(folder.path().join("applications.py"), APPLICATIONS)?;
        Ok(Self { folder })
    }

    /// Serves one of the applications: one worker, which keeps connections open.
    pub(crate) fn serve(&self, application: &str) -> Result<Server, Failed> {
        let mut gunicorn = Command::new(self.folder.path().join("venv/bin/gunicorn"));
        gunicorn.args(["--workers", "1", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "60"]);
        gunicorn.args(["--bind", "127.0.0.1:0"]).arg(format!("applications:{application}"));
        gunicorn.current_dir(self.folder.path() as &Path).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = gunicorn.spawn()?;
        let log = child.stderr.take().ok_or("gunicorn without a log")?;
        let mut lines = BufReader::new(log).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                let _ = child.wait();
                return Err("gunicorn did not start".into());
            };
            let Some((_, rest)) = line.split_once("http://") else { continue };
            break rest.split_whitespace().next().unwrap_or_default().parse()?;
        };
        // Whatever else it says goes nowhere, and must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let cookie = if application == "guarded" { None } else { Some("theme=dark".to_owned()) };
        Server::greeted(child, Greeting { address, cookie })
    }
}
