//! The memory that ended sessions take in a process.

use std::fs;

use hardtack::{Authenticator, KeySet};
use hardtack_bench_subject::EndedSessions;

use crate::Failed;

pub(crate) async fn measure() -> Result<(), Failed> {
    println!("## Ended sessions in memory\n");
    println!("| entries | bytes per entry |");
    println!("| ---: | ---: |");
    for entries in [100_000, 1_000_000] {
        let before = resident()?;
        let authenticator = Authenticator::builder(KeySet::from_secret(&rand::random::<[u8; 32]>())?)
            .base_url("https://site.example")
            .sessions(EndedSessions::new(entries))
            .build()?;
        let read = authenticator.sync_revocations().await?;
        if read as u64 != entries {
            return Err(format!("read {read} ended sessions from the log; expected {entries}").into());
        }
        println!("| {entries} | {} |", resident()?.saturating_sub(before) / entries);
    }
    println!();
    Ok(())
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> Result<u64, Failed> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("/proc/self/statm has no second number")?.parse()?;
    Ok(pages * 4096)
}
