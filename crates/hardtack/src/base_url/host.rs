//! The host and the port of the base URL.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host as browsers write it in an `Origin` (WHATWG URL Standard, section 3.5).
pub(super) enum Host {
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

const NO_NAME: &str = "its host must be a single host name without wildcards";

impl Host {
    /// Parses a host name, an IPv4 address with four decimal numbers, or an IPv6 address in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').and_then(|address| address.parse().ok());
            return address.map(Self::V6).ok_or("its host is not an IPv6 address");
        }
        let name = to_ascii(text)?.to_ascii_lowercase();
        let has_characters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let mut labels = name.strip_suffix('.').unwrap_or(&name).split('.');
        let last = labels.clone().next_back().unwrap_or_default();
        if !has_characters || labels.any(str::is_empty) {
            return Err(if text.is_empty() { "it has no host" } else { NO_NAME });
        }
        // If the last label of a host is a number, browsers read the host as an IPv4 address.
        if last.bytes().all(|byte| byte.is_ascii_digit()) || is_hexadecimal(last) {
            let error = "its host ends in a number, but is not an IPv4 address such as 192.0.2.1";
            return name.parse().map(Self::V4).map_err(|_| error);
        }
        Ok(Self::Name(name))
    }

    /// Returns whether only this machine can reach the host.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }

    pub(super) fn into_string(self) -> String {
        match self {
            Self::Name(name) => name,
            Self::V4(address) => address.to_string(),
            // Browsers write an IPv4-mapped address in hexadecimal, but `Ipv6Addr` displays its last 32 bits in
            // decimal.
            Self::V6(address) => match (address.to_ipv4_mapped(), address.segments()) {
                (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
                (None, _) => format!("[{address}]"),
            },
        }
    }
}

/// Splits `host:port` into the host and the port. The port is `None` if it is missing or empty.
pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    let host_end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some((host, port)) = authority.split_at(host_end).1.rsplit_once(':') else { return Ok((authority, None)) };
    let host = authority.split_at(host_end + host.len()).0;
    if port.is_empty() {
        return Ok((host, None));
    }
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_number);
    port.map(|port| (host, Some(port))).ok_or("its port is not a number from 0 to 65535")
}

fn is_hexadecimal(label: &str) -> bool {
    label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(feature = "idn")]
fn to_ascii(name: &str) -> Result<Cow<'_, str>, &'static str> {
    if name.is_ascii() {
        return Ok(Cow::Borrowed(name));
    }
    idna::domain_to_ascii(name).map(Cow::Owned).map_err(|_| NO_NAME)
}

#[cfg(not(feature = "idn"))]
fn to_ascii(name: &str) -> Result<Cow<'_, str>, &'static str> {
    match name.is_ascii() {
        true => Ok(Cow::Borrowed(name)),
        false => {
            Err("its host contains non-ASCII letters; write the host in its ASCII form, which begins with xn--, or \
                      enable the hardtack crate's feature `idn`")
        }
    }
}
