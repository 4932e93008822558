//! Stores the keys and looks of names that were added under older rules, and finds names that collide.
//!
//! Each row contains the version of the rules by which the key and the looks of the row were computed. If the rules
//! change, for example with a new version of Unicode, the keys and looks are computed again.
//!
//! A row has no skeleton if it has not been upgraded yet, or if one of its looks belongs to another user. In the second
//! case, both users can log in as before.

use hardtack::BackendError;
use hardtack_db::{Pool, Statement, Transaction};

use super::name::{Looks, name_rules, username_key};
use super::name_looks::set_looks_in;

/// How many rows one transaction changes.
const PAGE: i64 = 500;

/// How many times the upgrade of one page is tried. An attempt fails if another process adds or upgrades the same names
/// at the same time.
const TRIES: usize = 5;

/// PostgreSQL's error code for two transactions that wait for each other (`deadlock_detected`).
const DEADLOCK: &str = "40P01";

impl Unfinished {
    fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.clone() }
    }
}

/// Two users whose names are the same, or look the same, under the current rules. These rules would refuse to add the
/// second user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameCollision {
    /// The name of the user who signed up under older rules.
    pub username: String,
    /// The name of the other user.
    pub other: String,
}

/// A user who has no skeleton, or whose skeleton was computed under older rules.
struct Unfinished {
    id: String,
    username: String,
    username_key: String,
    created_at: i64,
}

/// The position of a user in the order in which names are upgraded.
struct Position {
    created_at: i64,
    id: String,
}

/// Stores the key and the looks of each name that has no skeleton yet, or whose looks were computed under older rules.
/// Does not store a key or a look that another user already has. Several processes can call this function at
/// once.
pub(crate) async fn upgrade_names(database: &Pool) -> Result<(), sqlx::Error> {
    let mut after = None;
    loop {
        let page = unfinished(database, after, name_rules()).await?;
        let Some(last) = page.last() else { return Ok(()) };
        let mut tries = 0;
        while let Err(error) = upgrade_page(database, &page).await {
            tries += 1;
            if !is_race(&error) || tries == TRIES {
                return Err(error);
            }
        }
        after = Some(last.position());
    }
}

/// Returns whether an error means that another process changed the same names at the same time.
fn is_race(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.is_unique_violation() || error.code().as_deref() == Some(DEADLOCK)
}

/// Returns users who have no skeleton, and users whose looks were computed under older rules than `rules`. The oldest
/// users come first.
async fn unfinished(database: &Pool, after: Option<Position>, rules: i64) -> Result<Vec<Unfinished>, sqlx::Error> {
    let after = after.unwrap_or(Position { created_at: i64::MIN, id: String::new() });
    let sql = "SELECT id, username, username_key, created_at FROM users WHERE (skeleton IS NULL OR name_rules < $4) \
               AND (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3";
    let statement = Statement::new(sql).bind(after.created_at).bind(after.id).bind(PAGE).bind(rules);
    let rows: Vec<(String, String, String, i64)> = database.fetch(statement).await?;
    let user = |(id, username, username_key, created_at)| Unfinished { id, username, username_key, created_at };
    Ok(rows.into_iter().map(user).collect())
}

async fn upgrade_page(database: &Pool, page: &[Unfinished]) -> Result<(), sqlx::Error> {
    let mut transaction = database.begin().await?;
    for user in page {
        upgrade(&mut transaction, user).await?;
    }
    transaction.commit().await
}

async fn upgrade(transaction: &mut Transaction, user: &Unfinished) -> Result<(), sqlx::Error> {
    let Unfinished { id, username, username_key: stored_key, .. } = user;
    let (looks, rules) = (Looks::of(username), name_rules());
    // This statement also locks the row.
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
    // If another row has the same skeleton, and it was computed under older rules, remove it from that row. It is about
    // to be computed again.
    let sql = "UPDATE users SET skeleton = NULL WHERE skeleton = $1 AND id <> $2 AND name_rules < $3";
    transaction.execute(Statement::new(sql).bind(&looks.skeleton).bind(id).bind(rules)).await?;
    let sql = "UPDATE users SET skeleton = $1 WHERE id = $2";
    transaction.execute(Statement::new(sql).bind(&looks.skeleton).bind(id)).await.map(drop)
}

/// Returns the users whose names collide with the names of other users.
pub(crate) async fn name_collisions(database: &Pool) -> Result<Vec<NameCollision>, BackendError> {
    let (mut after, mut collisions) = (None, Vec::new());
    loop {
        let page = unfinished(database, after, 0).await.map_err(BackendError::new)?;
        let Some(last) = page.last() else { return Ok(collisions) };
        after = Some(last.position());
        for Unfinished { id, username, .. } in page {
            let sql = "SELECT username FROM users WHERE id <> $1 \
                       AND id IN (SELECT user_id FROM name_looks WHERE look IN ($2, $3, $4)) ORDER BY created_at, id";
            let statement = Looks::of(&username).all.into_iter().fold(Statement::new(sql).bind(id), Statement::bind);
            let others: Vec<(String,)> = database.fetch(statement).await.map_err(BackendError::new)?;
            collisions.extend(others.into_iter().map(|(other,)| NameCollision { username: username.clone(), other }));
        }
    }
}
