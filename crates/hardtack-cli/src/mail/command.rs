//! Sends mail through a program such as `/usr/sbin/sendmail -t -i`.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::{env, io};

use hardtack_accounts::mail::{Mail, MailError, Mailer};
#[cfg(unix)]
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::timeout::TIMEOUT;
use crate::config::{Unusable, find_trusted};

/// sendmail's exit statuses (sysexits.h) for a recipient or message that is permanently refused: EX_DATAERR, EX_NOUSER
/// and EX_NOHOST.
const REFUSED: [i32; 3] = [65, 67, 68];

/// A program that reads an email from its standard input. The server runs the program without a shell, and its
/// arguments contain no user input. Before each run, the server checks that no other user can change the program.
pub(super) struct MailCommand {
    program: String,
    arguments: Vec<String>,
}

impl MailCommand {
    pub(super) fn new(program: &str, arguments: &[String]) -> Self {
        Self { program: program.to_owned(), arguments: arguments.to_vec() }
    }

    /// Runs the program until it exits, unless another user can change it. Returns its exit status, and whether it kept
    /// its standard input open until the whole message was written. If this future is dropped earlier, because of the
    /// timeout or because the server stops, the program and the processes that it has started are killed.
    async fn run(&self, message: &str) -> Result<(ExitStatus, bool), RunError> {
        // Run the file that was checked. `PATH` could lead to a different file by now.
        let mut command = Command::new(self.find().await?);
        #[cfg(unix)]
        command.arg0(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // The program must not see the server's keys and passwords.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| ["JWT_", "HARDTACK_", "PG"].iter().any(|own| name.starts_with(own))) {
                command.env_remove(name);
            }
        }
        #[cfg(unix)]
        command.process_group(0);
        let mut running = Running(command.kill_on_drop(true).spawn()?);
        let mut took_message = true;
        if let Some(mut input) = running.0.stdin.take() {
            match input.write_all(message.as_bytes()).await {
                // The program was started, so its exit status says what went wrong.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => took_message = false,
                written => written?,
            }
        }
        Ok((running.0.wait().await?, took_message))
    }

    /// Finds the program's file, which another user may have changed since the last run. The check reads from the file
    /// system, so it runs on a thread for blocking work.
    async fn find(&self) -> Result<PathBuf, RunError> {
        let program = self.program.clone();
        let found = tokio::task::spawn_blocking(move || find_trusted(&program)).await;
        Ok(found.map_err(io::Error::other)??)
    }

    async fn deliver(&self, message: &str) -> Result<(), MailError> {
        let program = &self.program;
        match tokio::time::timeout(TIMEOUT, self.run(message)).await {
            Ok(Ok((status, true))) if status.success() => Ok(()),
            Ok(Ok((status, false))) if status.success() => Err(MailError::new(format!(
                "{program} exited with status 0, but it did not read the whole email; correct mail_command"
            ))),
            Ok(Ok((status, _))) if status.code().is_some_and(|code| REFUSED.contains(&code)) => {
                Err(MailError::refused(format!("{program} refused the email or its recipient: {status}")))
            }
            Ok(Ok((status, _))) => Err(MailError::new(format!("{program} failed: {status}; see that program's log"))),
            // The error says how to correct the permissions.
            Ok(Err(RunError::Unusable(error @ Unusable::Untrusted(_)))) => {
                Err(MailError::outage(format!("{program} was not run: {error}")))
            }
            Ok(Err(RunError::Unusable(error))) => Err(MailError::outage(format!("{error}; correct mail_command"))),
            Ok(Err(RunError::Io(error))) => {
                Err(MailError::outage(format!("{program} cannot be run: {error}; correct mail_command")))
            }
            // A timeout does not count as an outage, because the recipient may have caused it.
            Err(_) => Err(MailError::new(format!("{program} took longer than {TIMEOUT:?}"))),
        }
    }
}

/// Why the program was not run, or stopped reading.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A program that runs in a process group of its own. If the program is still running when this value is dropped, the
/// whole group is killed. After the program has ended, the processes that it has started are left alone, because they
/// may still be delivering the message in the background.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // `id` returns `None` once the program has been waited for. Until then, the system does not reuse the id for
        // another process group.
        #[cfg(unix)]
        if let Some(id) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // This fails only if no process of the group is left.
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

impl Mailer for MailCommand {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.deliver(&mail.to_string()).await
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::MailCommand;

    /// The log used to say that such a program cannot be run.
    #[tokio::test]
    async fn the_exit_status_of_a_program_that_does_not_read_is_reported() {
        // A pipe holds up to 64 KiB on Linux, so the program exits while the message is being written.
        let message = "a line\n".repeat(100_000);
        for (script, expected) in [
            ("exit 0", "exited with status 0, but it did not read the whole email; correct mail_command"),
            ("exit 1", "/bin/sh failed: exit status: 1; see that program's log"),
            ("exit 67", "/bin/sh refused the email or its recipient: exit status: 67"),
            ("exec <&-; exit 1", "/bin/sh failed: exit status: 1; see that program's log"),
            ("read line; exit 0", "exited with status 0, but it did not read the whole email; correct mail_command"),
        ] {
            let command = MailCommand::new("/bin/sh", &["-c".to_owned(), script.to_owned()]);
            let text = format!("{:?}", command.deliver(&message).await.unwrap_err());
            assert!(text.contains(expected), "{script}: {text}");
        }
        let command = MailCommand::new("/bin/sh", &["-c".to_owned(), "cat > /dev/null".to_owned()]);
        command.deliver(&message).await.unwrap();
    }
}
