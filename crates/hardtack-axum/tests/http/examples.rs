//! The compiled examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns the compiled example `name`, which must be newer than its source.
pub(crate) fn compiled(name: &str, source: &str) -> PathBuf {
    let package = env!("CARGO_PKG_NAME");
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(source);
    let build = format!("cargo build -p {package} --example {name}");
    assert!(
        modified(&example).is_some_and(|at| Some(at) >= modified(&source)),
        "{} is missing or older than its source; run `{build}`",
        example.display()
    );
    example
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}
