//! Detects lasting differences between this server and another server in something that all servers should share.

use std::time::Duration;

use super::table::RENEWAL;

/// How another server differs from this server.
#[derive(Debug)]
pub(super) struct Difference {
    other: Option<String>,
    /// How many renewals the difference has lasted.
    renewals: u32,
    /// The number of renewals after which the difference is reported.
    lasting: u32,
}

impl Difference {
    /// A difference that is reported once it has lasted longer than `span`, rounded up to whole renewals.
    pub(super) fn longer_than(span: Duration) -> Self {
        let renewals = span.as_secs().div_ceil(RENEWAL.as_secs());
        Self { other: None, renewals: 0, lasting: u32::try_from(renewals).unwrap_or(u32::MAX).saturating_add(1) }
    }

    /// Call this method at each renewal. `other` identifies what another server uses, or is `None` if no other server
    /// differs from this one. Returns `true` only once, when the difference has lasted long enough.
    pub(super) fn has_lasted(&mut self, other: Option<&str>) -> bool {
        let is_same = other.is_some() && self.other.as_deref() == other;
        self.renewals = if is_same { self.renewals.saturating_add(1) } else { 0 };
        self.other = other.map(str::to_owned);
        is_same && self.renewals == self.lasting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_lasts_is_reported_once() {
        let mut difference = Difference::longer_than(RENEWAL);
        let mut has_lasted = |other| difference.has_lasted(other);
        assert_eq!([(); 5].map(|()| has_lasted(Some("1"))), [false, false, true, false, false]);
        // The count starts over if another value differs, or if the difference disappears and comes back.
        assert_eq!([(); 2].map(|()| has_lasted(Some("2"))), [false, false]);
        assert!(!has_lasted(None));
        assert_eq!([(); 3].map(|()| has_lasted(Some("2"))), [false, false, true]);
    }

    #[test]
    fn a_span_is_rounded_up() {
        for (seconds, renewals) in [(0, 1), (1, 2), (10, 2), (15, 3), (72, 9)] {
            assert_eq!(Difference::longer_than(Duration::from_secs(seconds)).lasting, renewals, "{seconds}");
        }
    }
}
