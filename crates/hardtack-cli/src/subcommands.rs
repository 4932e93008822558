//! The subcommands, and the flags that belong to a single subcommand. Flags that are settings are in `config/settings`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{
    settings::{BASE_URL, DATA_DIR, DATABASE_URL, REALM, REDIS_FOR, REDIS_URL, Setting},
    sources::{FlagSet, FlagValues, Flags},
};

/// Serve a site with accounts, log-in and sessions, and manage its keys and users.
#[derive(Parser)]
#[command(name = "hardtack", version, arg_required_else_help = true, disable_help_subcommand = true)]
// Do not wrap lines, so that each flag is on one line and can be searched for.
#[command(term_width = 0)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ABOUT_SETTINGS: &str = "\
A flag such as --base-url overrides the environment variable HARDTACK_BASE_URL, which overrides base_url in
the settings file. The option names of Flask-JWT-Extended, such as JWT_SECRET_KEY and JWT_ACCESS_TOKEN_EXPIRES, work
in the environment and in the file. Do not pass a URL with a password as a flag, because other users of the
machine can see flags. TIME is a number of seconds, or a number followed by s, m, h, d or w.";

const ABOUT_SERVE: &str = "\
Without any settings, `serve` creates ./hardtack-data with an SQLite database and a signing key.";

const ABOUT_ROTATION: &str = "\
Tokens signed with the previous keys stay valid, so no user is logged out. Running servers that use the folder
sign with the new key after 15 to 20 seconds, or later if clock_skew is longer than 3s. The command also removes
previous keys whose tokens have all expired.

The command reads from the database which keys the running servers use, so pass the --data-dir and
--database-url that the servers use.";

const ABOUT_EXPLAIN: &str = "\
Without HEADER, the command reads the header from standard input, so that its tokens do not end up in the
shell history. The command explains lines that begin with Cookie: or Set-Cookie:, and ignores other lines, so
you can also paste all headers of a request or a response. You can also paste a curl command that was copied
from a browser. The output contains no tokens.

Pass the settings of your servers, above all --base-url and --data-dir. If no key is configured, the command
does not check signatures. The command never reads the sessions, and creates no files.

The exit code is 0 if the server would accept the cookies and browsers would store them, 1 if the server would
refuse the cookies or browsers would ignore one of them, and 2 if a setting or an argument is wrong.";

const ABOUT_USERS: &str = "\
This command uses the servers' database, whether or not the servers are running. Pass the --data-dir or
--database-url that the servers use, and also their --redis-url if Redis stores the sessions.";

const ABOUT_PASSWORD_LISTS: &str = "\
The list is a UTF-8 text file that you have downloaded: plain passwords, one per line, or SHA-1 hashes, one per
line (SHA1, or SHA1:COUNT as in Have I Been Pwned's list). The table takes 8 bytes for each password. However long
the list is, the command uses 64 MiB of memory. The command does not use the network. If it is killed, it leaves
an incomplete file whose name begins with .new- in the table's folder; delete this file.";

const ABOUT_LINKS: &str = "\
The link works once and expires after a day. The first person who opens it chooses the password, so send the
link over a channel that only the user can read. You never learn the password.

This command uses the servers' database, whether or not the servers are running. Pass the --data-dir or
--database-url, and the --base-url, that the servers use.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the site: sign-up, log-in, password and device pages, and their JSON API.
    #[command(after_help = format!("{ABOUT_SERVE}\n\n{ABOUT_SETTINGS}"))]
    Serve(Flags<ServerFlags>),
    /// Upgrade the database tables, as `serve` does when it starts.
    Migrate(Flags<DatabaseFlags>),
    /// Check the settings, and print the effective ones without secrets.
    #[command(after_help = ABOUT_SETTINGS)]
    CheckConfig(Flags<ServerFlags>),
    /// Explain a Cookie or Set-Cookie header: what the server or a browser does with it, and why.
    #[command(after_help = ABOUT_EXPLAIN)]
    Explain(ExplainArguments),
    /// Generate, rotate and list signing keys.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Build a table of passwords that users cannot choose.
    Passwords {
        #[command(subcommand)]
        command: PasswordsCommand,
    },
    /// List, add, change and delete users, and reset their passwords.
    #[command(after_help = ABOUT_USERS)]
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// The header: "Cookie: …", "Set-Cookie: …", or only its value [default: standard input]
    pub(crate) header: Option<String>,
    /// Path of the request that the cookies were sent with
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) path: String,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<ExplainFlags>,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Generate a secret for JWT_SECRET_KEY, or a private key (JWK) for JWT_PRIVATE_KEY.
    Generate {
        /// HS256, HS384 or HS512 for a secret; EdDSA, Ed25519, ES256, RS256 and others for a private key.
        #[arg(long, value_name = "ALG", default_value = "HS256")]
        alg: String,
        /// Write the key to a new file that only its owner can read, instead of printing the key.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Create a new signing key in the data folder.
    #[command(after_help = ABOUT_ROTATION)]
    Rotate {
        #[command(flatten)]
        flags: Flags<KeyFlags>,
        /// Algorithm of the new key [default: the current key's algorithm]
        #[arg(long, value_name = "ALG")]
        alg: Option<String>,
        /// Remove all previous keys, for example after a theft; this logs all users out.
        #[arg(long)]
        discard_old: bool,
    },
    /// List the keys in the data folder.
    List {
        #[command(flatten)]
        flags: Flags<KeyFlags>,
    },
}

#[derive(Subcommand)]
pub(crate) enum PasswordsCommand {
    /// Build a table for password_list from a list of breached passwords.
    #[command(after_help = ABOUT_PASSWORD_LISTS)]
    Build {
        /// The list of passwords.
        #[arg(value_name = "FILE")]
        list: PathBuf,
        /// Write the table to this new file [default: FILE.table]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// List all users, and show which users are disabled.
    #[command(after_help = ABOUT_USERS)]
    List(UserFlags),
    /// Add a user, and print a link that lets the user set a password.
    #[command(after_help = ABOUT_LINKS)]
    Add {
        #[command(flatten)]
        user: NamedUser<LinkFlags>,
        /// The user's email address; the user confirms it on the account page
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Print a link that lets a user set a new password.
    #[command(after_help = ABOUT_LINKS)]
    ResetLink(NamedUser<LinkFlags>),
    /// Set a user's email address. An empty string removes the address.
    #[command(after_help = ABOUT_USERS)]
    SetEmail {
        #[command(flatten)]
        user: NamedUser,
        /// The new address.
        email: String,
        /// Treat the address as confirmed; the user can then request password reset links
        #[arg(long)]
        confirmed: bool,
    },
    /// Rename a user, and end their sessions.
    #[command(after_help = ABOUT_USERS)]
    Rename {
        #[command(flatten)]
        user: NamedUser,
        /// The new name.
        new_name: String,
    },
    /// Disable a user, and end their sessions. The user cannot log in until they are enabled again.
    #[command(after_help = ABOUT_USERS)]
    Disable(NamedUser),
    /// Let a disabled user log in again, with their old password.
    #[command(after_help = ABOUT_USERS)]
    Enable(NamedUser),
    /// End all of a user's sessions. The user can log in again.
    #[command(after_help = ABOUT_USERS)]
    LogOut(NamedUser),
    /// Delete a user, and end their sessions.
    #[command(after_help = ABOUT_USERS)]
    Delete {
        #[command(flatten)]
        user: NamedUser,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

/// The flags that all user commands share.
#[derive(Args)]
pub(crate) struct UserFlags<S: FlagSet + Send + Sync + 'static = DatabaseFlags> {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<S>,
}

#[derive(Args)]
pub(crate) struct NamedUser<S: FlagSet + Send + Sync + 'static = DatabaseFlags> {
    /// The user's name; case does not matter.
    pub(crate) name: String,
    #[command(flatten)]
    flags: UserFlags<S>,
}

impl UserCommand {
    pub(crate) const fn flags(&self) -> &FlagValues {
        match self {
            Self::List(flags) => flags.flags.values(),
            Self::Add { user, .. } | Self::ResetLink(user) => user.flags.flags.values(),
            Self::SetEmail { user, .. }
            | Self::Rename { user, .. }
            | Self::Disable(user)
            | Self::Enable(user)
            | Self::LogOut(user)
            | Self::Delete { user, .. } => user.flags.flags.values(),
        }
    }

    /// Returns whether the result is printed as JSON.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::List(flags) => flags.json,
            Self::Add { user, .. } | Self::ResetLink(user) => user.flags.json,
            Self::SetEmail { user, .. }
            | Self::Rename { user, .. }
            | Self::Disable(user)
            | Self::Enable(user)
            | Self::LogOut(user)
            | Self::Delete { user, .. } => user.flags.json,
        }
    }
}

/// The flags of `serve`. This command accepts a flag for every setting.
pub(crate) enum ServerFlags {}

impl FlagSet for ServerFlags {
    fn accepts(_: &Setting) -> bool {
        true
    }

    fn lists(_: &Setting) -> bool {
        true
    }
}

/// The flags of commands that use the database. These commands accept all flags of `serve`, but `--help` lists only the
/// flags that say where data is stored.
pub(crate) enum DatabaseFlags {}

impl FlagSet for DatabaseFlags {
    fn accepts(_: &Setting) -> bool {
        true
    }

    fn lists(setting: &Setting) -> bool {
        [DATA_DIR, DATABASE_URL, REDIS_URL, REDIS_FOR].contains(setting)
    }
}

/// The flags of commands that use the database and print a link to the site.
pub(crate) enum LinkFlags {}

impl FlagSet for LinkFlags {
    fn accepts(_: &Setting) -> bool {
        true
    }

    fn lists(setting: &Setting) -> bool {
        DatabaseFlags::lists(setting) || *setting == BASE_URL
    }

    fn help(setting: &Setting) -> String {
        // These commands do not know at which address the servers listen.
        if *setting == BASE_URL {
            return "Public address of the site, such as https://site.example; required here, in the environment or in the \
                    settings file"
                .to_owned();
        }
        setting.help()
    }
}

/// The flags of the command that explains cookies. The command accepts all flags of `serve`, but `--help` lists only
/// the most important flags.
pub(crate) enum ExplainFlags {}

impl FlagSet for ExplainFlags {
    fn accepts(_: &Setting) -> bool {
        true
    }

    fn lists(setting: &Setting) -> bool {
        [BASE_URL, DATA_DIR, REALM].contains(setting)
    }
}

/// The flags of commands that use the keys in the data folder. These commands also look up the running servers in the
/// database.
pub(crate) enum KeyFlags {}

impl FlagSet for KeyFlags {
    fn accepts(setting: &Setting) -> bool {
        [DATA_DIR, DATABASE_URL].contains(setting)
    }

    fn lists(_: &Setting) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_that_print_a_link_have_no_default_base_url() {
        for args in [&["user", "add"][..], &["user", "reset-link"]] {
            let args = ["hardtack"].iter().chain(args).chain(&["--help"]);
            let help = Cli::try_parse_from(args).err().unwrap().to_string();
            let line = help.lines().find(|line| line.contains("--base-url ")).unwrap();
            assert!(line.contains("required") && !line.contains("default"), "{line}");
        }
    }

    #[test]
    fn help_has_one_line_for_each_flag() {
        let help = Cli::try_parse_from(["hardtack", "serve", "--help"]).err().unwrap().to_string();
        for setting in crate::config::settings::ALL.iter().filter(|setting| setting.flag().is_some()) {
            let flag = format!("{} ", setting.usual_name());
            let line = help.lines().find(|line| line.trim_start().starts_with(&flag));
            assert!(line.is_some_and(|line| line.ends_with(&setting.help())), "{flag}\n{help}");
        }
    }
}
