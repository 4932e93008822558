//! The recorded activity, as shown on the device page.

use std::borrow::Cow;

use hardtack::clock::Timestamp;

use crate::activity::{Activity, ActivityKind, MAX_FAILED_LOG_INS};
use crate::pages::{ActivityRow, TimeText, device_name};

/// The maximum number of addresses whose failed log-ins get a row of their own.
const MAX_ADDRESSES: usize = 4;

/// Returns a row for each activity, newest first. Failed log-ins from one address share a row, which shows the time of
/// the last failed log-in. Failed log-ins from any addresses beyond the first [`MAX_ADDRESSES`] share one more row.
pub(super) fn activity_rows(activities: &[Activity], now: Timestamp) -> Vec<ActivityRow> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for activity in activities {
        let is_failed = activity.kind == ActivityKind::LogInFailed;
        let addresses = groups.iter().filter(|group| group.is_failed()).count();
        let same = groups.iter_mut().find(|group| {
            is_failed
                && group.is_failed()
                && (group.others > 0 || group.last.request.address == activity.request.address)
        });
        match same {
            Some(group) => group.add(activity),
            None if is_failed && addresses == MAX_ADDRESSES => groups.push(Group { others: 1, ..Group::of(activity) }),
            None => groups.push(Group::of(activity)),
        }
    }
    let total: usize = groups.iter().filter(|group| group.is_failed()).map(|group| group.count).sum();
    let is_cut = total >= MAX_FAILED_LOG_INS as usize;
    groups.iter().map(|group| group.row(is_cut, now)).collect()
}

/// Activities that share a row.
struct Group<'a> {
    /// The newest activity.
    last: &'a Activity,
    count: usize,
    /// Equal to `count` in the row that several addresses share, and zero in all other rows.
    others: usize,
}

impl<'a> Group<'a> {
    const fn of(last: &'a Activity) -> Self {
        Self { last, count: 1, others: 0 }
    }

    fn is_failed(&self) -> bool {
        self.last.kind == ActivityKind::LogInFailed
    }

    fn add(&mut self, activity: &Activity) {
        self.count += 1;
        if self.others > 0 {
            self.others += 1;
        }
        debug_assert_eq!(self.last.kind, activity.kind);
    }

    fn row(&self, is_cut: bool, now: Timestamp) -> ActivityRow {
        let Self { last, count, others } = self;
        let more = if is_cut { " or more" } else { "" };
        let address = last.request.address.as_deref();
        let text: Cow<'static, str> = match (count, others, address) {
            (1, 1.., _) => "Wrong password entered from another address".into(),
            (_, 1.., _) => format!("Wrong password entered {count}{more} times from other addresses").into(),
            (2.., 0, Some(address)) => format!("Wrong password entered {count}{more} times from {address}").into(),
            (2.., 0, None) => format!("Wrong password entered {count}{more} times").into(),
            _ => last.kind.text().into(),
        };
        ActivityRow {
            is_suspicious: last.kind.is_suspicious(),
            at: TimeText::new(last.request.at, now),
            device: last.request.user_agent.as_deref().filter(|_| *others == 0).map(device_name),
            address: address.filter(|_| *count == 1 && *others == 0).map(str::to_owned),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::RequestInfo;

    fn activity(kind: ActivityKind, address: &str) -> Activity {
        let at = Timestamp::from_unix_seconds(1_800_000_000);
        let request = RequestInfo { at, address: Some(address.to_owned()), user_agent: None };
        Activity { kind, session: None, request }
    }

    fn texts(activities: &[Activity]) -> Vec<String> {
        let rows = activity_rows(activities, Timestamp::from_unix_seconds(1_800_000_060));
        rows.into_iter().map(|row| row.text.into_owned()).collect()
    }

    #[test]
    fn a10_failed_log_ins_are_counted_by_address() {
        let failed = |address: &str| activity(ActivityKind::LogInFailed, address);
        let mut all = vec![failed("192.0.2.1"); 29];
        all.push(activity(ActivityKind::LogIn, "192.0.2.9"));
        all.push(failed("192.0.2.1"));
        all.push(failed("192.0.2.2"));
        assert_eq!(
            texts(&all),
            ["Wrong password entered 30 times from 192.0.2.1", "Logged in", "Wrong password entered"]
        );

        let many: Vec<_> = (0..9).map(|host| failed(&format!("192.0.2.{host}"))).collect();
        let rows = texts(&many);
        assert_eq!(
            (rows.len(), rows.last().map(String::as_str)),
            (5, Some("Wrong password entered 5 times from other addresses"))
        );
        assert_eq!(texts(&many[..5]).last().map(String::as_str), Some("Wrong password entered from another address"));
        let full = vec![failed("192.0.2.1"); MAX_FAILED_LOG_INS as usize];
        assert_eq!(texts(&full), ["Wrong password entered 200 or more times from 192.0.2.1"]);
    }
}
