//! Detects values that refer to a secret instead of containing it: paths, references to secret managers, commands and
//! placeholders.
//!
//! A value that only refers to a secret is easy to guess, so tokens that are signed with it are easy to forge. However,
//! a random secret must be accepted whatever characters it contains. Therefore, no rule refuses a value because of only
//! one or two of its characters.

/// The constants from `PATH` to `PLACEHOLDER` describe values that name a secret. Each description says what the value
/// is and how to provide the secret itself. The error [`KeyError::NotTheSecret`](crate::jwt::KeyError::NotTheSecret)
/// contains the description.
pub(super) const PATH: &str = "the path of a file; write @ before the path to read the file";
pub(super) const SECRET_JWK: &str = "a JSON Web Key (JWK) that contains the secret; load it with from_jwk or, if you \
                                     use the program hardtack, store it in the key folder";
const FILE_URL: &str = "a file: URL; write @ and the path instead";
const REFERENCE: &str = "a reference to a secret in another program or service, which Hardtack cannot resolve; have \
                         the secret written to a file, and set @ followed by the path of the file";
const COMMAND: &str = "a command, and Hardtack does not run commands; run the command and set its output, or write @ \
                       and the path of a file";
const ASSIGNMENT: &str = "a whole NAME=VALUE line from a settings file; set only the value";
const PLACEHOLDER: &str = "a placeholder that was not replaced; set the secret itself";

/// If `text` only names a secret, returns a description of `text`. The description says how to provide the secret
/// itself.
pub(super) fn names_a_secret(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if starts_with_ignoring_case(text, "file:") {
        Some(FILE_URL)
    } else if text.strip_prefix('@').is_some_and(|path| is_path(path) || is_path_text(path)) {
        Some("@ and a file's path, a form that only settings accept; read the file, and pass its content")
    } else if is_path(text) {
        Some(PATH)
    } else if is_reference(text) {
        Some(REFERENCE)
    } else if is_command(text) {
        Some(COMMAND)
    } else if is_assignment(text) {
        Some(ASSIGNMENT)
    } else {
        is_placeholder(text).then_some(PLACEHOLDER)
    }
}

/// Returns whether `text` is a Unix or Windows path. A path begins with a well-known folder, a drive or a prefix such
/// as `../`, or it ends with the extension of a key file or a settings file. Words that are separated by slashes or
/// backslashes are a path as well. Base64 can contain slashes, but it does not consist of words, so it does not count
/// as a path.
fn is_path(text: &str) -> bool {
    const FOLDERS: [&str; 9] = ["/run/", "/var/", "/etc/", "/home/", "/root/", "/opt/", "/usr/", "/srv/", "/tmp/"];
    const ENDINGS: [&str; 25] = [
        ".txt", ".key", ".pem", ".jwk", ".jwks", ".json", ".secret", ".env", ".toml", ".yaml", ".yml", ".conf", ".cfg",
        ".ini", ".der", ".crt", ".cer", ".pub", ".p8", ".p12", ".pfx", ".asc", ".gpg", ".age", ".b64",
    ];

    if FOLDERS.iter().any(|folder| text.starts_with(folder)) {
        return true;
    }
    if !is_path_text(text) {
        return false;
    }
    let drive = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', _, ..] if letter.is_ascii_alphabetic());
    let relative = ["./", "../", "~/", ".\\", "..\\", "\\\\"].iter().any(|start| text.starts_with(start));
    let ending = ENDINGS.iter().any(|ending| {
        text.len()
            .checked_sub(ending.len())
            .and_then(|at| text.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    });
    let parts = || text.trim_start_matches(['/', '\\']).split(['/', '\\']);
    drive || relative || ending || (text.contains(['/', '\\']) && parts().all(is_words))
}

/// Whether `text` consists only of characters that are common in paths.
fn is_path_text(text: &str) -> bool {
    // Skip the colon after the drive letter of a Windows path.
    let rest = match text.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => text.get(2..).unwrap_or_default(),
        _ => text,
    };
    has_only(rest, b" ._-~/\\")
}

/// Whether `text` consists of words and numbers with separators between them, such as `jwt-secret_KEY.v2`. A word is in
/// lower case, in upper case, or in lower case with a capital first letter.
fn is_words(text: &str) -> bool {
    text.split(['-', '_', '.', ' ']).all(|word| {
        let letters = word.trim_end_matches(|last: char| last.is_ascii_digit());
        let tail = letters.get(1..).unwrap_or_default();
        let all = |text: &str, kind: fn(&u8) -> bool| text.as_bytes().iter().all(kind);
        !word.is_empty()
            && all(letters, u8::is_ascii_alphabetic)
            && (all(tail, u8::is_ascii_lowercase) || all(letters, u8::is_ascii_uppercase))
    })
}

/// Whether `text` refers to a secret in a secret manager or in another program.
fn is_reference(text: &str) -> bool {
    const SCHEMES: &str = "vault: op: arn: aws: awssm: aws-sm: ssm: asm: secretsmanager: gcp: gcpsm: gcp-sm: \
                           gcp-secret: gcpsecretmanager: sm: azure: azurekeyvault: keyvault: akv: env: secret: \
                           secrets: ref: doppler: infisical: bitwarden: keyring: keychain: sops: cmd:";

    // The beginnings of values that Ansible and SOPS have encrypted.
    const ENCRYPTED: [&str; 3] = ["$ANSIBLE_VAULT", "!vault", "ENC[AES256_GCM,"];

    // The text after a short prefix might be random. Treat it as a name only if all its characters are common in names.
    let is_name = |text: &str| has_only(text, b"._-/:#@*+?=&%,$ ");
    let url = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.len() > 1
            && scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte))
            && is_name(rest)
    });
    let scheme = SCHEMES.split_ascii_whitespace().find(|scheme| starts_with_ignoring_case(text, scheme));
    url || scheme.and_then(|scheme| text.get(scheme.len()..)).is_some_and(is_name)
        || ENCRYPTED.iter().any(|start| text.starts_with(start))
}

/// Whether `text` is a shell command: a program and its arguments in `$(…)` or in backquotes.
fn is_command(text: &str) -> bool {
    let line = within(text, "$(", ")").or_else(|| within(text, "`", "`"));
    let program = line.and_then(|line| line.split_whitespace().next());
    program.is_some_and(|program| {
        program.len() > 1
            && program.starts_with(|first: char| first.is_ascii_lowercase() || "./<".contains(first))
            && program.bytes().all(|byte| byte.is_ascii_lowercase() || b"/._-<0123456789".contains(&byte))
    })
}

/// Returns whether `text` is a whole line of a `.env` file, such as `JWT_SECRET=value`. Such a line begins with a name
/// of several words in capitals, then `=` and a value.
fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| {
        let words = || name.split('_');
        let capitals = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        !value.trim_matches('=').is_empty() && words().count() > 1 && words().all(capitals)
    })
}

/// Whether `text` is a placeholder from a template, a shell script or a manual.
fn is_placeholder(text: &str) -> bool {
    let variable = |name: &str| {
        name.len() > 2
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let graphic = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    // `text` might be a shell variable that was cut off, such as `${NAME:-default`.
    let unclosed = text.strip_prefix("${").and_then(|rest| rest.split([':', '-', '=', '?', '+', '}']).next());
    within(text, "${", "}").is_some_and(|text| has_only(text, b" _.,:;'\"/@#%^*?!|()=+-"))
        || within(text, "{{", "}}").is_some_and(graphic)
        || within(text, "${{", "}}").is_some_and(graphic)
        || within(text, "<%", "%>").is_some_and(graphic)
        || text.strip_prefix("process.env.").is_some_and(variable)
        || ["TODO", "FIXME"].iter().any(|mark| text.strip_prefix(mark).is_some_and(|rest| rest.starts_with([':', ' '])))
        || within(text, "__", "__").is_some_and(graphic)
        || within(text, "<", ">").is_some_and(|text| has_only(text, b" _.,:;'()/-"))
        || within(text, "%", "%").is_some_and(is_words)
        || text.strip_prefix('$').is_some_and(variable)
        || unclosed.is_some_and(variable)
}

/// Returns the part of `text` between `start` and `end`. Returns `None` if this part is empty, or if `text` does not
/// begin with `start` or does not end with `end`.
fn within<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.strip_suffix(end).filter(|inner| !inner.is_empty())
}

/// Whether `text` consists only of letters, digits and the characters in `others`.
fn has_only(text: &str, others: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}
