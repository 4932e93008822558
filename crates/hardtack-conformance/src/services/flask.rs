//! Flask applications with the real Flask-JWT-Extended, behind gunicorn.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::process::{Process, Program};

/// Where the applications and the list of what they need are.
const APPLICATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/flask");
const REQUIREMENTS: &str = include_str!("../../flask/requirements.txt");
/// How long an application may take to be imported, on a machine that does much else.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// An application in `crates/hardtack-conformance/flask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Application {
    /// Every way to ask for a token, configured by the environment alone.
    Compat,
    /// The tutorial's app.
    Tutorial,
}

impl Application {
    /// Starts it on a free port of 127.0.0.1, and returns when it answers. Dropping the process ends it, and
    /// so does the end of the test's own process. `env` holds its `JWT_*` options.
    ///
    /// Panics, with what to do about it, where Python is missing or its packages cannot be installed.
    pub async fn start<K: AsRef<str>, V: AsRef<str>>(self, env: &[(K, V)]) -> Process {
        let module = match self {
            Self::Compat => "compat:app",
            Self::Tutorial => "tutorial:app",
        };
        let python = tokio::task::spawn_blocking(python).await.expect("making the environment failed");
        let mut program = Program::new(python)
            .args(["-m", "gunicorn", "--config", &format!("{APPLICATIONS}/gunicorn.conf.py")])
            .args(["--pythonpath", APPLICATIONS, module])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1");
        for (name, value) in env {
            program = program.env(name.as_ref(), value.as_ref());
        }
        let process = program.start().await.unwrap_or_else(|error| panic!("gunicorn with {module}: {error}"));
        // It listens before the application is imported.
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut client = process.client();
        while let Err(error) = client.get("/").try_send().await {
            let (stdout, stderr) = (process.stdout(), process.stderr());
            let failed = stdout.contains("Worker failed to boot") || Instant::now() > deadline;
            assert!(!failed, "gunicorn with {module} does not answer: {error}\nstdout:\n{stdout}\nstderr:\n{stderr}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process
    }
}

/// The interpreter of a virtual environment that has what the applications need. It is made once, in the
/// target directory, and again when the list of packages or the system's Python changes.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let version = run(Command::new("python3").arg("--version"));
        let mut hasher = DefaultHasher::new();
        (REQUIREMENTS, version).hash(&mut hasher);
        let directory = target().join(format!("flask-venv-{:016x}", hasher.finish()));
        let python = directory.join("bin/python");
        // Tests of another package may want it at the same moment.
        let lock = File::create(directory.with_extension("lock")).expect("the target directory can be written");
        lock.lock().expect("the lock can be waited for");
        let finished = directory.join("finished");
        if !finished.exists() {
            // Whoever began before was interrupted.
            let _ = fs::remove_dir_all(&directory);
            run(Command::new("python3").args(["-m", "venv"]).arg(&directory));
            let requirements = format!("{APPLICATIONS}/requirements.txt");
            let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
            run(Command::new(&python).args(pip).args(["--requirement", &requirements]));
            File::create(finished).expect("the environment's directory can be written");
        }
        python
    })
}

/// The directory that Cargo builds into: the one above this program that Cargo has tagged.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a test knows where it is");
    let tagged = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    tagged.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// What the command printed.
fn run(command: &mut Command) -> String {
    let advice = "these tests run against the real Flask-JWT-Extended: they need Python 3.11 or newer with its \
                  module venv (Debian: python3 and python3-venv; scripts/test installs them) and a way to PyPI";
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}\n{advice}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{advice}\n{stdout}{stderr}", output.status);
    stdout
}
