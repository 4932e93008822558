//! `hardtack passwords`.

use std::path::{Path, PathBuf};

use hardtack_accounts::{PasswordTable, TableSummary};

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
    let TableSummary { passwords, left_out, bytes, .. } =
        PasswordTable::build(list, &table).map_err(Error::with_causes)?;
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
