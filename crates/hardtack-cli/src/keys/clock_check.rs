//! Checks this machine's clock against the dates of the keys and their files.
//!
//! Servers use the creation time of each key to decide when to start and when to stop using the key. If the clock is
//! days ahead, two things go wrong. First, servers stop using keys whose tokens are still valid. Second, a new key gets
//! a creation time that is days in the future, so after the clock is corrected, days pass before servers sign with this
//! key.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hardtack::clock::Timestamp;
use hardtack::files::shell_quoted;

use crate::output::date;

/// The largest difference between two clocks that is tolerated. The pruning of the session store tolerates the same
/// difference: if the clocks differ by more, it does not delete expired rows.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Looks in the folder for a key or a file whose date is ahead of the clock. If it finds one, returns a message that
/// names the key or the file and says what to do.
///
/// `keys` contains the path and the creation time of each key, oldest key first.
pub(super) fn dated_ahead<'a>(
    folder: &Path,
    keys: impl IntoIterator<Item = (&'a Path, Timestamp)>,
    now: Timestamp,
) -> io::Result<Option<String>> {
    // Skip the first key, because it signs tokens regardless of its date.
    if let Some((path, created_at)) = keys.into_iter().skip(1).find(|(_, created_at)| is_ahead(*created_at, now)) {
        return Ok(Some(format!(
            "this machine's clock says {}, but the key {} was created at {}; correct the clock; if the clock \
             is right, remove that key, which does not sign yet, with: rm {}",
            date(now),
            path.display(),
            date(created_at),
            shell_quoted(path)
        )));
    }
    let files = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for path in files.iter().map(|path| path.as_path()).chain([folder]) {
        // Another process may have removed the file in the meantime.
        let Ok(changed_at) = fs::metadata(path).and_then(|metadata| metadata.modified()).map(timestamp) else {
            continue;
        };
        if is_ahead(changed_at, now) {
            return Ok(Some(format!(
                "this machine's clock says {}, but {} was changed at {}; correct the clock; if the clock is \
                 right, correct the file's time with: touch {}",
                date(now),
                path.display(),
                date(changed_at),
                shell_quoted(path)
            )));
        }
    }
    Ok(None)
}

/// Compares this machine's clock with the clock of the file system, which may be on a file server. If the clocks
/// differ, returns a message that says what to do. To read the file system's clock, creates and removes a file.
pub(super) fn differs_from_file_system(folder: &Path, now: Timestamp) -> io::Result<Option<String>> {
    let created_at = time_of_file_system(folder)?;
    Ok((now.distance(created_at) > TOLERANCE).then(|| {
        format!(
            "this machine's clock says {}, but a file that was just created in {} is dated {}; set the clocks of this \
             machine and of the file system, for example with NTP",
            date(now),
            folder.display(),
            date(created_at)
        )
    }))
}

/// Returns the creation time to record for a new key. If the file system's clock is ahead of this machine's clock by at
/// most [`TOLERANCE`], returns the file system's time. Otherwise, returns this machine's time.
///
/// Servers begin to sign with a key when the [overlap](super::overlap) has passed since the key's creation time. By then,
/// all servers have loaded the key. If the creation time came from a clock that is behind, servers would begin to sign
/// too early.
pub(super) fn date_of_new_key(folder: &Path, now: Timestamp) -> io::Result<Timestamp> {
    let ahead = Some(time_of_file_system(folder)?).filter(|time| time.since(now) <= TOLERANCE && *time > now);
    Ok(ahead.unwrap_or(now))
}

/// Creates a file and returns the modification time that the file system gives it.
fn time_of_file_system(folder: &Path) -> io::Result<Timestamp> {
    let probe = tempfile::Builder::new().prefix(".clock-").tempfile_in(folder)?;
    probe.as_file().metadata()?.modified().map(timestamp)
}

fn is_ahead(time: Timestamp, now: Timestamp) -> bool {
    time.since(now) > TOLERANCE
}

fn timestamp(time: SystemTime) -> Timestamp {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use hardtack::clock::{Clock, SystemClock};

    use super::*;

    #[test]
    fn s23_a_new_key_is_not_dated_by_a_clock_that_is_behind() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let date = |clock: Timestamp| date_of_new_key(folder.path(), clock).unwrap();
        for behind in [20, 50] {
            assert!(date(now - Duration::from_secs(behind)).distance(now) <= Duration::from_secs(2), "{behind}");
        }
        for other in [now + Duration::from_secs(30), now - Duration::from_secs(7200)] {
            assert_eq!(date(other), other);
        }
    }

    #[test]
    fn s23_a_clock_that_the_files_contradict_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("0001.jwk")).unwrap();
        let now = SystemClock.now();
        let later = |seconds| now + Duration::from_secs(seconds);
        for off in [0, 30] {
            assert_eq!(differs_from_file_system(folder.path(), later(off)).unwrap(), None);
            assert_eq!(dated_ahead(folder.path(), [], now - Duration::from_secs(off)).unwrap(), None);
        }
        for clock in [later(120), later(40 * 86_400), now - Duration::from_secs(120)] {
            let found = differs_from_file_system(folder.path(), clock).unwrap().unwrap();
            assert!(found.starts_with(&format!("this machine's clock says {}", date(clock))), "{found}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let found = dated_ahead(folder.path(), [], now - Duration::from_secs(120)).unwrap().unwrap();
        assert!(found.contains("correct the file's time with: touch "), "{found}");
        file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        let found = dated_ahead(folder.path(), [], now).unwrap().unwrap();
        assert!(found.ends_with("0001.jwk"), "{found}");
    }
}
