//! An authenticator's background jobs, and which of them are running.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::wake_signal::WakeSignal;

/// A background job. The value is the job's bit in [`Background::running`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Job {
    /// Reads the revocation log.
    Follow = 1,
    /// Deletes expired rows.
    Prune = 2,
}

/// Which jobs an authenticator has, and which of them are running.
#[derive(Debug)]
pub(super) struct Background {
    /// The jobs that adapters start, with one bit per job.
    automatic: u8,
    /// The jobs that are running, with one bit per job.
    running: AtomicU8,
    /// The signals that end the jobs, one for each job that an adapter can start. They are sent when the authenticator
    /// is dropped.
    ends: [Arc<WakeSignal>; 2],
}

impl Background {
    pub(super) fn new(follows: bool, prunes: bool) -> Self {
        let automatic = if follows { Job::Follow as u8 } else { 0 } | if prunes { Job::Prune as u8 } else { 0 };
        Self { automatic, running: AtomicU8::new(0), ends: Default::default() }
    }

    /// Returns whether an adapter has to start a job.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.automatic & !self.running.load(Ordering::Relaxed) != 0
    }

    /// Returns whether adapters start this job.
    pub(super) fn is_automatic(&self, job: Job) -> bool {
        self.automatic & job as u8 != 0
    }

    /// Marks a job as running. Returns `false` if the job was already running.
    pub(super) fn begin(&self, job: Job) -> bool {
        self.running.fetch_or(job as u8, Ordering::AcqRel) & job as u8 == 0
    }

    /// Marks a job as no longer running.
    pub(super) fn stopped(&self, job: Job) {
        self.running.fetch_and(!(job as u8), Ordering::AcqRel);
    }

    /// Returns the signal that ends a job.
    pub(super) fn end(&self, job: Job) -> &Arc<WakeSignal> {
        let [follow, prune] = &self.ends;
        match job {
            Job::Follow => follow,
            Job::Prune => prune,
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ends.iter().for_each(|end| end.send());
    }
}
