//! What every session store must do, as a test that an implementation runs over itself.
#![allow(clippy::expect_used, clippy::panic, reason = "a test: it fails by panicking with the broken rule")]

mod claims;
mod ends;
mod log;
mod races;
mod rotation;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::session::{
    Revocation, RevocationKind, RevocationPage, RevokeTarget, Rotation, Session, SessionId, SessionStore,
};

/// When the tests' sessions begin.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// How many callers race for one row.
const RACERS: usize = 16;

/// Checks all that [`SessionStore`] promises. `make` answers an empty store each time it is called.
///
/// It runs on any async runtime and brings its own concurrency, in one task. A store that can be used
/// by several threads or processes at once is also to be tested with those: this suite can't start any.
///
/// ```
/// use hardtack::MemorySessions;
/// use hardtack::testing::store_conformance;
///
/// async fn my_store_is_a_session_store() {
///     store_conformance(|| async { MemorySessions::new() }).await;
/// }
/// # let mut test = std::pin::pin!(my_store_is_a_session_store());
/// # assert!(test.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// # use std::future::Future;
/// ```
///
/// # Panics
/// The store breaks a rule; the message names it.
pub async fn store_conformance<S, F, Fut>(make: F)
where
    S: SessionStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let fresh = async || Subject(make().await);
    rows::rows_come_back_as_they_were_given(&fresh().await).await;
    rows::an_id_is_used_once(&fresh().await).await;
    ends::create_ends_the_sessions_it_names(&fresh().await).await;
    ends::create_ends_the_sessions_of_a_subject(&fresh().await).await;
    ends::the_cause_is_kept_and_logged(&fresh().await).await;
    rotation::rotate_writes_the_successor(&fresh().await).await;
    rotation::rotate_compares_the_generation(&fresh().await).await;
    rotation::rotate_stops_at_the_end_of_the_session(&fresh().await).await;
    rotation::confirm_marks_the_newest_generation(&fresh().await).await;
    ends::revoke_ends_and_logs_once(&fresh().await).await;
    ends::revoke_ends_the_sessions_of_a_subject(&fresh().await).await;
    ends::an_ended_session_never_lives_again(&fresh().await).await;
    rows::list_answers_the_live_sessions_of_a_subject(&fresh().await).await;
    rows::subjects_are_compared_byte_by_byte(&fresh().await).await;
    claims::outdate_changes_the_claims(&fresh().await).await;
    claims::outdate_may_leave_the_claims(&fresh().await).await;
    claims::an_outdated_session_goes_on(&fresh().await).await;
    log::the_log_is_in_order(&fresh().await).await;
    log::prune_forgets_only_what_has_ended(&fresh().await).await;
    log::prune_keeps_to_its_limit(&fresh().await).await;
    races::one_racing_rotation_wins(&fresh().await).await;
    races::one_racing_creation_wins(&fresh().await).await;
    races::a_revocation_is_answered_to_one_racer(&fresh().await).await;
    races::rotations_lose_against_a_revocation(&fresh().await).await;
    claims::rotations_race_with_a_change(&fresh().await).await;
}

/// The store under test; a failure of its own is a failed test.
struct Subject<S>(S);

impl<S: SessionStore> Subject<S> {
    async fn create(&self, session: &Session, ends: RevokeTarget<'_>) -> BTreeSet<SessionId> {
        each_once("create", done("create", self.0.create(session, ends).await))
    }

    async fn find(&self, id: SessionId) -> Option<Session> {
        done("find", self.0.find(id).await)
    }

    async fn rotate(&self, id: SessionId, generation: u64, rotation: Rotation) -> Option<Session> {
        done("rotate", self.0.rotate(id, generation, rotation).await)
    }

    async fn confirm(&self, id: SessionId, generation: u64) {
        done("confirm", self.0.confirm(id, generation).await);
    }

    async fn revoke(&self, ends: RevokeTarget<'_>, now: Timestamp) -> BTreeSet<SessionId> {
        each_once("revoke", done("revoke", self.0.revoke(ends, now).await))
    }

    async fn outdate(&self, subject: &str, claims: Option<&str>, now: Timestamp) -> BTreeMap<SessionId, u64> {
        let outdated = done("outdate", self.0.outdate(subject, claims, now).await);
        each_once("outdate", outdated.iter().map(|(id, _)| *id).collect());
        outdated.into_iter().collect()
    }

    async fn list(&self, subject: &str, now: Timestamp) -> Vec<Session> {
        done("list", self.0.list(subject, now).await)
    }

    async fn log(&self, after: u64) -> Vec<Revocation> {
        self.page(after, u32::MAX).await.entries
    }

    async fn page(&self, after: u64, limit: u32) -> RevocationPage {
        done("revocations", self.0.revocations(after, limit).await)
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> u64 {
        done("prune", self.0.prune(before, limit).await)
    }
}

fn done<T>(operation: &str, answer: Result<T, BackendError>) -> T {
    answer.unwrap_or_else(|error| panic!("store_conformance: {operation} answers: {error}"))
}

/// The order in which sessions end is the store's own; that each is named once is not.
fn each_once(operation: &str, ids: Vec<SessionId>) -> BTreeSet<SessionId> {
    let unique: BTreeSet<SessionId> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "store_conformance: {operation}: a session is answered once: {ids:?}");
    unique
}

#[track_caller]
fn same<T: PartialEq + Debug>(rule: &str, found: T, expected: T) {
    assert_eq!(found, expected, "store_conformance: {rule} (left: the store's, right: the expected)");
}

/// No session is to end.
const NOBODY: RevokeTarget<'static> = RevokeTarget::Sessions(&[]);

fn set<const N: usize>(ids: [SessionId; N]) -> BTreeSet<SessionId> {
    ids.into()
}

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn session(subject: &str) -> Session {
    crate::testing::session(subject, NOW)
}

fn next(seconds: u64) -> Rotation {
    Rotation { now: at(seconds), expires_at: at(seconds + 3600), auth_time: None }
}

/// Runs futures side by side in this task. Each is polled whenever one of them is woken.
async fn all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<Pin<Box<_>>> = futures.map(Box::pin).collect();
    let mut answers = Vec::new();
    poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::MemorySessions;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn memory_sessions_conform() {
        let mut suite = pin!(store_conformance(|| async { MemorySessions::new() }));
        assert!(suite.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
