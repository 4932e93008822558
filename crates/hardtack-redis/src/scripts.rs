//! The store's operations as Lua scripts.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, FromRedisValue, Script, ServerErrorKind, ToRedisArgs};

use crate::connection::{Connection, Retry};
use crate::error::CommandError;

/// A script, and the hash under which the server caches it.
pub(crate) struct StoreScript {
    code: &'static str,
    hash: LazyLock<String>,
    retry: Retry,
}

macro_rules! scripts {
    ($($name:ident = $retry:ident: $($file:literal)*;)*) => {
        $(pub(crate) static $name: StoreScript = {
            const CODE: &str = concat!($(include_str!(concat!("lua/", $file, ".lua"))),*);
            StoreScript {
                code: CODE,
                hash: LazyLock::new(|| Script::new(CODE).get_hash().to_owned()),
                retry: Retry::$retry,
            }
        };)*
    };
}

scripts! {
    CREATE = Unsafe: "rows" "log" "end_sessions" "create";
    REVOKE = Unsafe: "rows" "log" "end_sessions" "revoke";
    ROTATE = Unsafe: "rows" "log" "rotate_row" "rotate";
    BIND = Unsafe: "rows" "rotate_row" "bind";
    OUTDATE = Unsafe: "rows" "log" "outdate";
    CONFIRM = Safe: "rows" "confirm";
    LIST = Safe: "rows" "list";
    LIST_PAGE = Safe: "rows" "list_page";
    REVOCATIONS = Safe: "log" "revocations";
    PRUNE = Safe: "rows" "log" "prune";
    THROTTLE_TAKE = Unsafe: "throttle" "throttle_take";
    THROTTLE_GIVE_BACK = Unsafe: "throttle" "throttle_give_back";
}

impl StoreScript {
    /// Runs the script on the store whose keys begin with `prefix`. First sends only the script's hash. If the server
    /// has not cached the script, sends the whole script.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        connection: &Connection,
        prefix: &str,
        arguments: impl ToRedisArgs,
    ) -> Result<T, CommandError> {
        let command = |name: &str, script: &str| -> Cmd {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(prefix).arg(&arguments);
            command
        };
        match connection.query(&command("EVALSHA", &self.hash), self.retry).await {
            Err(CommandError::Redis(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                connection.query(&command("EVAL", self.code), self.retry).await
            }
            result => result,
        }
    }
}
