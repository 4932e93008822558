//! The `Host` field of a request (RFC 9112 §3.2).

use crate::harness::{ACCESS, Case, RawConnection, Site, cookie_value, csrf_token};

/// The cases. Each row contains a description and the request's `Host` fields.
const BAD: &[(&str, &[&str])] = &[
    ("no Host", &[]),
    ("an empty Host", &[""]),
    ("two Hosts", &["site.example", "site.example"]),
    ("two different Hosts", &["site.example", "evil.example"]),
    ("a Host with a space and a path", &["a b/@c"]),
    ("a Host with a user name", &["user@site.example"]),
];

const GOOD: &[(&str, &[&str])] = &[
    ("a host name", &["site.example"]),
    ("a host name with a port", &["site.example:443"]),
    ("an IPv6 address", &["[::1]:8080"]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(name, hosts) in BAD {
        cases.push(Case::new(format!("hosts: a POST with {name} is refused"), move |site| async move {
            // A server might refuse the request before the adapter sees it, so the response can have any body.
            site.expect_eq("status", post(&site, hosts).await, 400);
            site.expect_eq("handler runs", site.calls().await, 0);
        }));
    }
    for &(name, hosts) in GOOD {
        cases.push(Case::new(format!("hosts: a POST with {name} is accepted"), move |site| async move {
            site.expect_eq("status", post(&site, hosts).await, 200);
        }));
    }
    cases
}

/// Sends a POST with these `Host` fields as a logged-in API client, and returns the status.
async fn post(site: &Site, hosts: &[&str]) -> u16 {
    let alice = site.alice().await;
    let mut head = "POST /guarded/page HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n".to_owned();
    for host in hosts {
        head += &format!("Host: {host}\r\n");
    }
    let (access, csrf) = (cookie_value(&alice, ACCESS), csrf_token(&alice));
    head += &format!("Cookie: {ACCESS}={access}\r\nX-CSRF-TOKEN: {csrf}\r\n\r\n");
    let mut connection = RawConnection::open(site.address).await;
    connection.write(head.as_bytes()).await;
    connection.read_response().await.status.as_u16()
}
