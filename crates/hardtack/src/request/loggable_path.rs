//! Paths without secrets, for logs.

/// A segment with more characters than this might be secret.
const LONGEST_WORD: usize = 24;

/// A segment with at least this many characters might be secret if it contains a digit, a percent sign or an uppercase
/// letter.
const SHORTEST_CODE: usize = 6;

/// The maximum number of characters that a shortened segment keeps.
const KEPT: usize = 6;

/// Returns a request's path in a form that can be logged. A segment of the path might be secret, such as the token in
/// an emailed link, so this function shortens segments that do not look like words. A segment does not look like a word
/// if it has more than 24 characters, or if it has at least six characters and contains a digit, a percent sign or an
/// uppercase letter.
///
/// Pass the path without its query, because a query can contain secrets, too.
///
/// ```
/// use hardtack::request::loggable_path;
///
/// assert_eq!(loggable_path("/account/change_settings"), "/account/change_settings");
/// assert_eq!(loggable_path("/reset/AbCdEfGhIjKlMnOpQrStUvWx/done"), "/reset/AbCdEf…/done");
/// assert_eq!(loggable_path("/code/482913"), "/code/4…");
/// ```
pub fn loggable_path(path: &str) -> String {
    path.split('/').map(shortened).collect::<Vec<_>>().join("/")
}

/// Shortens a segment that might be secret. Keeps at most the first quarter of it.
fn shortened(segment: &str) -> String {
    let length = segment.chars().count();
    let is_code = segment.chars().any(|char| char.is_ascii_digit() || char == '%' || char.is_uppercase());
    if length <= LONGEST_WORD && (length < SHORTEST_CODE || !is_code) {
        return segment.to_owned();
    }
    let mut shortened: String = segment.chars().take(KEPT.min(length / 4)).collect();
    shortened.push('…');
    shortened
}

#[cfg(test)]
mod tests {
    use super::loggable_path;

    #[test]
    fn segments_that_may_be_secret_are_shortened() {
        for path in ["/", "", "/account/change_settings", "/v1/orders/12345", "/über/uns", "//a"] {
            assert_eq!(loggable_path(path), path);
        }
        for (path, logged) in [
            ("/reset/AbCdEfGhIjKlMnOpQrStUvWxYz/done", "/reset/AbCdEf…/done"),
            ("/reset/abcdefghijklmnopqrstuvwxyz", "/reset/abcdef…"),
            ("/reset/AbCdEfGhIjKlMnOpQrStUv", "/reset/AbCdE…"),
            ("/invite/k3xq7p", "/invite/k…"),
            ("/code/%34%38", "/code/%…"),
        ] {
            assert_eq!(loggable_path(path), logged);
        }
    }
}
