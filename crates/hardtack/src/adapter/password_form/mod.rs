//! Forms in which the user enters a password to log in or to re-authenticate.
//!
//! 1. `GET`: [`Exchange::log_in_form`] returns what the handler needs to render the page with the form.
//! 2. `POST`: the adapter checks the request before [`Exchange::read_password_form`] reads the password.
//! 3. If the password is correct, [`Exchange::log_in_and_return`] redirects the browser to the page that the user
//!    originally requested.
//! 4. If the password is wrong, the handler refuses the request with a [`LogInRefusal`](crate::refusal::LogInRefusal).
//!    The browser is redirected to the page from step 1, and gets a short-lived cookie that holds the message and the
//!    typed user name.

mod attempts;
mod credentials;
mod devices;
mod notice;
mod pages;
mod read;
mod view;

use super::Exchange;
use crate::authenticator::LogIn;
use crate::cookie::SetCookies;
use crate::refusal::{Failure, Reply};
use crate::request::Wants;
use crate::token::VerifiedToken;

pub use credentials::Credentials;
pub use pages::log_out_page;
pub use read::TypedName;
pub use view::PasswordForm;

impl Exchange<'_> {
    /// Returns what you need to render a page with a log-in form.
    ///
    /// # Errors
    /// The cookie is longer than browsers accept, because its configured name is very long.
    pub fn log_in_form(&self) -> Result<PasswordForm, Failure> {
        let (csrf_token, cookies) = self.pre_session()?.into_parts();
        Ok(self.password_form(csrf_token, cookies))
    }

    /// Returns what you need to render a page that asks the logged-in user for the password again.
    pub fn reauthentication_form<T>(&self, token: &VerifiedToken<T>) -> PasswordForm {
        self.password_form(token.csrf_token().to_string(), SetCookies::default())
    }

    fn password_form(&self, csrf_token: String, mut cookies: SetCookies) -> PasswordForm {
        let notice = self.take_notice(&mut cookies);
        PasswordForm {
            field: self.authenticator.csrf_field().to_owned(),
            csrf_token,
            ended: self.query("ended").is_some(),
            notice,
            cookies,
        }
    }

    /// Logs a user in like [`log_in`](Self::log_in), and returns the response. A browser is redirected to the URL in
    /// the query parameter `next`, or to the home page. An API client gets 200 with JSON.
    ///
    /// # Errors
    /// The same errors as [`log_in`](Self::log_in).
    pub async fn log_in_and_return(&self, log_in: impl Into<LogIn>) -> Result<Reply, Failure> {
        let cookies = self.log_in(log_in).await?;
        Ok(self.done(self.next_or_home(), "logged_in", cookies))
    }

    /// Makes the session fresh again like [`reauthenticate`](Self::reauthenticate), and returns the response. A browser
    /// is redirected to the URL in the query parameter `next`, or to the home page. An API client gets 200 with JSON.
    ///
    /// # Errors
    /// The same errors as [`reauthenticate`](Self::reauthenticate).
    pub async fn reauthenticate_and_return(&self, subject: &str) -> Result<Reply, Failure> {
        let cookies = self.reauthenticate(subject).await?;
        Ok(self.done(self.next_or_home(), "reauthenticated", cookies))
    }

    /// Logs the user out like [`log_out`](Self::log_out), and returns the response. A browser is redirected to the
    /// log-in page. An API client gets 200 with JSON.
    ///
    /// # Errors
    /// The same errors as [`log_out`](Self::log_out).
    pub async fn log_out_and_return(&self) -> Result<Reply, Failure> {
        let cookies = self.log_out().await?;
        Ok(self.done(self.authenticator.urls().login.clone(), "logged_out", cookies))
    }

    fn done(&self, url: String, what: &str, cookies: SetCookies) -> Reply {
        let reply = match self.wants() {
            Wants::Page => Reply::redirect(303, url),
            Wants::Htmx => Reply::new(200).header("hx-redirect", url),
            Wants::Api => Reply::json(200, &serde_json::json!({ what: true })),
        };
        Reply { cookies, ..reply }
    }
}
