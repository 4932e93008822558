//! Reads the addresses in `X-Forwarded-For` and `Forwarded` fields, from right to left.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::header::ForwardedHeader;

/// Returns the addresses in the fields, from right to left. An entry that is not an address becomes `None`. Several
/// fields form one list (RFC 9110 section 5.3): some proxies add a field, and others extend the last field.
pub(super) fn from_the_right<'f>(
    fields: &'f [&'f [u8]],
    header: ForwardedHeader,
) -> impl Iterator<Item = Option<IpAddr>> + 'f {
    let elements = fields.iter().rev().flat_map(|field| RightSplit::new(field, b',')).filter(|text| !text.is_empty());
    elements.map(move |element| match header {
        ForwardedHeader::XForwardedFor => node(element),
        ForwardedHeader::Forwarded => forwarded_for(element),
    })
}

/// Returns the address in the `for` parameter of a `Forwarded` element (RFC 7239 section 4).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut address = None;
    // A pair may be empty (RFC 7239 section 4).
    for pair in RightSplit::new(element, b';').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_at_checked(pair.iter().position(|byte| *byte == b'=')?)?;
        if name.trim_ascii().eq_ignore_ascii_case(b"for") {
            let value = value[1..].trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            // A second `for` makes the element malformed (RFC 7239 section 4).
            if address.replace(node(value)).is_some() {
                return None;
            }
        }
    }
    address.flatten()
}

/// Parses an address, with or without a port. An IPv6 address may be in brackets. Returns `None` for names and for
/// `unknown`.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let ip = text.parse::<IpAddr>().ok().or_else(bracketed).or_else(with_port)?;
    Some(ip.to_canonical())
}

/// Splits a field value at each delimiter outside quoted strings, starting from the right, and trims the parts.
///
/// The right-hand part of the value was appended by a proxy, so it is well-formed. The left-hand part comes from the
/// client, and might contain an unpaired quotation mark. If the value were split from the left, such a quotation mark
/// would hide the proxy's part.
struct RightSplit<'f> {
    rest: Option<&'f [u8]>,
    delimiter: u8,
}

impl<'f> RightSplit<'f> {
    fn new(text: &'f [u8], delimiter: u8) -> Self {
        Self { rest: Some(text), delimiter }
    }
}

impl<'f> Iterator for RightSplit<'f> {
    type Item = &'f [u8];

    fn next(&mut self) -> Option<&'f [u8]> {
        let text = self.rest.take()?;
        let mut quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            match *byte {
                // A quotation mark after an odd number of backslashes does not begin or end a quoted string.
                b'"' => quoted ^= text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0,
                byte if byte == self.delimiter && !quoted => {
                    self.rest = Some(&text[..at]);
                    return Some(text[at + 1..].trim_ascii());
                }
                _ => {}
            }
        }
        Some(text.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: ForwardedHeader, fields: &[&str]) -> Vec<Option<String>> {
        let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
        from_the_right(&fields, header).map(|ip| ip.map(|ip| ip.to_string())).collect()
    }

    fn ips(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn x_forwarded_for_is_one_list() {
        let read = |fields: &[&str]| read(ForwardedHeader::XForwardedFor, fields);
        assert_eq!(read(&["192.0.2.1, 10.0.0.1", "10.0.0.2"]), ips(&["10.0.0.2", "10.0.0.1", "192.0.2.1"]));
        assert_eq!(read(&["192.0.2.1:80,[2001:db8::1]:443"]), ips(&["2001:db8::1", "192.0.2.1"]));
        assert_eq!(read(&["[2001:db8::1],2001:db8::2"]), ips(&["2001:db8::2", "2001:db8::1"]));
        assert_eq!(read(&["::ffff:192.0.2.1"]), ips(&["192.0.2.1"]));
        assert_eq!(read(&[", ,unknown, 1.2.3, fe80::1%1"]), ips(&["", "", ""]));
        assert_eq!(read(&[""]), ips(&[]));
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let read = |fields: &[&str]| read(ForwardedHeader::Forwarded, fields);
        assert_eq!(
            read(&["for=192.0.2.43, For=\"[2001:db8:cafe::17]:4711\";proto=https;by=203.0.113.43"]),
            ips(&["2001:db8:cafe::17", "192.0.2.43"])
        );
        assert_eq!(read(&["for=unknown, for=_hidden, proto=http"]), ips(&["", "", ""]));
        assert_eq!(read(&["for=192.0.2.1;for=192.0.2.2"]), ips(&[""]));
        assert_eq!(read(&["host=\"a;for=192.0.2.9\";for=192.0.2.1"]), ips(&["192.0.2.1"]));
        // Pairs can be empty, and so can elements.
        assert_eq!(read(&["for=192.0.2.1;", ";for=192.0.2.2;;proto=https,, ,"]), ips(&["192.0.2.2", "192.0.2.1"]));
        // A quotation mark from the client cannot hide the part that the proxy appends.
        assert_eq!(read(&["for=\"x, for=192.0.2.1"])[0], Some("192.0.2.1".to_owned()));
        assert_eq!(read(&["for=\"192.0.2.9\\\", for=\"192.0.2.1\""])[0], Some("192.0.2.1".to_owned()));
    }

    /// An address, and a `Forwarded` element that contains it.
    fn element() -> impl Strategy<Value = (IpAddr, String)> {
        let address = prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u16; 8]>().prop_map(IpAddr::from),
            any::<[u8; 4]>().prop_map(|v4| std::net::Ipv4Addr::from(v4).to_ipv6_mapped().into()),
        ];
        (address, prop::option::of(any::<u16>()), any::<bool>(), 0..6_u8).prop_map(|(address, port, quoted, style)| {
            let node = match (address, port) {
                (IpAddr::V4(v4), None) => v4.to_string(),
                (IpAddr::V4(v4), Some(port)) => format!("{v4}:{port}"),
                (IpAddr::V6(v6), None) => format!("[{v6}]"),
                (IpAddr::V6(v6), Some(port)) => format!("[{v6}]:{port}"),
            };
            let quoted = quoted || node.contains(':');
            let node = if quoted { format!("\"{node}\"") } else { node };
            let element = match style {
                0 => format!("for={node}"),
                1 => format!("FOR={node};proto=https;by=203.0.113.43"),
                2 => format!(";host=\"a,for=192.0.2.9;b\";For={node};"),
                3 => format!("host=\"a\\\"b, for=192.0.2.9\" ; for={node}"),
                4 => format!("proto=http;;for={node};host=\"\\\\\""),
                _ => format!("x=\"\";for={node}"),
            };
            (address.to_canonical(), element)
        })
    }

    proptest! {
        #[test]
        fn well_formed_elements_are_read_in_any_number_of_fields(
            elements in prop::collection::vec((element(), 0..5_u8), 1..6),
        ) {
            let mut fields = vec![String::new()];
            for ((_, element), separator) in &elements {
                match separator {
                    0 => fields.push(String::new()),
                    1 => fields.extend([String::new(), ", ".to_owned()]),
                    _ => {}
                }
                let separator = ["", "", ",", ", ", " ,, ,"][usize::from(*separator)];
                let field = fields.last_mut().unwrap();
                field.push_str(if field.trim_matches([',', ' ']).is_empty() { "" } else { separator });
                field.push_str(element);
            }
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            let expected: Vec<_> = elements.iter().rev().map(|((ip, _), _)| Some(ip.to_string())).collect();
            prop_assert_eq!(read(ForwardedHeader::Forwarded, &fields), expected, "{:?}", fields);
        }

        #[test]
        fn any_fields_are_read_without_a_panic(fields in prop::collection::vec("[ -~\u{80}-\u{ff}]{0,40}", 0..4)) {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            for header in [ForwardedHeader::Forwarded, ForwardedHeader::XForwardedFor] {
                read(header, &fields);
            }
        }

        #[test]
        fn what_a_proxy_appends_is_read_first(junk in "[ -~]{0,60}") {
            let field = format!("{junk}, for=\"[2001:db8::7]:443\"");
            prop_assert_eq!(&read(ForwardedHeader::Forwarded, &[&field])[0], &Some("2001:db8::7".to_owned()));
            let field = format!("{junk}, 192.0.2.7");
            prop_assert_eq!(&read(ForwardedHeader::XForwardedFor, &[&field])[0], &Some("192.0.2.7".to_owned()));
        }
    }
}
