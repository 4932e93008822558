//! The clock of the database decides what is old.

use std::time::Duration;

use hardtack::clock::{Clock, SystemClock};
use hardtack::session::{RevokeTarget, SessionStore};
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, SigningKey, jwt::Algorithm};

use crate::test_database::TestDatabase;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn e04_a_server_with_a_wrong_clock_prunes_nothing() {
    for database in TestDatabase::both() {
        let sessions = database.sessions().await;
        let now = SystemClock.now();
        let theirs = sessions.time().await.unwrap().unwrap();
        assert!(theirs.distance(now) <= Duration::from_secs(30), "{theirs} {now}");
        let row = hardtack::testing::session("alice", now - 3 * DAY);
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        sessions.revoke(RevokeTarget::Sessions(&[row.id]), now - 3 * DAY).await.unwrap();
        let clock = TestClock::start_now();
        let auth = Authenticator::builder(KeySet::new(SigningKey::generate(Algorithm::HS256).unwrap()))
            .sessions(sessions.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        for wrong in [Duration::from_secs(300), 30 * DAY] {
            clock.set_forward(wrong);
            assert_eq!(auth.prune_sessions(100).await.unwrap(), 0, "ahead by {wrong:?}");
            clock.set_back(2 * wrong);
            assert_eq!(auth.prune_sessions(100).await.unwrap(), 0, "behind by {wrong:?}");
            clock.set_forward(wrong);
        }
        assert!(sessions.find(row.id).await.unwrap().is_some());
        assert_eq!(auth.prune_sessions(100).await.unwrap(), 2, "the session and its log entry");
    }
}
