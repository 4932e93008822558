//! The client's address. If the socket's peer is a trusted proxy, this is the address that the proxy reports.
//! Otherwise, it is the peer's address.

use hardtack::client_address::{ForwardedHeader, TrustedProxies};
use serde_json::json;

use crate::harness::{Case, Site};

/// The header fields that each request contains, as a client or a proxy would send them.
const FIELDS: [(&str, &str); 5] = [
    ("x-forwarded-for", "198.51.100.1, ::ffff:192.0.2.9"),
    ("x-forwarded-for", "10.0.0.1"),
    ("forwarded", "for=198.51.100.1, for=\"[2001:db8::9]:443\""),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
];

/// The test cases. Each row contains a name, the trusted proxies, the header that is read, and the expected address and
/// network.
const CASES: [(&str, &[&str], ForwardedHeader, [&str; 2]); 4] = [
    ("no trusted proxy", &[], ForwardedHeader::XForwardedFor, ["127.0.0.1", "127.0.0.1"]),
    ("another proxy is trusted", &["10.0.0.0/8"], ForwardedHeader::XForwardedFor, ["127.0.0.1", "127.0.0.1"]),
    (
        "X-Forwarded-For through two proxies",
        &["127.0.0.0/8", "10.0.0.0/8"],
        ForwardedHeader::XForwardedFor,
        ["192.0.2.9", "192.0.2.9"],
    ),
    ("Forwarded", &["127.0.0.1"], ForwardedHeader::Forwarded, ["2001:db8::9", "2001:db8::"]),
];

pub(super) fn cases() -> Vec<Case> {
    let cases = CASES.into_iter().map(|(name, proxies, header, [address, network])| {
        Case::new(format!("client address: {name}"), move |site| expect(site, address, network))
            .configured(move |builder| builder.trusted_proxies(TrustedProxies::new(proxies).unwrap().header(header)))
    });
    cases.collect()
}

async fn expect(site: Site, address: &'static str, network: &'static str) {
    let mut client = site.visitor();
    let mut request = client.get("/client").accept_json();
    for (name, value) in FIELDS {
        request = request.add_header(name, value);
    }
    let response = request.send().await;
    site.expect("GET", &response, "200");
    site.expect_eq("address", response.json(), json!({ "address": address, "network": network }));
    // The session stores the address from which the user logged in.
    let mut request = client.post("/login").json(&json!({ "sub": "alice" }));
    for (name, value) in FIELDS {
        request = request.add_header(name, value);
    }
    site.expect("log-in", &request.send().await, "200 +access +refresh");
    let sessions = site.authenticator.sessions("alice").await.unwrap();
    let found: Vec<_> = sessions.iter().map(|session| session.address.as_deref()).collect();
    site.expect_eq("address of the session", found, vec![Some(address)]);
}
