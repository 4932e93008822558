//! Extracts the cookies from a curl command, such as one that was copied from a browser ("Copy as cURL").

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// The cookies that a curl command sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CurlCookies {
    /// The value of the `Cookie` field. It is empty if the command sends no cookies.
    Field(String),
    /// The cookies are in a file that curl's `-b` option specifies.
    InFile(String),
}

/// The short curl options that take a value.
const WITH_VALUE: &str = "AbCcDdEeFHhKmoPQrTtUuwXxYyz";

/// The long curl options that take a value, and that either appear in commands copied from browsers or are used to log
/// in. `--header` and `--cookie` are handled separately.
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

/// Programs, such as `sudo`, that run the command given in their arguments.
const RUNNERS: [&str; 7] = ["command", "env", "exec", "nice", "nohup", "sudo", "time"];

/// Returns the cookies that each curl command in the text sends. The text can also consist of a command's options
/// alone. Returns `None` for any other text.
pub(super) fn cookies(text: &str) -> Option<Vec<CurlCookies>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for command in commands(text) {
        let is_options = command.first().is_some_and(|word| word.starts_with('-'));
        match (arguments_of_curl(&command), found.last_mut()) {
            (Some(arguments), _) => found.push(arguments.to_vec()),
            // A line that consists of options continues the previous command, even without a backslash.
            (None, Some(earlier)) if is_options => earlier.extend(command),
            (None, None) if is_options => found.push(command),
            (None, _) => {}
        }
    }
    (!found.is_empty()).then(|| found.into_iter().map(cookies_of).collect())
}

/// Returns the arguments of a curl command, or `None` if the command does not run curl. A shell prompt, variable
/// assignments, and [`RUNNERS`] with their options may come before `curl`.
fn arguments_of_curl(command: &[String]) -> Option<&[String]> {
    let is_prompt = |word: &str| matches!(word, ">" | "%" | "#") || word.ends_with('$');
    let is_variable = |word: &str| {
        let name = word.split_once('=').map(|(name, _)| name).unwrap_or_default();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_curl = |word: &str| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        matches!(name.as_str(), "curl" | "curl.exe")
    };
    let begin = command.iter().position(|word| !is_prompt(word) && !is_variable(word))?;
    let (first, rest) = command[begin..].split_first()?;
    if is_curl(first) {
        return Some(rest);
    }
    let is_run = RUNNERS.contains(&first.as_str());
    let at = rest.iter().position(|word| is_curl(word)).filter(|_| is_run)?;
    Some(&rest[at + 1..])
}

/// Returns the cookies that a curl command with these arguments sends.
fn cookies_of(arguments: Vec<String>) -> CurlCookies {
    let mut words = arguments.into_iter();
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
            // One word can contain several short options. The last option's value may follow without a space.
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
            'b' if !value.contains('=') => return CurlCookies::InFile(value),
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
    CurlCookies::Field(found.join("; "))
}

/// Splits the text into commands, and each command into words, as a POSIX shell does. Also understands `$'…'` and the
/// Windows command prompt's `^`. A single `&` inside a word does not separate commands, because URLs are not always
/// quoted.
fn commands(text: &str) -> Vec<Vec<String>> {
    let is_cmd = text.contains("^\"") || text.contains("^\n") || text.contains("^\r\n");
    let text = if is_cmd { Cow::Owned(without_carets(text)) } else { Cow::Borrowed(text) };
    let mut letters = text.chars().peekable();
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    while let Some(letter) = letters.next() {
        let is_end = match letter {
            '\n' | ';' | '|' => true,
            '&' => letters.next_if_eq(&'&').is_some() || letters.peek().is_none_or(|next| next.is_whitespace()),
            _ => false,
        };
        match letter {
            _ if is_end => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
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
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    commands
}

/// Removes the Windows command prompt's escapes: `^` escapes the next character. At the end of a line, `^` continues
/// the line.
fn without_carets(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match letter {
            '^' => match letters.next() {
                Some('\r') => {
                    letters.next_if_eq(&'\n');
                    plain.push(' ');
                }
                Some('\n') => plain.push(' '),
                next => plain.extend(next),
            },
            letter => plain.push(letter),
        }
    }
    plain
}

/// Reads the rest of a double-quoted part of a word.
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
        let field = |cookies: &str| Some(vec![CurlCookies::Field(cookies.to_owned())]);
        let file = |name: &str| Some(vec![CurlCookies::InFile(name.to_owned())]);
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
            ("curl -b", file("")),
            ("curl -b jar.txt https://site.example", file("jar.txt")),
            ("Cookie: a=1", None),
            ("curly=1", None),
            ("", None),
        ] {
            assert_eq!(cookies(command), expected, "{command}");
        }
    }

    #[test]
    fn curl_is_recognized_however_it_is_called() {
        for begin in [
            "curl",
            "/usr/bin/curl",
            "curl.exe",
            "CURL.EXE",
            "\"C:\\Windows\\System32\\curl.exe\"",
            "sudo curl",
            "sudo -u www /usr/bin/curl",
            "time curl",
            "time -p sudo curl",
            "LANG=C curl",
            "env LANG=C curl",
            "$ curl",
            "# curl",
            "> curl",
            "alice@host:~$ curl",
            "$ sudo curl",
        ] {
            let command = format!("{begin} -b a=1 https://site.example");
            assert_eq!(cookies(&command), Some(vec![CurlCookies::Field("a=1".to_owned())]), "{command}");
        }
        for other in ["wget -b a=1", "sudo wget -b a=1", "echo curl -b a=1", "curlie -b a=1"] {
            assert_eq!(cookies(other), None, "{other}");
        }
    }

    #[test]
    fn each_command_has_its_own_cookies() {
        let fields = |cookies: &[&str]| {
            Some(cookies.iter().map(|cookies| CurlCookies::Field((*cookies).to_owned())).collect::<Vec<_>>())
        };
        for (text, expected) in [
            ("curl -b a=1 x && curl -b b=2 y", fields(&["a=1", "b=2"])),
            ("curl -b a=1 x&&curl -b b=2 y", fields(&["a=1", "b=2"])),
            ("curl -b a=1 x; curl -b b=2 y", fields(&["a=1", "b=2"])),
            ("curl -b a=1 x || curl -b b=2 y", fields(&["a=1", "b=2"])),
            ("$ curl -b a=1 x\n$ curl -b b=2 y\n", fields(&["a=1", "b=2"])),
            ("curl x \\\n  -b a=1 ;\ncurl y \\\n  -b b=2", fields(&["a=1", "b=2"])),
            ("curl ^\"x^\" ^\r\n  -b ^\"a=1^\" &\r\ncurl ^\"y^\" ^\r\n  -b ^\"b=2^\"", fields(&["a=1", "b=2"])),
            ("curl x && curl -b b=2 y", fields(&["", "b=2"])),
            // Other commands' cookies don't count, and not every `&` or line break ends the command.
            ("curl -b a=1 x | jq -b b=2", fields(&["a=1"])),
            ("cd /tmp && curl -b a=1 x", fields(&["a=1"])),
            ("curl -b a=1 x; echo -b b=2", fields(&["a=1"])),
            ("curl -b 'a=1; b=2' 'x?c=1&d=2;e&&f'", fields(&["a=1; b=2"])),
            ("curl x?c=1&d=2 -b a=1", fields(&["a=1"])),
            ("curl x\n  -b a=1", fields(&["a=1"])),
        ] {
            assert_eq!(cookies(text), expected, "{text}");
        }
    }
}
