//! The refresh URL: both ways back to where the client came from.

use super::Exchange;
use crate::failure::{Failure, Reply};
use crate::request::Wants;

impl Exchange<'_> {
    /// Refreshes and sends the client back to the query's `next`: a GET by 303, a POST by 307 so that
    /// its body goes on to the page that it was posted to. A program gets 200 and JSON.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn refresh_and_return(&self) -> Result<Reply, Failure> {
        let cookies = self.refresh().await?;
        let asked = self.head.query("next").and_then(|text| self.engine.next(&text));
        let reply = match asked {
            Some(next) if !self.head.is_safe() => Reply::redirect(307, next.as_str()),
            Some(next) => Reply::redirect(303, next.as_str()),
            None if self.wants() == Wants::Page => Reply::redirect(303, self.engine.next_or_home(None)),
            None => Reply::json(200, &serde_json::json!({ "refreshed": true })),
        };
        Ok(Reply { cookies, ..reply })
    }
}
