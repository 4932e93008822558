//! Flask applications with the real Flask-JWT-Extended, served by gunicorn.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::process::{Process, Program};
use crate::wait::LONGEST_WAIT;

/// The directory with the Flask applications and their `requirements.txt`.
const APPLICATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/flask");
const REQUIREMENTS: &str = include_str!("../../flask/requirements.txt");

/// An application in `crates/hardtack-test-support/flask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Application {
    /// An application that has one route for each way to require a token, and reads all its settings from the
    /// environment.
    Compat,
    /// The tutorial's app.
    Tutorial,
}

impl Application {
    /// Starts the application on a free port of 127.0.0.1 and waits until it responds. `env` contains its `JWT_*`
    /// options. The application ends when the returned process is dropped or the test process ends.
    ///
    /// # Panics
    /// If Python is missing or its packages cannot be installed. The message says what to do.
    pub async fn start<K: AsRef<str>, V: AsRef<str>>(self, env: &[(K, V)]) -> Process {
        let module = match self {
            Self::Compat => "compat:app",
            Self::Tutorial => "tutorial:app",
        };
        let python = tokio::task::spawn_blocking(python).await.expect("the virtual environment can be created");
        let mut program = Program::new(python)
            .args(["-m", "gunicorn", "--config", &format!("{APPLICATIONS}/gunicorn.conf.py")])
            .args(["--pythonpath", APPLICATIONS, module])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1");
        for (name, value) in env {
            program = program.env(name.as_ref(), value.as_ref());
        }
        let process = program.start().await.unwrap_or_else(|error| panic!("gunicorn with {module}: {error}"));
        // Wait until the application responds, because gunicorn listens before it imports the application.
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut client = process.client();
        while let Err(error) = client.get("/").try_send().await {
            let (stdout, stderr) = (process.stdout(), process.stderr());
            let failed = stdout.contains("Worker failed to boot") || Instant::now() > deadline;
            assert!(!failed, "gunicorn with {module} does not respond: {error}\nstdout:\n{stdout}\nstderr:\n{stderr}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process
    }
}

/// Returns the Python interpreter of a virtual environment with the applications' packages. The environment is kept in
/// Cargo's target directory, and is only recreated if the list of packages or the version of Python changes.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let version = run(Command::new("python3").arg("--version"));
        let mut hasher = DefaultHasher::new();
        (REQUIREMENTS, version).hash(&mut hasher);
        let directory = target().join(format!("flask-venv-{:016x}", hasher.finish()));
        let python = directory.join("bin/python");
        // Take a lock, because another package's tests might create the environment at the same time.
        let lock = File::create(directory.with_extension("lock")).expect("the target directory is writable");
        lock.lock().expect("the file can be locked");
        let finished = directory.join("finished");
        if !finished.exists() {
            // The folder may be left over from an interrupted attempt.
            let _ = fs::remove_dir_all(&directory);
            run(Command::new("python3").args(["-m", "venv"]).arg(&directory));
            let requirements = format!("{APPLICATIONS}/requirements.txt");
            let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
            run(Command::new(&python).args(pip).args(["--requirement", &requirements]));
            File::create(finished).expect("the environment's directory is writable");
        }
        python
    })
}

/// Returns Cargo's target directory: the closest directory above the running test program that contains the file
/// `CACHEDIR.TAG`, which Cargo creates. If there is no such directory, returns the directory for temporary files.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("a program can find its own path");
    let tagged = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    tagged.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// Runs a command and returns its output.
fn run(command: &mut Command) -> String {
    let advice = "tests with the real Flask-JWT-Extended need Python 3.11 or newer with its module venv (on Debian: \
                  python3 and python3-venv, which scripts/test installs) and access to PyPI";
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}\n{advice}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{advice}\n{stdout}{stderr}", output.status);
    stdout
}
