//! Secrets and keys in setting values. A value is either the secret itself, or `@` followed by the path of a file that
//! contains the secret.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::named_secret::{PATH, names_a_secret};
use crate::files;
use crate::jwt::error::KeyError;

/// The maximum size, in bytes, of a file that contains a secret or a key. No key is this large.
const MAX_FILE_LEN: u32 = 64 * 1024;

/// Reads a secret or a key from `text`, the value of a setting. If `text` is `@` followed by a path, the secret is the
/// content of that file, without the line break at its end. Any other value is the secret itself.
///
/// Refuses a value that only refers to a secret, because tokens that are signed with such a value are easy to forge.
/// Examples of such values are `file:` URLs, paths, references to a secret manager (`op://vault/item`,
/// `arn:aws:secretsmanager:…`), commands, and placeholders that have not been replaced (`${SECRET}`).
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
/// - [`KeyError::NotTheSecret`]: the text is a reference to a secret, such as `${JWT_SECRET}`, and not the secret
///   itself.
/// - [`KeyError::File`]: the file cannot be read, is not a regular file, is larger than 64 KiB, is owned by neither
///   root nor this process's user, is writable by other users, or has unsuitable content. Text with a NUL byte is
///   unsuitable, and so is text with several lines that is neither PEM nor JSON.
pub fn read_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if let Some(path) = text.strip_prefix('@') {
        return read_file(Path::new(path));
    }
    if let Some(looks_like) = names_a_secret(text) {
        return Err(KeyError::NotTheSecret { looks_like });
    }
    // Look for a file only if the text could be a path.
    if text.len() < 1024 && text.contains('/') && Path::new(text).is_file() {
        return Err(KeyError::NotTheSecret { looks_like: PATH });
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Reads a secret or a key from a file. If the file ends with a line break, the result does not include it.
pub(in crate::jwt) fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let refused = |reason: String| KeyError::File { path: path.to_owned(), reason };
    let unreadable = |error: io::Error| refused(format!("{error}; expected a file that this user can read"));
    let file = files::open_regular(path).map_err(|error| match names_several_files(path) {
        true => refused(format!("{error}; to set several secrets, write them into one file, separated by commas")),
        false => unreadable(error),
    })?;
    let metadata = file.metadata().map_err(unreadable)?;
    files::check_trusted(path, &metadata).map_err(|error| refused(error.to_string()))?;
    if let Some(warning) = files::readable_secret(path, &metadata) {
        tracing::warn!(event = "secret_readable", "{warning}");
    }
    let mut content = files::read_at_most(&file, MAX_FILE_LEN).map_err(unreadable)?;
    if content.last() == Some(&b'\n') {
        content.pop();
        if content.last() == Some(&b'\r') {
            content.pop();
        }
    }
    match wrong_content(&content) {
        Some(reason) => Err(refused(reason.to_owned())),
        None => Ok(content),
    }
}

/// Returns whether a path looks like a list of files, such as `one,@two`.
fn names_several_files(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.split(',').skip(1).any(|part| part.trim_start().starts_with('@')))
}

/// If a file's content cannot be a secret, returns the reason. Content that is not UTF-8 counts as random bytes and is
/// accepted. Text must not contain a NUL byte, and must be a single line unless it is a key in PEM or JSON.
fn wrong_content(content: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(content).ok()?;
    if text.contains('\0') {
        return Some("it contains a NUL byte; expected one line of UTF-8 text, as written with: printf %s \"$SECRET\"");
    }
    let key = text.contains("-----BEGIN") || text.trim_start().starts_with('{');
    (!key && text.contains(['\n', '\r']))
        .then_some("it has several lines; expected one line with the secret, and nothing before or after it; if the setting accepts \
             several secrets, separate them with commas")
}
