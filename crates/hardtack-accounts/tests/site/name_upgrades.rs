//! Two processes upgrade the names of users in PostgreSQL at the same time. The test stops them at the point at which
//! they would wait for each other if they did not take turns.

use std::collections::BTreeSet;

use hardtack_accounts::Accounts;
use hardtack_db::{Statement, Transaction};
use hardtack_sqlx::Database;
use hardtack_test_support::wait;

use crate::names::{assert_older_users_have_the_looks, insert_look_alikes};
use crate::support::{Options, TestSite};

/// How many users have names such as `corner1`, and how many have names such as `comer1`. A process upgrades this number
/// of users in one transaction, first the former, and then the latter in reverse order.
const PAGE: usize = 50;

/// A transaction that has locked the row of a user.
struct Lock {
    transaction: Transaction,
    /// The process of the transaction in PostgreSQL.
    process: i64,
}

impl Lock {
    async fn take(site: &TestSite, username: &'static str) -> Self {
        let mut transaction = site.database().begin().await.unwrap();
        let lock = Statement::new("SELECT username FROM users WHERE username = $1 FOR UPDATE").bind(username);
        let found: Vec<(String,)> = transaction.fetch(lock).await.unwrap();
        assert_eq!(found.len(), 1);
        let own: Vec<(i64,)> = transaction.fetch(Statement::new("SELECT pg_backend_pid()::BIGINT")).await.unwrap();
        Self { transaction, process: own[0].0 }
    }

    async fn release(self) {
        self.transaction.commit().await.unwrap();
    }
}

/// Waits until two processes wait for locks, at least one of them for this lock. Returns the processes.
async fn both_wait(site: &TestSite, lock: &Lock) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    wait::until("both processes wait", async || {
        let sql = "SELECT pid::BIGINT, ($1 = ANY (pg_blocking_pids(pid)::BIGINT[]))::INT::BIGINT FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting: Vec<(i64, i64)> = site.database().fetch(Statement::new(sql).bind(lock.process)).await.unwrap();
        found = waiting.iter().map(|(process, _)| *process).collect();
        waiting.len() == 2 && waiting.iter().any(|(_, is_blocked)| *is_blocked == 1)
    })
    .await;
    found
}

async fn number(site: &TestSite, sql: &'static str) -> i64 {
    let rows: Vec<(i64,)> = site.database().fetch(Statement::new(sql)).await.unwrap();
    rows[0].0
}

#[tokio::test]
async fn a06_processes_that_upgrade_names_take_turns() {
    let site = TestSite::start(Options { on_postgres: true, ..Options::default() }).await;
    insert_look_alikes(&site, PAGE).await;
    let (first, middle) = (Lock::take(&site, "corner1").await, Lock::take(&site, "comer25").await);
    let upgrade = || {
        let url = site.database_url();
        tokio::spawn(async move {
            let database = Database::open(&url).await.unwrap();
            assert_eq!(Accounts::migrate(&database).await.unwrap(), 0);
            database.close().await;
        })
    };
    let upgrades = [upgrade(), upgrade()];
    // Both processes have begun with the first user.
    let mut processes = both_wait(&site, &first).await;
    first.release().await;
    // One process has locked the looks of the users from number 50 down to 26. If the other process did not wait for its
    // turn, it would now upgrade the first users once more, and lock the looks of the users from number 1 up to 25.
    processes.append(&mut both_wait(&site, &middle).await);
    middle.release().await;
    for upgrade in upgrades {
        upgrade.await.unwrap();
    }
    // A process reports its deadlocks at the latest when it ends.
    wait::until("the processes have ended", async || {
        let running: Vec<(i64,)> =
            site.database().fetch(Statement::new("SELECT pid::BIGINT FROM pg_stat_activity")).await.unwrap();
        running.iter().all(|(process,)| !processes.contains(process))
    })
    .await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(number(&site, deadlocks).await, 0, "processes waited for each other");
    assert_older_users_have_the_looks(&site, PAGE).await;
}
