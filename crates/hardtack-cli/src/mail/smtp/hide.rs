//! Hides addresses, names and links in text from the mail server.

/// What the log shows instead of an address, a name or a link.
const HIDDEN: &str = "[hidden]";

/// A recipient's local part is hidden wherever it stands by itself, unless it is shorter than this. Shorter ones, such
/// as `a`, also occur in most replies as words or parts of numbers.
const SHORTEST_NAME: usize = 3;

/// How many times a word is percent-decoded. A link within a link is encoded twice.
const ENCODINGS: usize = 4;

/// What a mail server might repeat from an email, or from the log-in to the mail server. Mail servers often repeat the
/// recipient or the user name, and spam filters may repeat a link, which is as powerful as a password.
pub(super) struct Known {
    recipient: String,
    /// The recipient's local part, and the words of the user name.
    names: Vec<String>,
    /// The tokens in the email's links.
    tokens: Vec<String>,
}

impl Known {
    /// `letter` is the text of the email, and `user` is the user name of the log-in.
    pub(super) fn new(recipient: &str, letter: &str, user: Option<&str>) -> Self {
        let recipient = recipient.to_lowercase();
        let local = recipient.split_once('@').map(|(local, _)| local.to_owned());
        let local = local.filter(|local| local.chars().count() >= SHORTEST_NAME);
        let user = user.unwrap_or_default().to_lowercase();
        let names = local.into_iter().chain(user.split_whitespace().map(str::to_owned)).collect();
        let tokens = letter
            .split("token=")
            .skip(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase());
        let tokens = tokens.filter(|token| !token.is_empty()).collect();
        Self { recipient, names, tokens }
    }

    /// Replaces each address, each link and each known name or token in a text from the mail server.
    ///
    /// The text can contain anything, so this function hides too much rather than too little: it hides the whole word,
    /// up to the next space, quotation mark or angle bracket.
    pub(super) fn hide_in(&self, text: &str) -> String {
        let is_boundary = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
        let mut shown = String::with_capacity(text.len());
        for piece in text.split_inclusive(is_boundary) {
            let word = piece.trim_end_matches(is_boundary);
            match self.is_private(word) {
                true => shown.extend([HIDDEN, &piece[word.len()..]]),
                false => shown.push_str(piece),
            }
        }
        shown
    }

    /// Returns whether the word must be hidden, either as it is or percent-decoded.
    fn is_private(&self, word: &str) -> bool {
        let mut word = word.to_owned();
        for _ in 0..=ENCODINGS {
            let lower = word.to_lowercase();
            if self.is_address(&lower) || is_link(&lower) || self.contains_name(&lower) || self.contains_token(&lower) {
                return true;
            }
            let decoded = percent_decoded(&word);
            if decoded == word {
                return false;
            }
            word = decoded;
        }
        // No honest reply is encoded this many times.
        true
    }

    /// Some servers write the recipient without an `@`, for example as `ada=mail.example`.
    fn is_address(&self, word: &str) -> bool {
        let is_recipient = |(local, domain)| word.contains(local) && word.contains(domain);
        word.contains('@') || self.recipient.split_once('@').is_some_and(is_recipient)
    }

    /// Returns whether a known name stands in the word by itself, and not as a part of a longer name.
    fn contains_name(&self, word: &str) -> bool {
        self.names.iter().any(|name| {
            word.match_indices(name.as_str()).any(|(start, _)| {
                let is_outside = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
                is_outside(word[..start].chars().next_back()) && is_outside(word[start + name.len()..].chars().next())
            })
        })
    }

    fn contains_token(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| word.contains(token.as_str()))
    }
}

/// A link might have no scheme or no host. For example, a server may break the line within a link.
fn is_link(word: &str) -> bool {
    let host = word.split(['/', '?', '#']).next().unwrap_or_default();
    let has_path = host.len() < word.len() && host.contains('.');
    has_path || word.contains("://") || word.contains("www.") || word.contains("token=")
}

/// Decodes percent-encoded characters, and keeps each `%` that encodes nothing.
fn percent_decoded(word: &str) -> String {
    let mut decoded = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| byte == b'%' && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(encoded) => {
                decoded.push(encoded);
                rest = &after[2..];
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Known;

    const LETTER: &str = "Confirm the address:\nhttps://site.example/email/confirm?token=0123456789abcdef\nBye";

    #[track_caller]
    fn assert_shown(known: &Known, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(known.hide_in(text), *expected);
        }
    }

    #[test]
    fn addresses_and_links_are_hidden_and_other_words_are_not() {
        let known = Known::new("Ada@Mail.example", LETTER, None);
        let cases = [
            ("5.1.1 no such user <ada@mail.example>: gone", "5.1.1 no such user <[hidden]>: gone"),
            ("ADA@MAIL.EXAMPLE unknown\nother@b.example too", "[hidden] unknown\n[hidden] too"),
            ("bounce-ada=mail.example and ada%40mail.example", "[hidden] and [hidden]"),
            ("RCPT:ada@mail.example, \"ada@mail.example\"", "[hidden] \"[hidden]\""),
            ("spam: http://evil/?token=abc", "spam: [hidden]"),
            ("see site.example/email/confirm?to ken=abc, token=abc", "see [hidden] ken=abc, [hidden]"),
            ("see www.mail.example or HTTPS://b.example", "see [hidden] or [hidden]"),
            ("2 ü@x.example\u{1b}[31m", "2 [hidden]\u{1b}[31m"),
            ("no user at mail.example; TLS/SSL 5.7.1", "no user at mail.example; TLS/SSL 5.7.1"),
            ("100% full, 5%, %zz, %", "100% full, 5%, %zz, %"),
            ("a b  c\r\n", "a b  c\r\n"),
        ];
        assert_shown(&known, &cases);
    }

    #[test]
    fn names_are_hidden_where_they_stand_by_themselves() {
        let known = Known::new("Ada.L@mail.example", LETTER, Some("relay-7 Désirée"));
        let cases = [
            ("no mailbox ada.l here (ADA.L), 'ada.l': x", "no mailbox [hidden] here [hidden] [hidden] x"),
            ("user=relay-7; RELAY%2D7 failed; d%C3%A9sir%C3%A9e", "[hidden] [hidden] failed; [hidden]"),
            ("ada.lovelace xada.l relay-70 ada l", "ada.lovelace xada.l relay-70 ada l"),
        ];
        assert_shown(&known, &cases);
        // A short local part would hide other words, too.
        assert_shown(&Known::new("a@mail.example", LETTER, None), &[("not a user", "not a user")]);
    }

    #[test]
    fn tokens_are_hidden_in_any_encoding() {
        let known = Known::new("ada@mail.example", LETTER, None);
        let cases = [
            ("spam %2Femail%2Fconfirm%3Ftoken%3Dabc", "spam [hidden]"),
            ("spam %253Ftoken%253Dabc", "spam [hidden]"),
            ("id 0123456789ABCDEF, x-%30%3123456789abcdef.", "id [hidden] [hidden]"),
            ("%25252525252525252530", "[hidden]"),
            ("0123 token expired", "0123 token expired"),
        ];
        assert_shown(&known, &cases);
    }
}
