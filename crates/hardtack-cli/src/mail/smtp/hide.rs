//! Hides addresses and links in text from the mail server.

/// What the log shows instead of an address or a link.
const HIDDEN: &str = "[hidden]";

/// Replaces each address and each link in a text from the mail server. Mail servers often repeat the recipient, and
/// spam filters may repeat a link, which is as powerful as a password.
///
/// The text can contain anything, so this function hides too much rather than too little: it hides the whole word, up
/// to the next space, quotation mark or angle bracket.
pub(super) fn addresses_and_links(text: &str, recipient: &str) -> String {
    let recipient = recipient.to_lowercase();
    let is_boundary = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_boundary) {
        let word = piece.trim_end_matches(is_boundary);
        let lower = word.to_lowercase();
        match is_address(&lower, &recipient) || is_link(&lower) {
            true => shown.extend([HIDDEN, &piece[word.len()..]]),
            false => shown.push_str(piece),
        }
    }
    shown
}

/// Some servers write the recipient without an `@`, for example as `ada=mail.example` or `ada%40mail.example`.
fn is_address(word: &str, recipient: &str) -> bool {
    let is_recipient = |(local, domain)| word.contains(local) && word.contains(domain);
    word.contains('@') || recipient.split_once('@').is_some_and(is_recipient)
}

/// A link might have no scheme or no host. For example, a server may break the line within a link.
fn is_link(word: &str) -> bool {
    let host = word.split(['/', '?', '#']).next().unwrap_or_default();
    let has_path = host.len() < word.len() && host.contains('.');
    has_path || word.contains("://") || word.contains("www.") || word.contains("token=")
}

#[cfg(test)]
mod tests {
    use super::addresses_and_links;

    #[test]
    fn addresses_and_links_are_hidden_and_other_words_are_not() {
        let shown = |text| addresses_and_links(text, "Ada@Mail.example");
        for (text, expected) in [
            ("5.1.1 no such user <ada@mail.example>: gone", "5.1.1 no such user <[hidden]>: gone"),
            ("ADA@MAIL.EXAMPLE unknown\nother@b.example too", "[hidden] unknown\n[hidden] too"),
            ("bounce-ada=mail.example and ada%40mail.example", "[hidden] and [hidden]"),
            ("RCPT:ada@mail.example, \"ada@mail.example\"", "[hidden] \"[hidden]\""),
            ("spam: http://evil/?token=abc", "spam: [hidden]"),
            ("see site.example/email/confirm?to ken=abc, token=abc", "see [hidden] ken=abc, [hidden]"),
            ("see www.mail.example or HTTPS://b.example", "see [hidden] or [hidden]"),
            ("2 ü@x.example\u{1b}[31m", "2 [hidden]\u{1b}[31m"),
            ("no user ada at mail.example; TLS/SSL 5.7.1", "no user ada at mail.example; TLS/SSL 5.7.1"),
            ("a b  c\r\n", "a b  c\r\n"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
