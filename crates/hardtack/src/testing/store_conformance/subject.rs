//! The store under test, and helpers for checking the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::session::{Revocation, RevocationPage, RevokeTarget, Rotation, Session, SessionId, SessionStore};

/// The time at which the suite's sessions begin.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// How many calls run concurrently in a race.
pub(super) const RACERS: usize = 16;

/// The store under test. If it returns an error, the test fails.
pub(super) struct Subject<S>(pub(super) S);

impl<S: SessionStore> Subject<S> {
    pub(super) async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> BTreeSet<SessionId> {
        each_once("create", done("create", self.0.create(session, ends).await))
    }

    pub(super) async fn find(&self, id: SessionId) -> Option<Session> {
        done("find", self.0.find(id).await)
    }

    pub(super) async fn rotate(&self, id: SessionId, generation: u64, rotation: Rotation) -> Option<Session> {
        done("rotate", self.0.rotate(id, generation, rotation).await)
    }

    pub(super) async fn bind(&self, id: SessionId, generation: u64, key: &str, rotation: Rotation) -> Option<Session> {
        done("bind", self.0.bind(id, generation, key, rotation).await)
    }

    pub(super) async fn confirm(&self, id: SessionId, generation: u64) {
        done("confirm", self.0.confirm(id, generation).await);
    }

    pub(super) async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> BTreeSet<SessionId> {
        each_once("revoke", done("revoke", self.0.revoke(ends, now).await))
    }

    pub(super) async fn outdate(
        &self,
        subject: &str,
        claims: Option<&str>,
        now: Timestamp,
    ) -> BTreeMap<SessionId, u64> {
        let outdated = done("outdate", self.0.outdate(subject, claims, now).await);
        each_once("outdate", outdated.iter().map(|(id, _)| *id).collect());
        outdated.into_iter().collect()
    }

    pub(super) async fn list(&self, subject: &str, now: Timestamp) -> Vec<Session> {
        done("list", self.0.list(subject, now).await)
    }

    pub(super) async fn log(&self, after: u64) -> Vec<Revocation> {
        self.page(after, u32::MAX).await.entries
    }

    pub(super) async fn page(&self, after: u64, limit: u32) -> RevocationPage {
        done("revocations", self.0.revocations(after, limit).await)
    }

    pub(super) async fn prune(&self, before: Timestamp, limit: u32) -> u64 {
        done("prune", self.0.prune(before, limit).await)
    }
}

/// Returns the value of an operation that must succeed. If the operation returned an error, the test fails.
pub(super) fn done<T>(operation: &str, result: Result<T, BackendError>) -> T {
    result.unwrap_or_else(|error| panic!("store_conformance: {operation}: must succeed; returned the error {error}"))
}

/// Checks that the list contains each session only once. Returns the set of ids.
pub(super) fn each_once(operation: &str, ids: Vec<SessionId>) -> BTreeSet<SessionId> {
    let unique: BTreeSet<SessionId> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "store_conformance: {operation}: must return each session once: {ids:?}");
    unique
}

/// Fails the test if the store did not return the expected value. The message names the rule.
#[track_caller]
pub(super) fn same<T: PartialEq + Debug>(rule: &str, found: T, expected: T) {
    assert_eq!(found, expected, "store_conformance: {rule} (left: from the store, right: expected)");
}

/// A target without any sessions.
pub(super) const NO_SESSIONS: RevokeTarget<'static> = RevokeTarget::Sessions(&[]);

pub(super) fn set<const N: usize>(ids: [SessionId; N]) -> BTreeSet<SessionId> {
    ids.into()
}

pub(super) fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

pub(super) fn session(subject: &str) -> Session {
    crate::testing::session(subject, NOW)
}

pub(super) fn next(seconds: u64) -> Rotation {
    Rotation::new(at(seconds), at(seconds + 3600))
}

/// Runs futures concurrently in this task. When one of them is woken, all of them are polled.
pub(in crate::testing) async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<Pin<Box<_>>> = futures.map(Box::pin).collect();
    let mut outputs = Vec::new();
    poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(output) => {
                outputs.push(output);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs
}
