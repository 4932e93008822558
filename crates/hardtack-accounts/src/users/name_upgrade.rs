//! For user names that were added under older rules, stores the keys and looks again, and finds names that collide.
//!
//! Each row contains the version of the rules under which the row's key and looks were computed. If the rules change,
//! for example with a new version of Unicode, the keys and looks are computed again.
//!
//! A row has no skeleton if it has not been upgraded yet, or if one of its looks belongs to another user. If a look
//! belongs to another user, both users can still log in as before.

use hardtack::BackendError;
use hardtack_db::{Pool, Statement, Transaction};

use super::name::{Looks, name_rules, username_key};
use super::name_looks::{LooksLock, lock_looks_in, set_looks_in};

/// A value for the parameter `rules` of [`unfinished`]. It is lower than any real version of the rules, so the query
/// selects only users without a skeleton.
const NO_RULES: i64 = 0;

/// How many rows one transaction changes. The number is small, because processes that upgrade names at the same time
/// take turns, and each should wait only briefly for its turn.
const PAGE: i64 = 50;

/// How many times to try upgrading one page of rows. An attempt fails if another process adds the same names at the
/// same time or holds a lock for too long.
const TRIES: usize = 5;

/// PostgreSQL's error code for a deadlock between transactions (`deadlock_detected`).
const DEADLOCK: &str = "40P01";

/// PostgreSQL's error code for a lock that another transaction has held for too long (`lock_not_available`).
const LOCKED: &str = "55P03";

/// Two users whose names are the same, or look the same, under the current rules. If both users signed up under these
/// rules, the second sign-up would be rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameCollision {
    /// The name of the user who signed up under older rules.
    pub username: String,
    /// The name that collides with `username`.
    pub other: String,
}

/// A user who has no skeleton, or whose skeleton was computed under older rules.
struct Unfinished {
    id: String,
    username: String,
    username_key: String,
    created_at: i64,
}

impl Unfinished {
    fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.clone() }
    }
}

/// A user's position in the order in which names are upgraded.
struct Position {
    created_at: i64,
    id: String,
}

impl Position {
    /// Returns a position that comes before every user.
    fn start() -> Self {
        Self { created_at: i64::MIN, id: String::new() }
    }
}

/// Stores the key and the looks of each name that has no skeleton yet, or whose looks were computed under older rules.
/// Does not store a key or a look that another user already has. Several processes can call this function at once; they
/// take turns.
pub(crate) async fn upgrade_names(database: &Pool) -> Result<(), sqlx::Error> {
    let (mut after, mut tries) = (Position::start(), 0);
    loop {
        match upgrade_page(database, &after).await {
            Ok(Some(last)) => (after, tries) = (last, 0),
            Ok(None) => return Ok(()),
            Err(error) => {
                tries += 1;
                if !is_race(&error) || tries == TRIES {
                    return Err(error);
                }
            }
        }
    }
}

/// Returns whether an error means that another process changed the same names at the same time.
fn is_race(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.is_unique_violation() || matches!(error.code().as_deref(), Some(DEADLOCK | LOCKED))
}

/// Creates the query that finds users who have no skeleton, and users whose looks were computed under rules older than
/// `rules`. The oldest users come first.
fn unfinished(after: &Position, rules: i64) -> Statement<'static> {
    let sql = "SELECT id, username, username_key, created_at FROM users WHERE (skeleton IS NULL OR name_rules < $4) \
               AND (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3";
    Statement::new(sql).bind(after.created_at).bind(after.id.clone()).bind(PAGE).bind(rules)
}

/// The columns that the query [`unfinished`] returns.
type UnfinishedColumns = (String, String, String, i64);

fn users(rows: Vec<UnfinishedColumns>) -> Vec<Unfinished> {
    let user = |(id, username, username_key, created_at)| Unfinished { id, username, username_key, created_at };
    rows.into_iter().map(user).collect()
}

/// Upgrades the names of one page of users: those that come next after the position `after`. Returns the position of
/// the last of these users, or `None` if no users are left.
async fn upgrade_page(database: &Pool, after: &Position) -> Result<Option<Position>, sqlx::Error> {
    let mut transaction = database.begin().await?;
    lock_looks_in(&mut transaction, LooksLock::Exclusive).await?;
    // Another process may have upgraded the names while this process waited for the lock, so query them only after
    // taking the lock.
    let page = users(transaction.fetch(unfinished(after, name_rules())).await?);
    for user in &page {
        upgrade(&mut transaction, user).await?;
    }
    transaction.commit().await?;
    Ok(page.last().map(Unfinished::position))
}

/// Reassigns the looks of a user's former name. Each look goes to the oldest other user whose name has the same look.
/// Without this step, a stranger could sign up with a name that looks like the name of one of these users.
///
/// Call this function in the transaction that deletes or renames the user.
pub(super) async fn pass_on_looks_in(transaction: &mut Transaction, former: &str) -> Result<(), sqlx::Error> {
    let freed = Looks::of(former).all;
    let mut after = Position::start();
    loop {
        let page = users(transaction.fetch(unfinished(&after, NO_RULES)).await?);
        let Some(last) = page.last() else { return Ok(()) };
        for user in &page {
            if Looks::of(&user.username).all.iter().any(|look| freed.contains(look)) {
                upgrade(transaction, user).await?;
            }
        }
        after = last.position();
    }
}

async fn upgrade(transaction: &mut Transaction, user: &Unfinished) -> Result<(), sqlx::Error> {
    let Unfinished { id, username, username_key: stored_key, .. } = user;
    let (looks, rules) = (Looks::of(username), name_rules());
    // This statement also locks the user's row.
    let sql = "UPDATE users SET name_rules = $1, skeleton = NULL WHERE id = $2 AND username = $3";
    if transaction.execute(Statement::new(sql).bind(rules).bind(id).bind(username)).await? == 0 {
        // The user has been renamed or deleted in the meantime.
        return Ok(());
    }
    let key = username_key(username);
    if key != *stored_key {
        let sql = "UPDATE users SET username_key = $1 WHERE id = $2 \
                   AND NOT EXISTS (SELECT 1 FROM users WHERE username_key = $1)";
        transaction.execute(Statement::new(sql).bind(&key).bind(id)).await?;
    }
    if !set_looks_in(transaction, id, &looks, rules).await? {
        return Ok(());
    }
    // If another row still has this skeleton, computed under older rules, clear the skeleton in that row. That row's
    // skeleton will be computed again later.
    let sql = "UPDATE users SET skeleton = NULL WHERE skeleton = $1 AND id <> $2 AND name_rules < $3";
    transaction.execute(Statement::new(sql).bind(&looks.skeleton).bind(id).bind(rules)).await?;
    let sql = "UPDATE users SET skeleton = $1 WHERE id = $2";
    transaction.execute(Statement::new(sql).bind(&looks.skeleton).bind(id)).await.map(drop)
}

/// Returns the users whose names collide with other users' names.
pub(crate) async fn name_collisions(database: &Pool) -> Result<Vec<NameCollision>, BackendError> {
    let (mut after, mut collisions) = (Position::start(), Vec::new());
    loop {
        let page = users(database.fetch(unfinished(&after, NO_RULES)).await.map_err(BackendError::new)?);
        let Some(last) = page.last() else { return Ok(collisions) };
        after = last.position();
        for Unfinished { id, username, .. } in page {
            let sql = "SELECT username FROM users WHERE id <> $1 \
                       AND id IN (SELECT user_id FROM name_looks WHERE look IN ($2, $3, $4)) ORDER BY created_at, id";
            let statement = Looks::of(&username).all.into_iter().fold(Statement::new(sql).bind(id), Statement::bind);
            let others: Vec<(String,)> = database.fetch(statement).await.map_err(BackendError::new)?;
            collisions.extend(others.into_iter().map(|(other,)| NameCollision { username: username.clone(), other }));
        }
    }
}
