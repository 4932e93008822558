//! Text with NUL characters, which PostgreSQL rejects.

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;

use crate::test_database::{TestDatabase, with_causes};
use crate::{NOW, session};

#[tokio::test]
async fn a_nul_character_is_not_a_database_failure() {
    for database in TestDatabase::both() {
        let sessions = database.sessions().await;
        let mut row = session("alice");
        row.user_agent = Some("Moz\0illa".into());
        row.address = Some("\0".into());
        row.claims = Some("{}".into());
        sessions.create(&row, RevokeTarget::Sessions(&[])).await.unwrap();
        let found = sessions.find(row.id).await.unwrap().unwrap();
        assert_eq!(found.user_agent.as_deref(), Some("Moz\u{fffd}illa"));
        assert_eq!(found.address.as_deref(), Some("\u{fffd}"));

        // No subject has this name.
        assert_eq!(sessions.list("alice\0", NOW).await.unwrap(), []);
        assert_eq!(sessions.revoke(RevokeTarget::AllOf("alice\0"), NOW).await.unwrap(), []);
        assert_eq!(sessions.revoke(RevokeTarget::AllExcept("alice\0", row.id), NOW).await.unwrap(), []);
        let error = sessions.create(&session("alice\0"), RevokeTarget::AllOf("alice")).await.unwrap_err();
        let error = with_causes(&error);
        assert!(error.ends_with("the subject contains a NUL character, which is not allowed"), "{error}");
        assert_eq!(sessions.list("alice", NOW).await.unwrap(), [found]);
    }
}
