//! The migrations for the tables `sessions`, `revocations`, `revocation_head`, `pending_ends` and `throttle`.

use hardtack_db::{Component, Migration};

/// The tables of the sessions and of the revocation log.
pub const SESSIONS: Component<'static> = Component::new("sessions", MIGRATIONS);

/// The table `pending_ends`.
pub const PENDING_ENDS: Component<'static> = Component::new("pending_ends", PENDING_MIGRATIONS);

/// The table `throttle`.
pub const THROTTLE: Component<'static> = Component::new("throttle", THROTTLE_MIGRATIONS);

/// The migrations for the tables of the sessions and of the revocation log, in order.
const MIGRATIONS: &[Migration] = &[
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
    // This migration shortens the time for which a lock is held. That would not help on SQLite, which allows only one
    // writer at a time.
    Migration::per_database(6, "", include_str!("../../migrations/postgres/0006_unnumbered.sql")),
    Migration::per_database(
        7,
        include_str!("../../migrations/sqlite/0007_live_index.sql"),
        include_str!("../../migrations/postgres/0007_live_index.sql"),
    ),
    Migration::per_database(
        8,
        include_str!("../../migrations/sqlite/0008_bound.sql"),
        include_str!("../../migrations/postgres/0008_bound.sql"),
    ),
];

/// The migrations for the `pending_ends` table, in order.
const PENDING_MIGRATIONS: &[Migration] = &[
    Migration::per_database(
        1,
        include_str!("../../migrations/sqlite/pending/0001_pending_ends.sql"),
        include_str!("../../migrations/postgres/pending/0001_pending_ends.sql"),
    ),
    Migration::per_database(
        2,
        include_str!("../../migrations/sqlite/pending/0002_store.sql"),
        include_str!("../../migrations/postgres/pending/0002_store.sql"),
    ),
];

/// The migrations for the `throttle` table, in order.
const THROTTLE_MIGRATIONS: &[Migration] = &[Migration::per_database(
    1,
    include_str!("../../migrations/sqlite/throttle/0001_throttle.sql"),
    include_str!("../../migrations/postgres/throttle/0001_throttle.sql"),
)];
