//! The compiled examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

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

/// Cargo writes the examples of all crates to one folder, so two examples with the same name overwrite each other.
#[test]
fn no_two_crates_have_an_example_of_the_same_name() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let metadata = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let targets = packages.flat_map(|package| package["targets"].as_array().unwrap());
    let examples = targets.filter(|target| target["kind"][0] == "example");
    let mut names: Vec<&str> = examples.map(|example| example["name"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(count > 5 && names.len() == count, "{names:?}");
}
