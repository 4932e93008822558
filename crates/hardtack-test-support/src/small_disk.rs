//! A small file system that a test fills and frees.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// An in-memory file system of 4 MiB. Dropping this value unmounts it.
#[derive(Debug)]
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts a new file system. Returns `None` if that fails, for example because the user who runs the tests is not
    /// allowed to mount file systems.
    pub fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs"]).arg(directory.path());
        mount.output().ok().filter(|output| output.status.success()).map(|_| Self(directory))
    }

    /// Returns the directory where the file system is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the disk to the last byte.
    ///
    /// # Panics
    /// Panics if no file can be created on the disk.
    pub fn fill(&self) {
        let mut ballast = File::create(self.0.path().join("ballast")).expect("a file can be created");
        let block = [0_u8; 4096];
        while ballast.write_all(&block).is_ok() {}
    }

    /// Frees the space that [`fill`](Self::fill) has taken.
    ///
    /// # Panics
    /// Panics if the disk has not been filled.
    pub fn free(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).expect("the disk was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Unmount lazily, because a server that is shutting down might still have files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}
