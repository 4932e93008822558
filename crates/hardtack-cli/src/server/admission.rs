//! Counts and limits the open connections, in total and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hardtack::client_address::ClientAddress;

use super::limits::{Limits, NOTICE_INTERVAL, OVERFLOW, OVERFLOW_PER_ADDRESS};

/// Decides which connections are served.
pub(super) struct Admission {
    limits: Limits,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// The number of open connections in each [`Lane`].
    open: [usize; 2],
    /// The number of open connections in each [`Lane`], for each address that is counted.
    by_address: HashMap<IpAddr, [usize; 2]>,
    /// The number of connections beyond the limit since the limit was last logged.
    refused: u64,
    noticed: Option<Instant>,
}

/// How a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The connection is served as usual.
    Normal,
    /// The connection exceeds a limit. Each request on this connection gets 503, except a health probe.
    Overflow,
}

/// An open connection. The connection is counted until its `Slot` is dropped.
pub(super) struct Slot {
    admission: Arc<Admission>,
    address: Option<IpAddr>,
    pub(super) lane: Lane,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a connection and decides how to serve it. Returns `None` if the overflow lane is full as well. The caller
    /// must then close the connection at once.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let address = self.counted(peer);
        let mut counts = self.counts();
        let own = address.and_then(|address| counts.by_address.get(&address).copied()).unwrap_or_default();
        let limits = [self.limits.connections, OVERFLOW];
        let own_limits = [self.limits.connections_per_address, OVERFLOW_PER_ADDRESS];
        let has_room = |lane: Lane| {
            let lane = lane as usize;
            counts.open[lane] < limits[lane] && (address.is_none() || own[lane] < own_limits[lane])
        };
        let lane = [Lane::Normal, Lane::Overflow].into_iter().find(|lane| has_room(*lane));
        if lane != Some(Lane::Normal) {
            self.notice(&mut counts, peer);
        }
        let lane = lane?;
        counts.open[lane as usize] += 1;
        if let Some(address) = address {
            counts.by_address.entry(address).or_default()[lane as usize] += 1;
        }
        drop(counts);
        Some(Slot { admission: Arc::clone(self), address, lane })
    }

    /// Returns the address that a connection is counted under. Returns `None` for connections from trusted proxies and
    /// from this machine, where only proxies and probes run.
    fn counted(&self, peer: IpAddr) -> Option<IpAddr> {
        let address = ClientAddress::from(peer);
        let is_exempt = address.ip().is_loopback() || self.limits.proxies.trust(address.ip());
        (!is_exempt).then(|| address.network())
    }

    /// Logs that there are too many connections, at most once a minute.
    fn notice(&self, counts: &mut Counts, peer: IpAddr) {
        counts.refused += 1;
        if counts.noticed.is_some_and(|at| at.elapsed() < NOTICE_INTERVAL) {
            return;
        }
        counts.noticed = Some(Instant::now());
        let refused = std::mem::take(&mut counts.refused);
        let Limits { connections, connections_wanted, .. } = self.limits;
        if counts.open[Lane::Normal as usize] >= connections {
            let advice = match connections < connections_wanted {
                true => "raise the limit on open files (see few_open_files)",
                false => "raise max_connections",
            };
            tracing::warn!(
                event = "connections_refused",
                refused,
                "further connections are refused, because the server already has {connections} connections; if this is \
                 not an attack, {advice}"
            );
        } else {
            tracing::warn!(
                event = "connections_refused",
                refused,
                address = %peer,
                "further connections from {peer} are refused, because {peer} already has {} connections; if {peer} is \
                 your proxy, add the address to trusted_proxies, or raise max_connections_per_address",
                self.limits.connections_per_address
            );
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (lane, mut counts) = (self.lane as usize, self.admission.counts());
        counts.open[lane] -= 1;
        let Some(address) = self.address else { return };
        if let Some(own) = counts.by_address.get_mut(&address) {
            own[lane] -= 1;
            if *own == [0, 0] {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hardtack::client_address::TrustedProxies;

    use super::*;

    fn admission(connections: usize, connections_per_address: usize) -> Arc<Admission> {
        let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
        let body_timeout = Duration::from_secs(1);
        let connections_wanted = connections;
        Admission::new(Limits { connections, connections_wanted, connections_per_address, body_timeout, proxies })
    }

    fn lanes(admission: &Arc<Admission>, peer: &str, count: usize) -> (Vec<Slot>, [usize; 2]) {
        let slots: Vec<Slot> = (0..count).filter_map(|_| admission.admit(peer.parse().unwrap())).collect();
        let normal = slots.iter().filter(|slot| slot.lane == Lane::Normal).count();
        let lanes = [normal, slots.len() - normal];
        (slots, lanes)
    }

    #[test]
    fn l1_an_address_has_a_share_of_the_connections() {
        let admission = admission(100, 10);
        let (slots, counts) = lanes(&admission, "192.0.2.1", 50);
        assert_eq!(counts, [10, OVERFLOW_PER_ADDRESS]);
        // All addresses of one IPv6 network count as one address. An IPv4-mapped address counts as its IPv4 address.
        assert_eq!(lanes(&admission, "::ffff:192.0.2.1", 1).1, [0, 0]);
        let (one, counts) = lanes(&admission, "2001:db8::1", 6);
        assert_eq!((counts, lanes(&admission, "2001:db8::2", 6).1), ([6, 0], [4, 2]));
        drop((slots, one));
        assert_eq!(lanes(&admission, "192.0.2.1", 10).1, [10, 0]);
        assert!(admission.counts().by_address.is_empty());
    }

    #[test]
    fn l1_all_connections_are_bounded_and_a_proxy_may_have_them_all() {
        let (_local, counts) = lanes(&admission(20, 10), "127.0.0.1", 200);
        assert_eq!(counts, [20, OVERFLOW]);
        let admission = admission(20, 10);
        let (_proxy, counts) = lanes(&admission, "10.1.2.3", 200);
        assert_eq!(counts, [20, OVERFLOW]);
        assert!(admission.admit("192.0.2.1".parse().unwrap()).is_none());
    }
}
