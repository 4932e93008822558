//! The methods of an adapter's `Auth`, written once for all adapters.

/// Generates the methods that an adapter's `Auth` forwards to [`Exchange`](crate::adapter::Exchange), with their
/// documentation. Invoke this macro in the `impl` block of a type with a method `fn exchange(&self) -> Exchange<'_>`.
///
/// ```ignore
/// impl Auth {
///     hardtack::__forward_auth! {
///         crate: "hardtack_axum",
///         error: AuthError,
///         cookies: SetCookies,
///         response: Response = reply_response,
///         sleep: tokio::time::sleep,
///     }
/// }
/// ```
///
/// - `crate`: the name of the adapter's crate, for the examples in the documentation.
/// - `error`: a type that implements `From<Failure>`.
/// - `cookies`: a type that implements `From<hardtack::SetCookies>` and that handlers can add to a response.
/// - `sleep`: the timer of the framework's runtime.
/// - `response`: the framework's response type, and a function that converts a [`Reply`](crate::Reply) into it.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward_auth {
    (
        crate: $adapter:literal,
        error: $error:ty,
        cookies: $cookies:ty,
        response: $response:ty = $into_response:path,
        sleep: $sleep:path $(,)?
    ) => {
        /// Starts a session and returns its cookies. Call this method after checking the user's password.
        ///
        /// Pass the user's id. To add claims, or to choose how long the log-in counts as recent, pass a
        /// [`LogIn`](hardtack::LogIn) instead. If the browser already has a session, that session ends in the
        /// transaction that starts the new one (ASVS 5.0 V7.2.4).
        ///
        /// # Errors
        /// - The request has a safe method (such as GET) or comes from another site, or the form has no valid
        ///   [pre-session token](Self::pre_session). These checks are skipped after a successful call to
        ///   [`finish_external`](Self::finish_external).
        /// - The session store failed.
        /// - A token cannot be issued, for example because a claim has a reserved name or the claims do not fit into a
        ///   cookie.
        /// - The head of the response has already been sent.
        pub async fn log_in(
            &self,
            log_in: impl ::core::convert::Into<$crate::LogIn>,
        ) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().log_in(log_in.into()).await?.into())
        }

        /// Counts a log-in attempt against the budgets of the account and of the client's address. Call this method
        /// before you check a password. If the password is right, call
        /// [`Attempt::succeeded`](hardtack::throttle::Attempt::succeeded). The guide
        /// [`throttling`](hardtack::guide::throttling) lists the limits.
        ///
        /// # Errors
        /// A budget is empty. The response is 429 with `Retry-After`: a page for a browser, problem details for an API
        /// client.
        pub async fn take_log_in_attempt(
            &self,
            throttle: &$crate::throttle::Throttle,
            username: &str,
        ) -> ::core::result::Result<$crate::throttle::Attempt, $error> {
            Ok(self.exchange().take_log_in_attempt(throttle, username).await?)
        }

        /// Counts an attempt of the logged-in user to enter the password again. The attempt counts against a budget of
        /// the user's session. Call this method before you check the password. If the check shows that this is the
        /// logged-in user's password, call [`Attempt::succeeded`](hardtack::throttle::Attempt::succeeded).
        ///
        /// Even if strangers use up the attempts of the account, the logged-in user can still enter the password. The
        /// session has its own budget.
        ///
        /// The budget does not depend on the typed user name. If the user happens to type another user's password, the
        /// response must not reveal it. Otherwise, anyone with an account could guess other users' passwords here.
        ///
        /// # Errors
        /// The budget is empty. The response is 429 with `Retry-After`: a page for a browser, problem details for an
        /// API client.
        pub async fn take_reauthentication_attempt(
            &self,
            throttle: &$crate::throttle::Throttle,
            token: &$crate::token::VerifiedToken,
        ) -> ::core::result::Result<$crate::throttle::Attempt, $error> {
            Ok(self.exchange().take_reauthentication_attempt(throttle, token).await?)
        }

        /// Returns a cookie that lets Hardtack recognize this browser at later log-ins. Add the cookie to the response
        /// to a successful log-in. [`take_log_in_attempt`](Self::take_log_in_attempt) counts the attempts of this
        /// browser separately. Even if a stranger uses up the account's attempts, the owner can still log in from this
        /// browser.
        pub fn remember_device(&self, throttle: &$crate::throttle::Throttle, username: &str) -> $cookies {
            self.exchange().remember_device(throttle, username).into()
        }

        /// Returns what you need to render a page with a log-in form: the hidden CSRF field, a message, a user name,
        /// and cookies for the response. The message says why the last attempt was refused, and the user name is the
        /// one that was typed. Write the form without an `action`, so that the browser posts the form to the page's own
        /// URL.
        ///
        /// # Errors
        /// The cookie is longer than browsers accept, because its configured name is very long.
        pub fn log_in_form(&self) -> ::core::result::Result<$crate::adapter::PasswordForm<$cookies>, $error> {
            Ok(self.exchange().log_in_form()?.map_cookies(::core::convert::Into::into))
        }

        /// Returns what you need to render a page that asks the logged-in user for the password again. The result is
        /// like that of [`log_in_form`](Self::log_in_form), but with the CSRF value of the user's session.
        pub fn reauthentication_form<T>(
            &self,
            token: &$crate::VerifiedToken<T>,
        ) -> $crate::adapter::PasswordForm<$cookies> {
            self.exchange().reauthentication_form(token).map_cookies(::core::convert::Into::into)
        }

        /// Logs a user in like [`log_in`](Self::log_in), and returns the response. A browser is redirected to the
        /// query's `next` or to the home page. An API client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`log_in`](Self::log_in).
        pub async fn log_in_and_return(
            &self,
            log_in: impl ::core::convert::Into<$crate::LogIn>,
        ) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().log_in_and_return(log_in).await?))
        }

        /// Makes the session fresh again like [`reauthenticate`](Self::reauthenticate), and returns the response. A
        /// browser is redirected to the query's `next` or to the home page. An API client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`reauthenticate`](Self::reauthenticate).
        pub async fn reauthenticate_and_return(&self, subject: &str) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().reauthenticate_and_return(subject).await?))
        }

        /// Logs the user out like [`log_out`](Self::log_out), and returns the response. A browser is redirected to the
        /// log-in page. An API client gets 200 with JSON.
        ///
        /// # Errors
        /// The same errors as [`log_out`](Self::log_out).
        pub async fn log_out_and_return(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().log_out_and_return().await?))
        }

        /// Ends the session that the request's tokens belong to, and returns cookies that delete the browser's
        /// authentication cookies.
        ///
        /// A refresh that is already in flight cannot revive the session. The response that carries these cookies also
        /// gets `Clear-Site-Data: "cache"`. The browser then clears its cache of this site, so the Back button shows no
        /// page of the session.
        ///
        /// This method normally ignores an expired access token in the cookie, because someone might have copied the
        /// token, for example from a log. There is one exception. If the path of the refresh cookie does not cover the
        /// log-out URL, the browser does not send the refresh token with a log-out. In this case, the method also ends
        /// the session of an expired access token.
        ///
        /// If the request has several cookies with the same name, this method ends the sessions of all these cookies.
        /// If the request has no tokens, the log-out succeeds.
        ///
        /// # Errors
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - The request has an expired token in a header, the query or the body, and no valid token in any of them.
        /// - The session store failed.
        pub async fn log_out(&self) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().log_out().await?.into())
        }

        /// Exchanges the refresh token in the request's cookies for new tokens and returns their cookies. The new
        /// access token is never fresh.
        ///
        /// # Errors
        /// - The refresh token is missing, invalid or expired, or its session has ended.
        /// - The refresh token was replaced by a newer one and is no longer accepted (see
        ///   [`race_window`](hardtack::session::SessionPolicy::race_window)).
        /// - The method is safe (such as GET). GET is allowed with `RefreshMode::Redirect`.
        /// - The request comes from another site.
        /// - The session store failed.
        /// - The request is a POST whose CSRF token is missing or wrong.
        /// - The head of the response has already been sent.
        pub async fn refresh(&self) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().refresh().await?.into())
        }

        /// Handles a request to the refresh URL: refreshes the tokens, then redirects to the query's `next`. Without
        /// `next`, a browser is redirected to the home page, and an API client gets JSON.
        ///
        /// A POST is redirected with 307, so that the browser posts the form to `next`. A GET is allowed only with
        /// `RefreshMode::Redirect`, and is redirected with 303.
        ///
        /// If a link on another site led the browser to the refresh URL, nothing is refreshed. Instead, the response is
        /// a 403 page that makes the browser repeat the request, this time from this site.
        ///
        /// # Errors
        /// The same errors as [`refresh`](Self::refresh).
        pub async fn refresh_and_return(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().refresh_and_return().await?))
        }

        /// Handles a POST to `Urls::bind`. A browser sends this request to register the public key of its device
        /// ([`DeviceBinding::Offer`](hardtack::config::DeviceBinding::Offer)). Do not require a token on this route.
        ///
        /// # Errors
        /// - The method is not POST, or the request comes from another site.
        /// - The session store failed.
        /// - The head of the response has already been sent.
        pub async fn bind_device(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().bind_device().await?))
        }

        /// Handles a POST to `Urls::bound`. A browser sends this request to refresh a session that is bound to its
        /// device.
        ///
        /// Do not require a token on this route, and do not rate-limit the route. If the browser gets any 4xx status
        /// other than the 403 that this method returns, the browser forgets the session.
        ///
        /// # Errors
        /// - The method is not POST.
        /// - The session store failed.
        /// - The request does not name a bound session, and its refresh token is missing or invalid.
        /// - The head of the response has already been sent.
        pub async fn refresh_bound(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().refresh_bound().await?))
        }

        /// Makes the session fresh again and returns its new cookies. Call this method after checking the password of
        /// `subject`.
        ///
        /// # Errors
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - No user is logged in, or the logged-in user is not `subject`.
        /// - The session store failed.
        /// - The head of the response has already been sent.
        pub async fn reauthenticate(&self, subject: &str) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().reauthenticate(subject).await?.into())
        }

        /// Moves this browser to a new session after a password change (ASVS 5.0 V7.4.3).
        ///
        /// In the transaction that stores the new password, end the user's sessions with the store's `end_others_in` or
        /// `end_all_in`. After the commit, call this method with the value that the store returned. If the store cannot
        /// take part in your transaction, pass [`EndedSessions::none`](hardtack::session::EndedSessions::none). This
        /// method then ends the user's other sessions itself.
        ///
        /// If the store fails or the client disconnects after the transaction commits, this method still succeeds, but
        /// returns no cookies. The new password is already stored, so do not tell the user to try again.
        ///
        /// # Errors
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - No user is logged in, or the logged-in user is not the one whose sessions have ended.
        /// - You passed [`EndedSessions::none`](hardtack::session::EndedSessions::none), and the session store failed
        ///   or the head of the response has already been sent.
        pub async fn renew(&self, ended: $crate::session::EndedSessions) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().renew(ended).await?.into())
        }

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
        /// method even while the body of the response is being sent. An expired token can be refreshed only before the
        /// head of the response is sent. After that, an expired token is refused.
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
        /// A token becomes invalid when it expires, when the claims of its session change, or when its session ends. A
        /// log-out, a password change or an operator can end a session, on any server.
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

        /// Like [`ended`](Self::ended), but the future completes only when the session ends. The future does not
        /// complete when the token expires or the session's claims change. Use this method for connections that outlive
        /// an access token, such as WebSockets.
        pub fn ended_session<T>(&self, token: &$crate::VerifiedToken<T>) -> $crate::adapter::Ended {
            self.authenticator().ended_session(token, $sleep)
        }

        /// Looks up the user of a token with the application's [`FindUser`](hardtack::FindUser) implementation.
        ///
        /// In Flask-JWT-Extended: `current_user`.
        ///
        /// # Errors
        /// The user no longer exists, or the look-up failed.
        pub async fn user<U: $crate::FindUser>(
            &self,
            token: &$crate::VerifiedToken,
            state: &U::State,
        ) -> ::core::result::Result<U, $error> {
            Ok(self.exchange().user(token, state).await?)
        }

        /// Returns the value for the hidden CSRF field of a log-in or sign-up form, and the cookie that belongs to that
        /// value.
        ///
        /// The field's name is [`Authenticator::csrf_field`](hardtack::Authenticator::csrf_field), `csrf_token` by
        /// default. If the browser already has the cookie, this method returns no cookie, so forms in other tabs stay
        /// valid.
        ///
        /// # Errors
        /// The cookie is longer than browsers accept, because its configured name is very long.
        pub fn pre_session(&self) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            let (token, cookies) = self.exchange().pre_session()?.into_parts();
            Ok((token, cookies.into()))
        }

        /// Refuses a request that another site could have sent. Call this method in handlers that act before a user is
        /// logged in, such as a sign-up handler.
        ///
        /// [`log_in`](Self::log_in) includes this check, but runs after you have verified the password. To refuse
        /// forged requests earlier, also call this method at the beginning of your log-in handler.
        ///
        /// # Errors
        /// The method is safe (such as GET), the request comes from another site, or the form has no valid pre-session
        /// token. JSON needs no pre-session token, because a page of another site cannot send JSON without a CORS
        /// preflight.
        pub fn require_pre_session(&self) -> ::core::result::Result<(), $error> {
            Ok(self.exchange().require_pre_session()?)
        }

        /// Begins a log-in that ends with a GET request: an OAuth callback, or a link in an email. Returns a value for
        /// the parameter `state`, and a cookie that ties this value to the browser. Send the cookie in the response
        /// that redirects the browser to the other site.
        ///
        /// A browser can begin several log-ins, for example in two tabs. Each log-in has its own state. The guide
        /// [`oauth`](hardtack::guide::oauth) has complete examples.
        ///
        /// # Errors
        /// The cookie is longer than browsers accept, because the configured realm is very long.
        pub fn begin_external(&self) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            self.begin_external_with("")
        }

        /// Like [`begin_external`](Self::begin_external), but also keeps the string `kept` until the log-in ends. The
        /// cookie contains `kept` in encrypted form, and [`finish_external`](Self::finish_external) returns the string.
        /// Use `kept` for the PKCE verifier, the nonce and the page to return to.
        ///
        /// # Errors
        /// The cookie would be longer than browsers accept, because `kept` is longer than about 2,500 bytes.
        pub fn begin_external_with(
            &self,
            kept: &str,
        ) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            let (state, cookies) = self.exchange().begin_external(kept)?;
            Ok((state, cookies.into()))
        }

        /// Checks the `state` of a GET request that ends a log-in, and returns the string `kept` that was passed to
        /// [`begin_external_with`](Self::begin_external_with). After that, you can call [`log_in`](Self::log_in) once
        /// in this request. `log_in` ends the browser's previous session, as always.
        ///
        /// The response deletes the state's cookie, so the browser cannot use the state again.
        ///
        /// # Errors
        /// - This browser did not begin a log-in with this state, the state was already used, or the log-in took more
        ///   than ten minutes.
        /// - The method is not GET.
        pub fn finish_external(&self, state: &str) -> ::core::result::Result<::std::string::String, $error> {
            Ok(self.exchange().finish_external(state)?)
        }

        /// Refuses a request from another site, even if its method is safe. Use this method for a GET route that other
        /// sites must not link to.
        ///
        /// # Errors
        /// The request comes from another site according to its `Sec-Fetch-Site` or `Origin` header, or its `Host`
        /// header is missing or malformed.
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

        /// Returns the page to go to after a log-in: the query's `next`, or the home page. The result is the home page
        /// if `next` is missing, is not a path on this site, or is a route of the log-in flow.
        pub fn next_or_home(&self) -> ::std::string::String {
            self.exchange().next_or_home()
        }

        /// Returns the client's address. If the socket's peer is a
        /// [trusted proxy](hardtack::AuthenticatorBuilder::trusted_proxies), this is the address that the proxy names.
        /// Otherwise, it is the address of the peer. Returns `None` if the server does not know the peer.
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
        /// URL. Returns the value even if the token has expired. Returns `None` if the token is missing or otherwise
        /// invalid.
        pub fn refresh_csrf_token(&self) -> ::core::option::Option<$crate::csrf::CsrfToken> {
            self.exchange().refresh_csrf_token()
        }

        /// Returns the authenticator, for operations that do not depend on this request, such as issuing tokens or
        /// listing and revoking sessions.
        pub fn authenticator(&self) -> &$crate::Authenticator {
            self.exchange().authenticator()
        }
    };
}
