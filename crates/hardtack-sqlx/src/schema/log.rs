//! Reads the revocation log: the rows of `revocations`, together with `revocation_head`.

use hardtack::clock::Timestamp;
use hardtack::session::{Revocation, RevocationKind, RevocationPage};

use super::error::RowError;
use super::values::{decode_id, to_unsigned};

/// The log's head (the highest sequence number), followed by one entry: its sequence number, the session, the time,
/// whether the session was replaced, and the newest generation whose tokens are outdated. This generation is `None` if
/// the session ended. If the page is empty, all fields of the entry are `None`.
pub(crate) type LogRow = (i64, Option<i64>, Option<String>, Option<i64>, Option<bool>, Option<i64>);

/// Converts rows to a page of the log.
pub(crate) fn decode_page(rows: Vec<LogRow>) -> Result<RevocationPage, RowError> {
    let mut page = RevocationPage::default();
    for (head, sequence, session, at, replaced, outdated) in rows {
        page.head = to_unsigned("revocation_head", "sequence", head)?;
        if let (Some(sequence), Some(session), Some(at), Some(replaced)) = (sequence, session, at, replaced) {
            let kind = match outdated {
                Some(generation) => {
                    RevocationKind::Outdated(to_unsigned(&session, "outdated_generation in the log", generation)?)
                }
                None if replaced => RevocationKind::Replaced,
                None => RevocationKind::Ended,
            };
            let sequence = to_unsigned(&session, "sequence in the log", sequence)?;
            let at = Timestamp::from_unix_seconds(at);
            page.entries.push(Revocation::new(sequence, decode_id(&session)?, at, kind));
        }
    }
    Ok(page)
}
