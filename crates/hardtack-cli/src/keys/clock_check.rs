//! Checks whether the times of the keys and their files contradict the clock of this machine.
//!
//! A key begins to sign, and is no longer used, at times that depend on when it was created. If the clock is days
//! ahead, keys whose tokens are still valid count as no longer used, and a new key is dated so late that it begins to
//! sign days later.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hardtack::clock::Timestamp;
use hardtack::files::shell_quoted;

use crate::output::date;

/// The greatest difference between clocks that is accepted. It is the same as for sessions: if the clocks differ by
/// more, expired rows are not deleted.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Finds a key or a file in the folder that is dated ahead of the clock, and says what it is and what to do.
///
/// `keys` are the files of the keys and when they were created, the oldest first.
pub(super) fn dated_ahead<'a>(
    folder: &Path,
    keys: impl IntoIterator<Item = (&'a Path, Timestamp)>,
    now: Timestamp,
) -> io::Result<Option<String>> {
    // The first key signs no matter what its date is.
    if let Some((path, created_at)) = keys.into_iter().skip(1).find(|(_, created_at)| is_ahead(*created_at, now)) {
        return Ok(Some(format!(
            "the clock of this machine says {}, but the key {} was created at {}; set the clock, or if it is right, \
             remove that key, which does not sign yet: rm {}",
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
                "the clock of this machine says {}, but {} was changed at {}; set the clock, or if it is right, \
                 correct the time of the file: touch {}",
                date(now),
                path.display(),
                date(changed_at),
                shell_quoted(path)
            )));
        }
    }
    Ok(None)
}

/// Compares the clock with that of the file system, which may belong to a file server, and says what to do if they
/// differ. Creates a file for this, and removes it.
pub(super) fn differs_from_file_system(folder: &Path, now: Timestamp) -> io::Result<Option<String>> {
    let probe = tempfile::Builder::new().prefix(".clock-").tempfile_in(folder)?;
    let created_at = timestamp(probe.as_file().metadata()?.modified()?);
    Ok((now.distance(created_at) > TOLERANCE).then(|| {
        format!(
            "the clock of this machine says {}, but a file that was just created in {} is dated {}; set the clocks of \
             this machine and of the file system, for example with NTP",
            date(now),
            folder.display(),
            date(created_at)
        )
    }))
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
            assert!(found.starts_with(&format!("the clock of this machine says {}", date(clock))), "{found}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let found = dated_ahead(folder.path(), [], now - Duration::from_secs(120)).unwrap().unwrap();
        assert!(found.contains("correct the time of the file: touch "), "{found}");
        file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        let found = dated_ahead(folder.path(), [], now).unwrap().unwrap();
        assert!(found.ends_with("0001.jwk"), "{found}");
    }
}
