//! The methods of `Auth` that verify, refuse and describe requests.

#[doc(hidden)]
#[macro_export]
macro_rules! __forward_requests {
    (crate: $adapter:literal, error: $error:ty, sleep: $sleep:path) => {
        /// Verifies the token that `need` describes, for code that cannot use an extractor.
        ///
        /// Returns `None` in two cases:
        /// - The token is optional, and the request has no token or has invalid cookies.
        /// - The request is an `OPTIONS` request, and
        ///   [`exempt_options`](hardtack::AuthenticatorBuilder::exempt_options) is set.
        ///
        /// In Flask-JWT-Extended: `verify_jwt_in_request`.
        ///
        /// Each call checks again whether the token has expired and whether its session has ended. You can call this
        /// method even while the response body is being sent. At that point, however, an expired token is refused,
        /// because tokens can be refreshed only before the response headers are sent.
        ///
        #[doc = "```"]
        #[doc = concat!("use ", $adapter, "::{Auth, AuthError, Need, TokenLocation};")]
        ///
        /// async fn report(auth: Auth) -> Result<String, AuthError> {
        ///     let need = Need::access().fresh().locations([TokenLocation::Headers]);
        ///     let token = auth.verify(need).await?;
        ///     Ok(token.map(|token| token.subject().to_owned()).unwrap_or_default())
        /// }
        #[doc = "```"]
        ///
        /// # Errors
        /// - The token is missing, invalid, expired or revoked, or it does not meet `need`.
        /// - The request comes from another site, or its CSRF token is missing or wrong.
        /// - The session store failed.
        pub async fn verify(
            &self,
            need: $crate::Need,
        ) -> ::core::result::Result<::core::option::Option<$crate::VerifiedToken>, $error> {
            Ok(self.exchange().verify(need).await?)
        }

        /// Returns a future that completes when a token is no longer valid. Use the future to end streams.
        ///
        /// A token becomes invalid when it expires, when its session's claims change, or when its session ends. A
        /// session can be ended on any server, by a log-out, a password change or an operator.
        ///
        /// The future does not poll the store. It is woken when the session ends. The future is `Send + 'static`, so it
        /// can outlive the handler. The guide [`streams`](hardtack::guide::streams) has complete examples.
        ///
        #[doc = "```"]
        #[doc = concat!("use ", $adapter, "::{AccessToken, Auth};")]
        ///
        /// async fn count_until_logged_out(token: AccessToken, auth: Auth) -> u64 {
        ///     let (mut ended, mut seconds) = (auth.ended(&token), 0);
        ///     loop {
        ///         tokio::select! {
        ///             () = &mut ended => return seconds,
        ///             () = tokio::time::sleep(std::time::Duration::from_secs(1)) => seconds += 1,
        ///         }
        ///     }
        /// }
        #[doc = "```"]
        pub fn ended<T>(&self, token: &$crate::VerifiedToken<T>) -> $crate::adapter::Ended {
            self.authenticator().ended(token, $sleep)
        }

        /// Like [`ended`](Self::ended), but the future completes only when the session ends, not when the token expires
        /// or the session's claims change. Use this method for connections that outlive an access token, such as
        /// WebSockets.
        pub fn ended_session<T>(&self, token: &$crate::VerifiedToken<T>) -> $crate::adapter::Ended {
            self.authenticator().ended_session(token, $sleep)
        }

        /// Looks up a token's user with the application's [`FindUser`](hardtack::FindUser) implementation.
        ///
        /// In Flask-JWT-Extended: `current_user`.
        ///
        /// # Errors
        /// Returns an error if the user no longer exists, or if the look-up fails.
        pub async fn user<U: $crate::FindUser>(
            &self,
            token: &$crate::VerifiedToken,
            state: &U::State,
        ) -> ::core::result::Result<U, $error> {
            Ok(self.exchange().user(token, state).await?)
        }

        /// Refuses a request from another site, even if the request's method is safe. Use this method for a GET route
        /// that other sites must not link to.
        ///
        /// # Errors
        /// Returns an error if the `Sec-Fetch-Site` or `Origin` header says that the request comes from another site,
        /// or if the `Host` header is missing or malformed.
        pub fn require_same_origin(&self) -> ::core::result::Result<(), $error> {
            Ok(self.exchange().require_same_origin()?)
        }

        /// Returns an error that refuses the request for `reason`. A browser gets a page or a redirect, and an API
        /// client gets problem details.
        ///
        /// To refuse a log-in, pass a message for the user. A browser is then redirected back to the page with the
        /// form, which shows the message once ([`LogInRefusal`](hardtack::refusal::LogInRefusal)). If a logged-in user
        /// is not allowed to do what the request asks for, use [`forbid`](Self::forbid) instead.
        ///
        #[doc = "```"]
        #[doc = concat!("use ", $adapter, "::{AccessToken, Auth, AuthError, BackendError};")]
        /// # async fn load_orders(subject: &str) -> Result<String, std::io::Error> { unimplemented!() }
        ///
        /// async fn orders(token: AccessToken, auth: Auth) -> Result<String, AuthError> {
        ///     // Responds with 503: a page for a browser, problem details for an API client.
        ///     load_orders(token.subject()).await.map_err(|error| auth.refuse(BackendError::new(error)))
        /// }
        #[doc = "```"]
        pub fn refuse(&self, reason: impl ::core::convert::Into<$crate::refusal::Reason>) -> $error {
            self.exchange().refuse(reason).into()
        }

        /// Returns an error for an action that the logged-in user is not allowed to take, such as editing another
        /// user's post. The client gets 403 with `sentence`: a browser gets a page, and an API client gets problem
        /// details. The user stays logged in.
        ///
        #[doc = "```"]
        #[doc = concat!("use ", $adapter, "::{AccessToken, Auth, AuthError};")]
        /// # async fn author_of(post: u64) -> String { unimplemented!() }
        ///
        /// async fn edit(token: AccessToken, auth: Auth) -> Result<String, AuthError> {
        ///     if author_of(7).await != token.subject() {
        ///         return Err(auth.forbid("Only its author may edit a post."));
        ///     }
        ///     Ok("Saved.".to_owned())
        /// }
        #[doc = "```"]
        pub fn forbid(&self, sentence: impl ::core::convert::Into<::std::borrow::Cow<'static, str>>) -> $error {
            self.exchange().forbid(sentence).into()
        }

        /// Returns the page to go to after a log-in: the path in the query parameter `next`, or the home page. The
        /// result is the home page if `next` is missing, is not a path on this site, or is a route of the log-in flow.
        pub fn next_or_home(&self) -> ::std::string::String {
            self.exchange().next_or_home()
        }

        /// Returns the client's address. If the socket's peer is a [trusted
        /// proxy](hardtack::AuthenticatorBuilder::trusted_proxies), this is the address that the proxy reports.
        /// Otherwise, it is the peer's own address. Returns `None` if the server does not know the peer's address.
        pub fn client_address(&self) -> ::core::option::Option<$crate::client_address::ClientAddress> {
            self.exchange().client_address()
        }

        /// Returns what the request says about its client: the address, the user agent and the cookies. Pass the value
        /// to libraries that count attempts or record changes, such as `hardtack-accounts`.
        pub fn client_info(&self) -> $crate::ClientInfo {
            self.exchange().client_info()
        }

        /// Returns what kind of response the client wants: a page, a fragment for htmx, or JSON.
        pub fn wants(&self) -> $crate::request::Wants {
            self.exchange().wants()
        }

        /// Returns the first value of the query parameter `name`, percent-decoded. Returns `None` if the query has no
        /// such parameter.
        pub fn query(&self, name: &str) -> ::core::option::Option<::std::string::String> {
            self.exchange().query(name)
        }

        /// Returns the CSRF value of the refresh token in the request's cookies, for a form that posts to the refresh
        /// URL. Returns `None` if the token is missing or invalid, but not if it has merely expired.
        pub fn refresh_csrf_token(&self) -> ::core::option::Option<$crate::csrf::CsrfToken> {
            self.exchange().refresh_csrf_token()
        }

        /// Returns the CSRF value of the access token in the request's cookies if this token is not valid yet. This
        /// happens if the clocks of two servers differ. A log-out accepts such a token, so a page with a log-out form
        /// needs this value. Returns `None` for any other token.
        pub fn early_csrf_token(&self) -> ::core::option::Option<$crate::csrf::CsrfToken> {
            self.exchange().early_csrf_token()
        }

        /// Leaves the browser's cookies as they are: even if this request has refreshed the tokens, the response does
        /// not set cookies with the new tokens. Call this method if a different response has given the browser a new
        /// session, so that this response does not overwrite the new session's cookies.
        pub fn keep_cookies(&self) {
            self.exchange().keep_cookies();
        }

        /// Returns the authenticator, for operations that do not depend on this request, such as issuing tokens or
        /// listing and revoking sessions.
        pub fn authenticator(&self) -> &$crate::Authenticator {
            self.exchange().authenticator()
        }
    };
}
