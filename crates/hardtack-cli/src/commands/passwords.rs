//! `hardtack passwords`.

use std::path::{Path, PathBuf};

use hardtack::error::WithCauses;
use hardtack_accounts::{PasswordTable, PasswordTableError, TableSummary};

use crate::error::Error;
use crate::output;
use crate::subcommands::PasswordsCommand;

/// Builds a table of passwords that users cannot choose.
pub(super) fn run(command: &PasswordsCommand) -> Result<(), Error> {
    let PasswordsCommand::Build { list, out } = command;
    build(list, out.as_deref())
}

fn build(list: &Path, out: Option<&Path>) -> Result<(), Error> {
    let table = out.map_or_else(|| PathBuf::from(format!("{}.table", list.display())), Path::to_owned);
    let TableSummary { passwords, left_out, bytes, .. } = PasswordTable::build(list, &table).map_err(failed)?;
    let table = table.display();
    let mut lines = vec![format!("Created {table} with {passwords} passwords, {bytes} bytes.")];
    if left_out > 0 {
        lines.push(format!("Left out {left_out} lines that are not UTF-8, or are longer than 1024 bytes."));
    }
    lines.push(
        "To use the table, set password_list or HARDTACK_PASSWORD_LIST to its path, and restart the servers."
            .to_owned(),
    );
    output::print_result(lines.join("\n"), format_args!("the table was built: {}", lines.join(" ")))
}

fn failed(error: PasswordTableError) -> Error {
    let expected = match &error {
        PasswordTableError::Io { action: "written", .. } => {
            "; choose the path of a new file with --out, in a folder that exists, that this user can write to, and \
             that has room for twice the size of the table"
        }
        PasswordTableError::Io { .. } => "; expected a list of passwords that this user can read",
        _ => "",
    };
    Error::runtime(format_args!("{}{expected}", WithCauses(&error)))
}
