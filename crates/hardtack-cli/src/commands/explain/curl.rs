//! Reads the cookies of a curl command, such as one that was copied from a browser ("Copy as cURL").

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// The cookies that a curl command sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CurlCookies {
    /// The value of the `Cookie` field. It is empty if the command sends no cookies.
    Field(String),
    /// The option `-b` names a file with cookies.
    InFile(String),
}

/// The short options of curl that take a value.
const WITH_VALUE: &str = "AbCcDdEeFHhKmoPQrTtUuwXxYyz";

/// Those long options with a value that browsers copy, or that people use to log in. `--header` and `--cookie` are
/// handled separately.
const LONG_WITH_VALUE: [&str; 15] = [
    "--cookie-jar",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "--form",
    "--json",
    "--output",
    "--proxy",
    "--referer",
    "--request",
    "--url",
    "--user",
    "--user-agent",
];

/// Returns the cookies that a curl command sends. The text can also be the options of the command alone. Returns `None`
/// for any other text.
pub(super) fn cookies(text: &str) -> Option<CurlCookies> {
    let text = text.trim().trim_start_matches("$ ").trim_start_matches("> ");
    let first = text.split_whitespace().next()?;
    let is_curl = matches!(first, "curl" | "curl.exe");
    if !is_curl && !first.starts_with('-') {
        return None;
    }
    let mut words = words(text).into_iter().skip(usize::from(is_curl));
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let (option, value) = match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => match word.as_str() {
                "--header" => ('H', words.next()),
                "--cookie" => ('b', words.next()),
                long => {
                    if LONG_WITH_VALUE.contains(&long) {
                        words.next();
                    }
                    continue;
                }
            },
            // Several short options can be in one word. The value of the last one may follow without a space.
            Some(letters) => {
                let Some((at, option)) = letters.char_indices().find(|(_, letter)| WITH_VALUE.contains(*letter)) else {
                    continue;
                };
                let rest = letters.get(at + option.len_utf8()..).unwrap_or_default();
                (option, if rest.is_empty() { words.next() } else { Some(rest.to_owned()) })
            }
            None => continue,
        };
        let value = value.unwrap_or_default();
        match option {
            // As in curl, a value without an equals sign is the name of a file.
            'b' if !value.contains('=') => return Some(CurlCookies::InFile(value)),
            'b' => found.push(value),
            'H' => {
                if let Some((name, field)) = value.split_once(':')
                    && name.trim().eq_ignore_ascii_case("cookie")
                {
                    found.push(field.trim().to_owned());
                }
            }
            _ => {}
        }
    }
    Some(CurlCookies::Field(found.join("; ")))
}

/// Splits a command into words, as a POSIX shell does. Also understands `$'…'` and the `^` of the Windows command
/// prompt.
fn words(text: &str) -> Vec<String> {
    let is_cmd = text.contains("^\"") || text.contains("^\n") || text.contains("^\r\n");
    let text = if is_cmd { Cow::Owned(without_carets(text)) } else { Cow::Borrowed(text) };
    let mut letters = text.chars().peekable();
    let (mut words, mut word) = (Vec::new(), None::<String>);
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => words.extend(word.take()),
            '\\' => match letters.next() {
                // The line continues.
                Some('\n') | None => {}
                Some('\r') => {
                    letters.next_if_eq(&'\n');
                }
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            '\'' => word.get_or_insert_default().extend(letters.by_ref().take_while(|letter| *letter != '\'')),
            '"' => quoted(&mut letters, word.get_or_insert_default()),
            '$' if letters.next_if_eq(&'\'').is_some() => ansi_quoted(&mut letters, word.get_or_insert_default()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Removes the escapes of the Windows command prompt: `^` escapes the next character, and at the end of a line
/// continues the line.
fn without_carets(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match letter {
            '^' => plain.extend(letters.next().map(|next| if next == '\r' { ' ' } else { next })),
            letter => plain.push(letter),
        }
    }
    plain
}

/// Reads the rest of a part in double quotes.
fn quoted(letters: &mut Peekable<Chars<'_>>, word: &mut String) {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return,
            '\\' => match letters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some('\n') | None => {}
                Some(other) => word.extend(['\\', other]),
            },
            letter => word.push(letter),
        }
    }
}

/// Reads the rest of a `$'…'` string, which browsers use for text with special characters.
fn ansi_quoted(letters: &mut Peekable<Chars<'_>>, word: &mut String) {
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return,
            '\\' => match letters.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some(digits @ ('x' | 'u')) => {
                    let longest = if digits == 'x' { 2 } else { 4 };
                    let (mut code, mut count) = (0, 0);
                    while count < longest
                        && let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(16))
                    {
                        letters.next();
                        code = code * 16 + digit;
                        count += 1;
                    }
                    word.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(escaped) => word.push(escaped),
                None => return,
            },
            letter => word.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_out_of_copied_curl_commands() {
        let field = |cookies: &str| Some(CurlCookies::Field(cookies.to_owned()));
        for (command, expected) in [
            ("curl -H 'Cookie: a=1; b=2' https://site.example/", field("a=1; b=2")),
            ("curl https://site.example/ -b 'a=1; b=2'", field("a=1; b=2")),
            ("curl --cookie a=1 --header \"cookie: b=\\\"2\\\"\" -v https://site.example", field("a=1; b=\"2\"")),
            ("curl -ba=1 -HCookie:b=2 https://site.example", field("a=1; b=2")),
            ("curl -sSb a=1 https://site.example", field("a=1")),
            ("$ curl -X POST -d '-b x=1' -b a=1 https://site.example", field("a=1")),
            ("curl --data-raw '-b x=1' -b a=1 https://site.example", field("a=1")),
            ("curl 'https://site.example/' \\\n  -H 'accept: */*' \\\n  -b 'a=1' \\\n  --compressed", field("a=1")),
            ("curl 'https://site.example/' \\\r\n  -H 'Cookie: a=1'\r\n", field("a=1")),
            (
                "curl ^\"https://site.example/^\" ^\r\n  -H ^\"Cookie: a=1^%^20; b=2^\" ^\r\n  --insecure",
                field("a=1%20; b=2"),
            ),
            ("curl.exe \"https://site.example/\" -b $'a=\\u0021\\x41\\''", field("a=!A'")),
            ("-H 'Cookie: a=1'", field("a=1")),
            ("-b a=1", field("a=1")),
            ("curl -H 'Authorization: Bearer a.b.c' https://site.example", field("")),
            ("curl -H 'Cookie: a=1", field("a=1")),
            ("curl -b", Some(CurlCookies::InFile(String::new()))),
            ("curl -b jar.txt https://site.example", Some(CurlCookies::InFile("jar.txt".to_owned()))),
            ("Cookie: a=1", None),
            ("curly=1", None),
            ("", None),
        ] {
            assert_eq!(cookies(command), expected, "{command}");
        }
    }
}
