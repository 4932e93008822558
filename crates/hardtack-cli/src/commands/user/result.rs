//! What `hardtack user` prints: a sentence, or one JSON value.

use std::fmt;

use hardtack_accounts::{PasswordLink, UserRecord};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output;

/// Whether a user's sessions have ended.
#[derive(Clone, Copy)]
pub(super) enum Sessions {
    /// This many sessions have ended.
    Ended(usize),
    /// The sessions have not ended yet, because the session store cannot be reached. The database records that the
    /// sessions must end, and the servers end them later.
    EndLater,
}

impl fmt::Display for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndLater => {
                f.write_str("the servers will end the sessions as soon as they can reach the session store")
            }
            Self::Ended(0) => f.write_str("there were no sessions to end"),
            Self::Ended(1) => f.write_str("1 session was ended"),
            Self::Ended(sessions) => write!(f, "{sessions} sessions were ended"),
        }
    }
}

/// Prints all users, page by page, as lines or as the JSON object `{"users": […]}`.
pub(super) async fn print_list(
    json: bool,
    mut next_page: impl AsyncFnMut() -> Result<Vec<UserRecord>, Error>,
) -> Result<(), Error> {
    let mut is_first = true;
    if json {
        output::print("{\"users\": [")?;
    }
    loop {
        let page = next_page().await?;
        if page.is_empty() {
            break;
        }
        for record in &page {
            if json {
                output::print(format_args!("{}{}", if is_first { "" } else { "," }, to_json(record)))?;
            } else {
                output::print(line(record))?;
            }
            is_first = false;
        }
    }
    match (json, is_first) {
        (true, _) => output::print("]}"),
        (false, true) => output::print("There are no users yet."),
        (false, false) => Ok(()),
    }
}

/// Prints the result of a change to a user. Without `json`, prints `text`. With `json`, prints the user as JSON. If the
/// change ends sessions, the JSON also contains the number of ended sessions, or `null` if the servers end the sessions
/// later.
///
/// `text` is a complete sentence.
pub(super) fn print_changed(
    json: bool,
    text: impl fmt::Display,
    record: &UserRecord,
    sessions: Option<Sessions>,
) -> Result<(), Error> {
    let done = format!("the change was made: {text} Do not repeat the command. To check the users: hardtack user list");
    if !json {
        return output::print_result(text, done);
    }
    let mut value = json!({ "user": to_json(record) });
    if let Some(sessions) = sessions {
        value["sessions_ended"] = match sessions {
            Sessions::Ended(count) => json!(count),
            Sessions::EndLater => Value::Null,
        };
    }
    output::print_result(value, done)
}

/// Prints a link that sets a password. `text` is the beginning of the printed sentence, and names the user. `done` says
/// what the command has done. It is part of the error if the link cannot be printed.
pub(super) fn print_link(
    json: bool,
    text: impl fmt::Display,
    done: impl fmt::Display,
    link: &PasswordLink,
    site: &str,
) -> Result<(), Error> {
    let url = link.url(site);
    let name = &link.user.username;
    let done = format!("{done}. The link is lost. To create another link: hardtack user reset-link {name}");
    if json {
        let expires_at = link.expires_at.unix_seconds();
        let value = json!({ "user": link.user, "link": url, "link_expires_at": expires_at });
        return output::print_result(value, done);
    }
    let expires_at = output::date(link.expires_at);
    output::print_result(format_args!("{text}, which works once and expires at {expires_at}:\n{url}"), done)
}

fn line(UserRecord { user, disabled_at, .. }: &UserRecord) -> String {
    let state = disabled_at.map_or_else(String::new, |at| format!("  disabled {}", output::date(at)));
    format!("{}  signed up {}{state}", output::escaped(&user.username), output::date(user.created_at))
}

fn to_json(record: &UserRecord) -> Value {
    let mut value = json!(record.user);
    value["disabled_at"] = json!(record.disabled_at.map(hardtack::clock::Timestamp::unix_seconds));
    value
}
