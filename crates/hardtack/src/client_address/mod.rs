//! The client's address, also behind proxies.
//!
//! 1. Without trusted proxies, the client is the socket's peer. Header fields change nothing.
//! 2. If the peer is a trusted proxy, one header field is read: `X-Forwarded-For` or `Forwarded`, whichever is
//!    configured. Each proxy appends the address of its own peer, so the field is read from the right: the first
//!    address that is not a trusted proxy's is the client's. What a client writes into the field is further to the
//!    left.
//! 3. An entry that is no address, such as `unknown`, ends the search: the client is then the proxy that wrote it.
//! 4. `X-Forwarded-Host` and `X-Forwarded-Proto` change nothing. If a trusted proxy sends them and they contradict the
//!    base URL, that is logged.

mod address;
mod entries;
mod header;
mod notices;
mod trusted_proxies;

pub use address::ClientAddress;
pub use header::ForwardedHeader;
pub(crate) use notices::Notices;
pub use trusted_proxies::TrustedProxies;
