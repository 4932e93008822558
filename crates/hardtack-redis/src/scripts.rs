//! The store's operations as Redis runs them.

use std::sync::LazyLock;

use redis::{Cmd, ErrorKind, FromRedisValue, Script, ServerErrorKind, ToRedisArgs};

use crate::AskError;
use crate::link::{Again, Link};

/// A script and the name under which a server keeps it.
pub(crate) struct Operation {
    code: &'static str,
    hash: LazyLock<String>,
    again: Again,
}

macro_rules! operations {
    ($($name:ident = $again:ident: $($file:literal)*;)*) => {
        $(pub(crate) static $name: Operation = {
            const CODE: &str = concat!($(include_str!(concat!("lua/", $file, ".lua"))),*);
            Operation { code: CODE, hash: LazyLock::new(|| Script::new(CODE).get_hash().to_owned()), again: Again::$again }
        };)*
    };
}

operations! {
    CREATE = No: "rows" "ends" "create";
    REVOKE = No: "rows" "ends" "revoke";
    ROTATE = No: "rows" "rotate";
    OUTDATE = No: "rows" "outdate";
    CONFIRM = Yes: "rows" "confirm";
    LIST = Yes: "rows" "list";
    REVOCATIONS = Yes: "rows" "revocations";
    PRUNE = Yes: "rows" "prune";
}

impl Operation {
    /// Runs it on the store called `tag`. A server that does not know the script is given it; it has run
    /// nothing then.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        link: &Link,
        tag: &str,
        arguments: impl ToRedisArgs,
    ) -> Result<T, AskError> {
        let command = |name: &str, script: &str| -> Cmd {
            let mut command = redis::cmd(name);
            command.arg(script).arg(1).arg(tag).arg(&arguments);
            command
        };
        match link.ask(&command("EVALSHA", &self.hash), self.again).await {
            Err(AskError::Redis(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                link.ask(&command("EVAL", self.code), self.again).await
            }
            answer => answer,
        }
    }
}
