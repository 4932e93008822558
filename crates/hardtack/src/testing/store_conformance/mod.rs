//! The conformance suite for session stores.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking with the name of the broken rule")]

mod binding;
mod claims;
mod limit;
mod log;
mod races;
mod revoke;
mod rotation;
mod rows;
mod subject;

use std::future::Future;

use crate::session::SessionStore;
use subject::Subject;
pub(in crate::testing) use subject::all;

/// Tests that a store follows the rules of [`SessionStore`]. The suite uses only one handle in one task, so it cannot
/// test every rule. The guide [`stores`](crate::guide::stores) lists the rules that you have to test yourself. `make`
/// must return a new, empty store each time it is called.
///
/// The suite runs on any async runtime. It makes concurrent calls, but all in one task. If several threads or processes
/// can use the store at once, write tests for that as well.
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
/// Panics if the store breaks a rule. The message names the rule.
pub async fn store_conformance<S, F, Fut>(make: F)
where
    S: SessionStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let fresh = async || Subject(make().await);
    rows::rows_are_stored_unchanged(&fresh().await).await;
    rows::an_id_cannot_be_used_twice(&fresh().await).await;
    revoke::create_ends_the_sessions_it_names(&fresh().await).await;
    revoke::create_ends_the_sessions_of_a_subject(&fresh().await).await;
    revoke::replaced_sessions_are_marked_and_logged(&fresh().await).await;
    rotation::rotate_writes_the_successor(&fresh().await).await;
    rotation::rotate_compares_the_generation(&fresh().await).await;
    rotation::rotate_stops_at_the_end_of_the_session(&fresh().await).await;
    rotation::confirm_marks_the_current_generation(&fresh().await).await;
    revoke::revoke_ends_and_logs_once(&fresh().await).await;
    revoke::a_named_session_without_a_row_is_logged(&fresh().await).await;
    revoke::revoke_ends_the_sessions_of_a_subject(&fresh().await).await;
    revoke::an_ended_session_never_lives_again(&fresh().await).await;
    rows::list_returns_the_live_sessions_of_a_subject(&fresh().await).await;
    rows::subjects_are_compared_byte_by_byte(&fresh().await).await;
    limit::a_limit_ends_the_least_recently_used(&fresh().await).await;
    limit::pages_are_the_list_in_parts(&fresh().await).await;
    limit::racing_log_ins_stay_within_the_limit(&fresh().await).await;
    claims::outdate_changes_claims(&fresh().await).await;
    claims::outdate_without_claims_keeps_them(&fresh().await).await;
    claims::an_outdated_session_stays_live(&fresh().await).await;
    log::the_log_is_in_order(&fresh().await).await;
    log::prune_deletes_only_what_has_ended(&fresh().await).await;
    log::prune_respects_its_limit(&fresh().await).await;
    binding::bound_rows_are_stored_unchanged(&fresh().await).await;
    binding::bind_sets_the_key_once(&fresh().await).await;
    binding::a_bound_session_is_rotated_with_a_proof_only(&fresh().await).await;
    binding::bind_stops_at_the_end_of_the_session(&fresh().await).await;
    binding::one_racing_binding_wins(&fresh().await).await;
    races::one_racing_rotation_wins(&fresh().await).await;
    races::one_racing_creation_wins(&fresh().await).await;
    races::one_racing_revocation_returns_a_session(&fresh().await).await;
    races::rotations_lose_against_a_revocation(&fresh().await).await;
    claims::rotations_race_with_outdate(&fresh().await).await;
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
