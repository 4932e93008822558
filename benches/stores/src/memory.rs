//! Ended sessions in a process's memory.

use std::fs;

use hardtack::session::{Ends, Revocation, RevocationPage, Revoked, Rotation, StoreError};
use hardtack::{Authenticator, Clock, KeySet, Session, SessionId, SessionStore, SystemClock, Timestamp};

use crate::Failed;

pub(crate) async fn measure() -> Result<(), Failed> {
    println!("## Ended sessions in memory\n");
    println!("| entries | bytes an entry |");
    println!("| ---: | ---: |");
    for entries in [100_000, 1_000_000] {
        let before = resident()?;
        let engine = Authenticator::builder(KeySet::from_secret(&rand::random::<[u8; 32]>())?)
            .base_url("https://site.example")
            .sessions(Log(entries))
            .build()?;
        let read = engine.sync_revocations().await?;
        if read as u64 != entries {
            return Err(format!("{entries} ended sessions expected, {read} read").into());
        }
        println!("| {entries} | {} |", resident()?.saturating_sub(before) / entries);
    }
    println!();
    Ok(())
}

/// Bytes of memory that this process has in use.
fn resident() -> Result<u64, Failed> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("no second number in /proc/self/statm")?.parse()?;
    Ok(pages * 4096)
}

/// A log of this many sessions that ended just now, and no sessions. Nothing of it is kept in memory.
struct Log(u64);

impl SessionStore for Log {
    async fn create(&self, _: &Session, _: Ends<'_>) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn find(&self, _: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(None)
    }

    async fn rotate(&self, _: SessionId, _: u64, _: Rotation) -> Result<Option<Session>, StoreError> {
        Ok(None)
    }

    async fn confirm(&self, _: SessionId, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn revoke(&self, _: Ends<'_>, _: Timestamp) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    async fn outdate(&self, _: &str, _: Option<&str>, _: Timestamp) -> Result<Vec<(SessionId, u64)>, StoreError> {
        Ok(Vec::new())
    }

    async fn list(&self, _: &str, _: Timestamp) -> Result<Vec<Session>, StoreError> {
        Ok(Vec::new())
    }

    async fn revocations(&self, after: u64, limit: u32) -> Result<RevocationPage, StoreError> {
        let at = SystemClock.now();
        let entries = (after + 1..=self.0).take(limit as usize);
        let entries = entries
            .map(|sequence| Revocation { sequence, session: SessionId::random(), at, what: Revoked::Ended })
            .collect();
        Ok(RevocationPage { head: self.0, entries })
    }

    async fn prune(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}
