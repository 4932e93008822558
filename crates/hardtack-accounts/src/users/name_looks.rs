//! The `name_looks` table, which stores what users' names look like. Each look belongs to at most one user, so two
//! users cannot sign up with names that look alike.

use std::collections::BTreeSet;

use hardtack_db::{Statement, Transaction};

use super::name::Looks;

/// A value for `outdated` in [`set_looks_in`] that takes no looks from other users, because no rules are older than
/// this version.
pub(super) const NONE_OUTDATED: i64 = 0;

/// How a transaction locks all user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LooksLock {
    /// For a sign-up. The transaction inserts one user and then that user's looks, always in the same order, so
    /// sign-ups cannot deadlock. Several sign-ups can hold the lock at the same time.
    Shared,
    /// For a transaction that can also free looks, or change several users' looks. While such a transaction holds the
    /// lock, no other transaction can hold it.
    Exclusive,
}

/// Takes the lock that guards name changes. The transaction holds the lock until it ends.
///
/// Every transaction that adds, renames or deletes users takes this lock before it locks any row. Otherwise, two such
/// transactions could wait for each other. On SQLite, the transaction already holds the only write lock.
pub(super) async fn lock_looks_in(transaction: &mut Transaction, lock: LooksLock) -> Result<(), sqlx::Error> {
    if !transaction.connection().is_postgres() {
        return Ok(());
    }
    // The number 5123760984412398 is arbitrary. It makes a collision with other programs' advisory locks unlikely.
    let sql = match lock {
        LooksLock::Shared => "SELECT pg_advisory_xact_lock_shared(5123760984412398)",
        LooksLock::Exclusive => "SELECT pg_advisory_xact_lock(5123760984412398)",
    };
    transaction.execute(Statement::new(sql)).await.map(drop)
}

/// Stores the looks of a user's name, and deletes the user's other looks. A look that belongs to another user is taken
/// from that user if that user's looks were computed under rules older than `outdated`.
///
/// Returns `false` if any of the looks still belongs to another user. The remaining looks are stored anyway.
///
/// The primary key of the `name_looks` table prevents two users from having the same look, even if both sign up at the
/// same time. If an open transaction has added the same look, this function waits until that transaction ends. Every
/// transaction adds its looks in the same order, so two transactions never wait for each other.
pub(super) async fn set_looks_in(
    transaction: &mut Transaction,
    user_id: &str,
    looks: &Looks,
    outdated: i64,
) -> Result<bool, sqlx::Error> {
    let mut are_free = true;
    for look in looks.all.iter().collect::<BTreeSet<_>>() {
        let sql = "INSERT INTO name_looks (look, user_id) VALUES ($1, $2) \
                   ON CONFLICT (look) DO UPDATE SET user_id = excluded.user_id \
                   WHERE name_looks.user_id = excluded.user_id \
                   OR EXISTS (SELECT 1 FROM users WHERE id = name_looks.user_id AND name_rules < $3)";
        let statement = Statement::new(sql).bind(look).bind(user_id).bind(outdated);
        are_free &= transaction.execute(statement).await? == 1;
    }
    let sql = "DELETE FROM name_looks WHERE user_id = $1 AND look NOT IN ($2, $3, $4)";
    let statement = looks.all.iter().fold(Statement::new(sql).bind(user_id), Statement::bind);
    transaction.execute(statement).await?;
    Ok(are_free)
}
