//! The table `name_looks`, in which each look belongs to one user. Two users whose names look alike would share a look.

use std::collections::BTreeSet;

use hardtack_db::{Statement, Transaction};

use super::name::Looks;

/// A value of `outdated` in [`set_looks_in`]. No row was computed under older rules than this version.
pub(super) const NONE_OUTDATED: i64 = 0;

/// Stores the looks of a user's name, and deletes the user's other looks. Takes looks away from users whose looks were
/// computed under older rules than `outdated`.
///
/// Returns `false` if a look belongs to another user. In that case, the other looks are stored nevertheless.
///
/// The primary key lets only one of two users have a look, even if both sign up at the same time. If another
/// transaction has added the look and has not ended yet, this function waits until it ends. Every transaction adds its
/// looks in the same order, so two transactions never wait for each other.
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
