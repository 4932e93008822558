//! Reads files safely: only regular files, up to a maximum size. A path might otherwise lead to a FIFO, a device or a
//! file of several gigabytes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Opens a regular file for reading.
///
/// Reading a FIFO or a device could block forever. This function never blocks, and returns an error if the file is not
/// a regular file.
///
/// # Errors
/// Returns the operating system's error, or [`io::ErrorKind::InvalidInput`] if the path does not refer to a regular
/// file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a FIFO without O_NONBLOCK waits for a writer. The flags have no effect on regular files.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

/// Reads a file to its end. When the returned content is dropped, it is erased from memory.
///
/// # Errors
/// Returns the operating system's error, or [`io::ErrorKind::FileTooLarge`] if the file is longer than `limit` bytes.
pub fn read_at_most(file: &File, limit: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = u64::from(limit);
    // Allocate enough room at the start. If the buffer had to grow, copies of a secret would be left behind in memory.
    let expected = file.metadata()?.len().min(limit) + 2;
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(expected).unwrap_or_default()));
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn k05_only_regular_files_of_a_limited_size_are_read() {
        let folder = std::env::temp_dir().join(format!("hardtack-read-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        fs::write(&path, "12345").unwrap();
        let file = open_regular(&path).unwrap();
        assert_eq!(**read_at_most(&file, 5).unwrap(), *b"12345");
        let refused = read_at_most(&open_regular(&path).unwrap(), 4).unwrap_err();
        assert_eq!(refused.to_string(), "it is larger than 4 bytes");
        assert_eq!(open_regular(&folder.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        #[cfg(unix)]
        {
            let fifo = folder.join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
            assert!(made.success());
            for path in [fifo.as_path(), folder.as_path(), Path::new("/dev/zero")] {
                let refused = open_regular(path).unwrap_err();
                assert_eq!(refused.to_string(), "it is not a regular file", "{}", path.display());
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
