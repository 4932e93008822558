//! The migrations of the tables `sessions`, `revocations` and `revocation_head`.

use hardtack_db::Migration;

/// The migrations, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration::per_database(
        1,
        include_str!("../../migrations/sqlite/0001_sessions.sql"),
        include_str!("../../migrations/postgres/0001_sessions.sql"),
    ),
    Migration::per_database(
        2,
        include_str!("../../migrations/sqlite/0002_revocation_head.sql"),
        include_str!("../../migrations/postgres/0002_revocation_head.sql"),
    ),
    Migration::per_database(
        3,
        include_str!("../../migrations/sqlite/0003_persistent.sql"),
        include_str!("../../migrations/postgres/0003_persistent.sql"),
    ),
    Migration::per_database(
        4,
        include_str!("../../migrations/sqlite/0004_replaced.sql"),
        include_str!("../../migrations/postgres/0004_replaced.sql"),
    ),
    Migration::per_database(
        5,
        include_str!("../../migrations/sqlite/0005_outdated.sql"),
        include_str!("../../migrations/postgres/0005_outdated.sql"),
    ),
];
