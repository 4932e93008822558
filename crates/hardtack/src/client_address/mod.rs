//! Finds the client's address, even if the client connects through proxies.
//!
//! 1. If the socket's peer is not a trusted proxy, that peer is the client, and header fields are ignored.
//! 2. If the peer is a trusted proxy, one header field is read: `X-Forwarded-For` or `Forwarded`, as configured. Each
//!    proxy appends the address of its own peer, so the field is read from the right. The first address that does not
//!    belong to a trusted proxy is the client's address. If a client sends the field itself, its entries are further to
//!    the left, so they are ignored.
//! 3. An entry that is not an address, such as `unknown`, ends the search. The proxy that wrote this entry then counts
//!    as the client.
//! 4. `X-Forwarded-Host` and `X-Forwarded-Proto` are ignored. If a trusted proxy sends a value that contradicts the
//!    base URL, a warning is logged.

mod address;
mod entries;
mod header;
mod notices;
mod trusted_proxies;

pub use address::ClientAddress;
pub use header::ForwardedHeader;
pub(crate) use notices::Notices;
pub use trusted_proxies::TrustedProxies;
