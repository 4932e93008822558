//! Remembers the most recent requests, and the events that ended sessions.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Explanation;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind};
use crate::session::{Session, SessionId};

/// The number of requests that are kept.
const REQUESTS: usize = 20;

/// The maximum number of session ends to keep. The same maximum applies to the rows of looked-up sessions.
const SESSIONS: usize = 100;

/// Keeps the explanations of the latest requests.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    kept: Mutex<Kept>,
    last_id: AtomicU16,
}

#[derive(Debug, Default)]
struct Kept {
    /// Newest first.
    requests: VecDeque<(u16, Explanation)>,
    ends: VecDeque<SessionEnd>,
    rows: VecDeque<(SessionId, Option<Session>)>,
}

/// The end of a session, as this process has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionEnd {
    /// The session that ended, or `None` if all of the user's sessions ended.
    session: Option<SessionId>,
    subject: String,
    pub(crate) kind: EventKind,
    pub(crate) at: Timestamp,
}

impl Recorder {
    /// Returns an id for a request. The id is not zero, and no kept request has the same id.
    pub(crate) fn next_id(&self) -> u16 {
        match self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1) {
            0 => self.next_id(),
            id => id,
        }
    }

    /// Keeps and logs the explanation of a request. If a handler has several extractors, its request can be verified
    /// several times. In this case, the first refusal is kept. If nothing was refused, the last verification is kept.
    pub(crate) fn record(&self, id: u16, explanation: Explanation) {
        let mut kept = self.lock();
        match kept.requests.iter_mut().find(|(own, _)| *own == id) {
            Some((_, earlier)) if earlier.refusal().is_some() => return,
            Some((_, earlier)) => *earlier = explanation.clone(),
            None => kept.requests.push_front((id, explanation.clone())),
        }
        kept.requests.truncate(REQUESTS);
        drop(kept);
        explanation.log();
    }

    /// Returns the explanations, newest first.
    pub(crate) fn explanations(&self) -> Vec<Explanation> {
        self.lock().requests.iter().map(|(_, explanation)| explanation.clone()).collect()
    }

    /// Stores an event if it ended a session.
    pub(crate) fn observe(&self, event: &Event<'_>) {
        match event.kind {
            EventKind::LogOut
            | EventKind::Revoked
            | EventKind::Replaced
            | EventKind::PasswordChanged
            | EventKind::ReuseDetected => {}
            EventKind::LogIn
            | EventKind::Refresh
            | EventKind::RefreshRefused(_)
            | EventKind::RefreshAhead
            | EventKind::Reauthenticated
            | EventKind::ClaimsChanged
            | EventKind::Bound
            | EventKind::BindRefused
            | EventKind::ProofFailed
            | EventKind::UnprovenRefresh => return,
        }
        let end =
            SessionEnd { session: event.session, subject: event.subject.to_owned(), kind: event.kind, at: event.at };
        let mut kept = self.lock();
        kept.ends.push_front(end);
        kept.ends.truncate(SESSIONS);
    }

    /// Returns the latest event that might have ended a user's session. An event that names the session takes
    /// precedence. An event that ended all of the user's sessions counts only if it happened at `issued` or later,
    /// because earlier events ended earlier sessions.
    pub(crate) fn end_of(&self, session: SessionId, subject: &str, issued: Timestamp) -> Option<SessionEnd> {
        let kept = self.lock();
        let named = kept.ends.iter().find(|end| end.session == Some(session));
        let ends_all = |end: &&SessionEnd| {
            let others = end.session.is_none() || end.kind == EventKind::PasswordChanged;
            others && end.subject == subject && end.at >= issued
        };
        named.or_else(|| kept.ends.iter().find(ends_all)).cloned()
    }

    /// Records the row that a look-up in the session store returned. `row` is `None` if the store has no such session.
    pub(crate) fn looked_up(&self, session: SessionId, row: Option<Session>) {
        let mut kept = self.lock();
        kept.rows.retain(|(own, _)| *own != session);
        kept.rows.push_front((session, row));
        kept.rows.truncate(SESSIONS);
    }

    /// Returns the session's row as it was when the session was last looked up in the store.
    pub(crate) fn row(&self, session: SessionId) -> Option<Option<Session>> {
        self.lock().rows.iter().find(|(own, _)| *own == session).map(|(_, row)| row.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Check, Outcome, Step, Verdict};

    fn explanation(path: &str, outcome: Outcome) -> Explanation {
        let verdict = if outcome == Outcome::Accepted { Verdict::Passed } else { Verdict::Refused };
        Explanation {
            at: Timestamp::from_unix_seconds(1),
            what: format!("GET {path}"),
            outcome,
            steps: vec![Step::new(Check::Token, verdict, "text")],
            advice: None,
        }
    }

    #[test]
    fn the_latest_requests_are_kept_newest_first() {
        let recorder = Recorder::default();
        for number in 0..REQUESTS + 5 {
            recorder.record(recorder.next_id(), explanation(&format!("/{number}"), Outcome::Accepted));
        }
        let kept = recorder.explanations();
        assert_eq!((kept.len(), kept[0].what.as_str(), kept[19].what.as_str()), (REQUESTS, "GET /24", "GET /5"));
    }

    #[test]
    fn the_first_refusal_of_a_request_is_kept() {
        let recorder = Recorder::default();
        let outcomes = [Outcome::Accepted, Outcome::Refused("expired"), Outcome::Refused("other"), Outcome::Accepted];
        outcomes.into_iter().for_each(|outcome| recorder.record(7, explanation("/", outcome)));
        let kept = recorder.explanations();
        assert_eq!((kept.len(), kept[0].outcome), (1, Outcome::Refused("expired")));
    }

    #[test]
    fn ids_are_never_zero() {
        let recorder = Recorder { last_id: AtomicU16::new(u16::MAX), ..Recorder::default() };
        assert_eq!((recorder.next_id(), recorder.next_id()), (1, 2));
    }
}
