//! The compiled examples.

use std::path::{Path, PathBuf};

/// Returns the compiled example, if it is newer than its source.
pub(crate) fn compiled(name: &str, source: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(source);
    let modified = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    assert!(
        example.exists() && modified(&example) >= modified(&source),
        "{} is missing or older than its source; run `cargo test -p {package}` or `cargo build -p {package} --example {name}`",
        example.display(),
        package = env!("CARGO_PKG_NAME"),
    );
    example
}
