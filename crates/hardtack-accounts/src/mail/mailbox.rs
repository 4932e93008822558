//! The keys of the counters that limit emails to an address. All spellings of an address have the same key.

use unicode_normalization::UnicodeNormalization;

/// Returns the same string for every spelling of an address. The string is in lower case, and its domain is in ASCII
/// form. So `Bücher.example`, `xn--bcher-kva.example` and a domain with full-width letters or dots (UTS #46) count as
/// the same domain.
pub(super) fn address(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    format!("{}@{}", lower(local), domain_of(domain))
}

/// Returns the same string for every address that leads to the same mailbox. The string omits a tag such as `+shop`,
/// because many providers deliver `ada+shop@…` to `ada@…`.
pub(super) fn mailbox(text: &str) -> String {
    let address = address(text);
    match address.split_once('@').and_then(|(local, domain)| Some((local.split_once('+')?.0, domain))) {
        Some((local, domain)) if !local.is_empty() => format!("{local}@{domain}"),
        _ => address,
    }
}

/// Returns the domain of an address, spelled as in [`address`].
pub(super) fn domain(address: &str) -> String {
    address.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain_of(domain))
}

/// The prefix of a withheld email's key. No address contains a space, so the key of an address never begins with this
/// prefix.
const WITHHELD: &str = "withheld ";

/// Returns the key under which a withheld email is stored, so that it does not count as an email to the mailbox.
pub(super) fn withheld(key: &str) -> String {
    format!("{WITHHELD}{key}")
}

/// Returns whether a key was made by [`withheld`].
pub(super) fn is_withheld(key: &str) -> bool {
    key.starts_with(WITHHELD)
}

fn domain_of(domain: &str) -> String {
    let ascii = idna::domain_to_ascii(domain).unwrap_or_else(|_| lower(domain));
    ascii.trim_end_matches('.').to_owned()
}

fn lower(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l3_spellings_and_tags_do_not_make_another_mailbox() {
        for (text, same) in [
            ("Ada@Mail.Example", "ada@mail.example"),
            ("ada+1@mail.example", "ada@mail.example"),
            ("ada+1+2@mail.example", "ada@mail.example"),
            ("+ada@mail.example", "+ada@mail.example"),
            ("ada@mail.example.", "ada@mail.example"),
            ("ada@ｍａｉｌ.example", "ada@mail.example"),
            ("ada@mail．example", "ada@mail.example"),
            ("ada@mail。example", "ada@mail.example"),
            ("ada@MAIL｡example", "ada@mail.example"),
            ("ada@ma\u{ad}il.example", "ada@mail.example"),
            ("ａｄａ＋1@mail.example", "ada@mail.example"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@b\u{75}\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
            // The domain is not valid, but the address is still counted.
            ("ada@-Mail+1.example", "ada@-mail+1.example"),
        ] {
            assert_eq!(mailbox(text), same, "{text}");
        }
        assert_eq!(address("Ada+1@Mail．Example"), "ada+1@mail.example");
        assert_eq!(domain("ada@Mail．Example"), "mail.example");
        assert_eq!(domain("none"), "");
        assert!(is_withheld(&withheld("ada@mail.example")) && !is_withheld("ada@mail.example"));
    }
}
