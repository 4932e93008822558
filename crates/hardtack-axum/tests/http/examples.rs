//! The compiled examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns the compiled example `name`, which must be newer than its source.
///
/// It does not return `examples/NAME`, which Cargo overwrites if another crate has an example of the same name. It
/// returns `examples/NAME-HASH`, which is not overwritten. `examples/NAME-HASH.d` names its source.
pub(crate) fn compiled(name: &str, source: &str) -> PathBuf {
    let package = env!("CARGO_PKG_NAME");
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().join("examples");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_ours = |file: &Path| {
        let names_source =
            |text: String| text.lines().any(|line| line.ends_with(&format!("{package}/examples/{source}:")));
        file.extension().is_some_and(|extension| extension == "d")
            && file.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with(&format!("{name}-")))
            && fs::read_to_string(file).is_ok_and(names_source)
    };
    let examples = files.filter(|file| is_ours(file)).map(|file| file.with_extension(""));
    let newest = examples.max_by_key(|example| modified(example));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(source);
    newest.filter(|example| modified(example) >= modified(&source)).unwrap_or_else(|| {
        let build = format!("cargo build -p {package} --example {name}");
        panic!("{} has no example {name} that is newer than its source; run `{build}`", folder.display())
    })
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|file| file.modified()).ok()
}
