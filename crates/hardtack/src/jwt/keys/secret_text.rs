//! Secrets and keys as operators write them: the text itself, or `@` and the path of a file that contains it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::files;
use crate::jwt::error::KeyError;

/// Larger files are refused: no key has this many bytes.
const MAX_FILE_LEN: u64 = 64 * 1024;

/// Reads a secret or a key from the value of a setting: the text itself, or the content of a file if the text is `@`
/// and a path. One line break at the end of the file is left out.
///
/// Other texts that name a secret instead of containing it are refused: `file:` URLs, paths, and placeholders such as
/// `${SECRET}` that no program has filled in. Signing with such a text would make forging tokens easy.
///
/// ```
/// use hardtack::jwt::{KeyError, read_secret};
///
/// assert_eq!(*read_secret("kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1A")?, b"kJ8sPq0Zr5Tn2Wv7Yb4Xc9Lm3Gd6Hf1A");
/// assert!(matches!(read_secret("${JWT_SECRET}"), Err(KeyError::NotTheSecret { .. })));
/// assert!(matches!(read_secret("@/no/such/file"), Err(KeyError::File { .. })));
/// # Ok::<(), KeyError>(())
/// ```
///
/// # Errors
/// - [`KeyError::NotTheSecret`]: the text names a secret but does not contain it.
/// - [`KeyError::File`]: the file cannot be read, is larger than 64 KiB, belongs to a user other than root and this
///   process's own, or can be written by other users.
pub fn read_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if let Some(path) = text.strip_prefix('@') {
        return read_file(Path::new(path));
    }
    if let Some(looks_like) = names_a_secret(text) {
        return Err(KeyError::NotTheSecret { looks_like });
    }
    // Only what could be a path is looked up.
    if text.len() < 1024 && text.contains('/') && Path::new(text).is_file() {
        return Err(KeyError::NotTheSecret { looks_like: PATH });
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

const PATH: &str = "the path of a file; write @ before it to read the file";

/// If the text names a secret instead of containing it, returns what the text is, and what to do.
pub(super) fn names_a_secret(text: &str) -> Option<&'static str> {
    const FOLDERS: [&str; 12] =
        ["/run/", "/var/", "/etc/", "/home/", "/root/", "/opt/", "/usr/", "/srv/", "/tmp/", "./", "../", "~/"];
    const PLACEHOLDERS: [(&str, &str); 6] =
        [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">"), ("%", "%"), ("__", "__")];

    let text = text.trim();
    if text.len() >= 5 && text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return Some("a file: URL; write @ and the path instead");
    }
    if text.starts_with('@') {
        return Some("@ and a path, which is only read from settings; read the file and pass its content");
    }
    if FOLDERS.iter().any(|folder| text.starts_with(folder)) {
        return Some(PATH);
    }
    let name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let filled = PLACEHOLDERS
        .iter()
        .any(|(start, end)| text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some_and(name));
    let variable = text.strip_prefix('$').is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    });
    (filled || variable || text.starts_with("${"))
        .then_some("a placeholder that was not replaced; set the secret itself")
}

/// Reads a secret or a key from a file, without one line break at its end.
pub(in crate::jwt) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let refused = |reason: String| KeyError::File { path: path.to_owned(), reason };
    let unreadable = |error: io::Error| refused(format!("{error}; expected a file that this user can read"));
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    files::check_trusted(path, &metadata).map_err(|error| refused(error.to_string()))?;
    if let Some(mode) = files::mode_if_readable_by_others(&metadata) {
        // Containers mount secrets like this, so it is not an error.
        tracing::warn!(
            event = "secret_readable",
            "other users can read the secret in {}: its mode is {mode:04o}; if only this user needs it, run: chmod 600 {}",
            path.display(),
            files::shell_quoted(path)
        );
    }
    let mut content = Zeroizing::new(Vec::new());
    file.by_ref().take(MAX_FILE_LEN + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_FILE_LEN {
        return Err(refused(format!("it is larger than {MAX_FILE_LEN} bytes; expected a file with a secret or a key")));
    }
    if content.last() == Some(&b'\n') {
        content.pop();
        if content.last() == Some(&b'\r') {
            content.pop();
        }
    }
    Ok(content)
}
