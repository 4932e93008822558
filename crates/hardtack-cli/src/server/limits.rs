//! The server's limits, which are explained in `docs/limits.md`.

use std::time::Duration;

use hardtack::client_address::TrustedProxies;

/// The limits that an operator can set.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How many connections can be open at once.
    pub(crate) connections: usize,
    /// How many connections the operator wants to allow. `connections` is lower if the limit on open files is too low.
    pub(crate) connections_wanted: usize,
    /// How many connections from one address (for IPv6, from one /64 network) can be open at once. Trusted proxies and
    /// this machine have no such limit.
    pub(crate) connections_per_address: usize,
    /// How long a client may take to send the body of a request.
    pub(crate) body_timeout: Duration,
    /// The trusted proxies, each of which may have any number of connections.
    pub(crate) proxies: TrustedProxies,
}

/// How many connections beyond the limit are kept open for a moment. A request on such a connection gets 503, but a
/// probe gets the normal response.
pub(super) const OVERFLOW: usize = 128;

/// How many connections beyond the limit can come from one address.
pub(super) const OVERFLOW_PER_ADDRESS: usize = 16;

/// How long a connection beyond the limit can stay open.
pub(super) const OVERFLOW_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a client may take to send the head of a request, and how long an HTTP/1.1 connection may be idle.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long an HTTP/2 connection may be idle. A connection counts as idle once all its responses have begun, even if
/// the client is still receiving them.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may pause while it sends a body or reads a response.
pub(super) const PAUSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an HTTP/2 client is pinged, and how long it may take to reply.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(30);
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests in flight may still take once the server has been told to stop.
pub(super) const GRACE_PERIOD: Duration = Duration::from_secs(10);

/// How long to wait after the operating system has failed to accept a connection, for example because there were no
/// file descriptors left.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How often connections beyond the limit are logged.
pub(super) const NOTICE_INTERVAL: Duration = Duration::from_secs(60);

/// How many header fields a request may have.
pub(super) const FIELDS: usize = 100;

/// The longest head of an HTTP/1.1 request, in bytes. Two tokens take up to 8 KiB.
pub(super) const HTTP1_HEAD: usize = 32 * 1024;

/// How many requests an HTTP/2 client may have in progress on one connection at the same time.
pub(super) const HTTP2_STREAMS: u32 = 32;

/// The maximum total size of the header fields of an HTTP/2 request, in bytes. The size of a field is the number of
/// bytes in its name and value, plus 32 (RFC 9113 section 6.5.2).
pub(super) const HTTP2_HEAD: u32 = 16 * 1024;

/// How many bytes of a request body are buffered per stream until the route reads them.
pub(super) const HTTP2_STREAM_WINDOW: u32 = 32 * 1024;
/// How many bytes of request bodies are buffered in total for all streams of a connection.
pub(super) const HTTP2_CONNECTION_WINDOW: u32 = 256 * 1024;

/// How many bytes of a response are buffered until the client reads them.
pub(super) const HTTP2_SEND_BUFFER: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_an_http_2_connection_holds_at_most_1_mib() {
        let streams = HTTP2_STREAMS as usize;
        let held = streams * (HTTP2_HEAD as usize + HTTP2_SEND_BUFFER) + HTTP2_CONNECTION_WINDOW as usize;
        assert!(held <= 1024 * 1024, "{held}");
    }
}
