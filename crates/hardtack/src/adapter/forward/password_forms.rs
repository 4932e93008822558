//! The `Auth` methods that handle password forms.

#[doc(hidden)]
#[macro_export]
macro_rules! __forward_password_forms {
    (error: $error:ty, cookies: $cookies:ty, response: $response:ty = $into_response:path) => {
        /// Counts a log-in attempt against the account's budget and the budget of the client's address. Call this
        /// method before you check a password. If the password is right, call
        /// [`Attempt::succeeded`](hardtack::throttle::Attempt::succeeded). The guide
        /// [`throttling`](hardtack::guide::throttling) lists the limits.
        ///
        /// # Errors
        /// Returns an error if one of these budgets is empty. The response is 429 with `Retry-After`: a page for a
        /// browser, problem details for an API client.
        pub async fn take_log_in_attempt(
            &self,
            throttle: &$crate::throttle::Throttle,
            username: &str,
        ) -> ::core::result::Result<$crate::throttle::Attempt, $error> {
            Ok(self.exchange().take_log_in_attempt(throttle, username).await?)
        }

        /// Counts an attempt by the logged-in user to enter the password again. The attempt counts against the
        /// session's own budget. Call this method before you check the password. If the password turns out to be the
        /// logged-in user's, call [`Attempt::succeeded`](hardtack::throttle::Attempt::succeeded).
        ///
        /// The session has its own budget, so the logged-in user can still enter the password even if strangers use up
        /// the account's attempts.
        ///
        /// The budget does not depend on the user name that was typed. If the user types a different user's password,
        /// your response must not reveal this. Otherwise, anyone with an account could use this check to guess other
        /// users' passwords.
        ///
        /// # Errors
        /// Returns an error if the budget is empty. The response is 429 with `Retry-After`: a page for a browser,
        /// problem details for an API client.
        pub async fn take_reauthentication_attempt(
            &self,
            throttle: &$crate::throttle::Throttle,
            token: &$crate::token::VerifiedToken,
        ) -> ::core::result::Result<$crate::throttle::Attempt, $error> {
            Ok(self.exchange().take_reauthentication_attempt(throttle, token).await?)
        }

        /// Returns a cookie that lets Hardtack recognize this browser at later log-ins. Add the cookie to the response
        /// when a log-in succeeds. [`take_log_in_attempt`](Self::take_log_in_attempt) then counts the attempts from
        /// this browser separately, so the account's owner can still log in from this browser even if a stranger uses
        /// up the account's attempts.
        pub fn remember_device(&self, throttle: &$crate::throttle::Throttle, username: &str) -> $cookies {
            self.exchange().remember_device(throttle, username).into()
        }

        /// Returns what you need to render a page with a log-in form: the hidden CSRF field, a message, a user name,
        /// and cookies for the response. After a refused attempt, the message says why the attempt was refused, and the
        /// user name is the one that was typed. Write the form without an `action`, so that the browser posts it to the
        /// page's own URL.
        ///
        /// # Errors
        /// Returns an error if the cookie is longer than browsers accept, because its configured name is very long.
        pub fn log_in_form(&self) -> ::core::result::Result<$crate::adapter::PasswordForm<$cookies>, $error> {
            Ok(self.exchange().log_in_form()?.map_cookies(::core::convert::Into::into))
        }

        /// Returns what you need to render a page that asks the logged-in user for the password again. The result is
        /// like the one from [`log_in_form`](Self::log_in_form), but with the CSRF value of the user's session.
        pub fn reauthentication_form<T>(
            &self,
            token: &$crate::VerifiedToken<T>,
        ) -> $crate::adapter::PasswordForm<$cookies> {
            self.exchange().reauthentication_form(token).map_cookies(::core::convert::Into::into)
        }

        /// Logs a user in, as [`log_in`](Self::log_in) does, and returns the whole response. A browser is redirected to
        /// the path in the query parameter `next`, or to the home page. An API client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`log_in`](Self::log_in).
        pub async fn log_in_and_return(
            &self,
            log_in: impl ::core::convert::Into<$crate::LogIn>,
        ) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().log_in_and_return(log_in).await?))
        }

        /// Makes the session fresh again, as [`reauthenticate`](Self::reauthenticate) does, and returns the whole
        /// response. A browser is redirected to the path in the query parameter `next`, or to the home page. An API
        /// client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`reauthenticate`](Self::reauthenticate).
        pub async fn reauthenticate_and_return(&self, subject: &str) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().reauthenticate_and_return(subject).await?))
        }

        /// Logs the user out, as [`log_out`](Self::log_out) does, and returns the whole response. A browser is
        /// redirected to the log-in page. An API client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`log_out`](Self::log_out).
        pub async fn log_out_and_return(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().log_out_and_return().await?))
        }

        /// Returns the value for the hidden CSRF field in a log-in or sign-up form, and the cookie that goes with it.
        ///
        /// The field's name is [`Authenticator::csrf_field`](hardtack::Authenticator::csrf_field), `csrf_token` by
        /// default. If the browser already has the cookie for the field, this method returns no new cookie, so forms in
        /// other tabs stay valid.
        ///
        /// # Errors
        /// Returns an error if the cookie is longer than browsers accept, because its configured name is very long.
        pub fn pre_session(&self) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            let (token, cookies) = self.exchange().pre_session()?.into_parts();
            Ok((token, cookies.into()))
        }

        /// Refuses a request that another site could have sent. Call this method in handlers for users who are not
        /// logged in yet, such as a sign-up handler.
        ///
        /// [`log_in`](Self::log_in) also makes this check, but only after you have verified the password. To refuse
        /// forged requests earlier, also call this method at the beginning of your log-in handler.
        ///
        /// # Errors
        /// Returns an error if the method is safe (such as GET), if the request comes from another site, or if the form
        /// has no valid pre-session token. JSON needs no pre-session token, because a page on another site cannot send
        /// JSON without a CORS preflight.
        pub fn require_pre_session(&self) -> ::core::result::Result<(), $error> {
            Ok(self.exchange().require_pre_session()?)
        }
    };
}
