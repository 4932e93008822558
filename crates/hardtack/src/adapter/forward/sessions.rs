//! The methods of `Auth` that begin, refresh and end sessions.

#[doc(hidden)]
#[macro_export]
macro_rules! __forward_sessions {
    (error: $error:ty, cookies: $cookies:ty, response: $response:ty = $into_response:path) => {
        /// Starts a session and returns its cookies. Call this method after checking the user's password.
        ///
        /// Pass the user's id. To add claims, or to choose how long the log-in counts as recent, pass a
        /// [`LogIn`](hardtack::LogIn) instead. If the browser already has a session, that session ends in the
        /// transaction that starts the new one (ASVS 5.0 V7.2.4).
        ///
        /// # Errors
        /// - The request has a safe method (such as GET), the request comes from another site, or the form has no valid
        ///   [pre-session token](Self::pre_session). After a successful call to
        ///   [`finish_external`](Self::finish_external), these checks are skipped.
        /// - The session store failed.
        /// - A token cannot be issued, for example because a claim has a reserved name or the claims do not fit into a
        ///   cookie.
        /// - The response headers have already been sent.
        pub async fn log_in(
            &self,
            log_in: impl ::core::convert::Into<$crate::LogIn>,
        ) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().log_in(log_in.into()).await?.into())
        }

        /// Ends the session that the request's tokens belong to, and returns cookies that delete the browser's
        /// authentication cookies.
        ///
        /// A refresh that is already in flight cannot revive the session. The response with the returned cookies also
        /// gets `Clear-Site-Data: "cache"`. The browser then clears its cache for this site, so the Back button does
        /// not show pages from the ended session.
        ///
        /// This method normally ignores an expired access token in a cookie, because someone might have copied the
        /// token, for example from a log. There is one exception: if the refresh cookie's path does not cover the
        /// log-out URL, the browser does not send the refresh token with a log-out. In that case, this method also ends
        /// the session of an expired access token.
        ///
        /// If the request has several cookies with the same name, this method ends the session of each of these
        /// cookies. If the request has no tokens, the log-out still succeeds.
        ///
        /// # Errors
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - In redirect mode, the browser has lost its access cookie and does not send the refresh cookie to the
        ///   log-out URL. The reply redirects the browser to the refresh URL, from which the browser comes back and logs
        ///   out. An API client gets a 401 that contains `refresh_url`.
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
        /// - The method is safe (such as GET). The exception is GET with `RefreshMode::Redirect`, which is allowed.
        /// - The request comes from another site.
        /// - The session store failed.
        /// - The request is a POST whose CSRF token is missing or wrong.
        /// - The response headers have already been sent.
        pub async fn refresh(&self) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().refresh().await?.into())
        }

        /// Handles a request to the refresh URL: refreshes the tokens, then redirects to the path in the query
        /// parameter `next`. Without `next`, a browser is redirected to the home page, and an API client gets JSON.
        ///
        /// A POST is redirected with 307, so that the browser posts the form to `next`. A GET is allowed only with
        /// `RefreshMode::Redirect`, and is redirected with 303.
        ///
        /// If a link on another site led the browser to the refresh URL, this method does not refresh the tokens. It
        /// returns a 403 page that makes the browser repeat the request. The repeated request then comes from this
        /// site.
        ///
        /// # Errors
        /// The same errors as [`refresh`](Self::refresh).
        pub async fn refresh_and_return(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().refresh_and_return().await?))
        }

        /// Handles a POST to `Urls::bind`, which a browser sends to register its device's public key
        /// ([`DeviceBinding::Offer`](hardtack::config::DeviceBinding::Offer)). Do not require a token on this route.
        ///
        /// # Errors
        /// - The method is not POST, or the request comes from another site.
        /// - The session store failed.
        /// - The response headers have already been sent.
        pub async fn bind_device(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().bind_device().await?))
        }

        /// Handles a POST to `Urls::bound`, which a browser sends to refresh a session that is bound to its device.
        ///
        /// Do not require a token on this route, and do not rate-limit it. A browser forgets the session if it gets a
        /// 4xx status, except for the 403 that this method returns.
        ///
        /// # Errors
        /// - The method is not POST.
        /// - The session store failed.
        /// - The request does not say which bound session to refresh, and its refresh token is missing or invalid.
        /// - The response headers have already been sent.
        pub async fn refresh_bound(&self) -> ::core::result::Result<$response, $error> {
            Ok($into_response(self.exchange().refresh_bound().await?))
        }

        /// Makes the session fresh again and returns its new cookies. Call this method after checking `subject`'s
        /// password.
        ///
        /// # Errors
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - No user is logged in, or the logged-in user is not `subject`.
        /// - The session store failed.
        /// - The response headers have already been sent.
        pub async fn reauthenticate(&self, subject: &str) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().reauthenticate(subject).await?.into())
        }

        /// Moves this browser to a new session after a password change (ASVS 5.0 V7.4.3).
        ///
        /// First end the user's sessions with the store's `end_others_in` or `end_all_in`, in the same transaction that
        /// stores the new password. After the commit, call this method with the value that the store returned. If the
        /// store cannot take part in your transaction, pass
        /// [`EndedSessions::none`](hardtack::session::EndedSessions::none) instead. This method then ends the user's
        /// other sessions itself.
        ///
        /// Once the transaction has been committed, the new password is stored, so do not tell the user to try again.
        /// This method still succeeds, but returns no cookies, in these cases:
        ///
        /// - The store fails, or the response headers have already been sent.
        /// - The browser has sent the form twice, and the other response contains the cookies of its new session.
        ///
        /// # Errors
        /// - The session has ended since the transaction was committed
        ///   ([`Reason::EndedAfterChange`](hardtack::refusal::Reason::EndedAfterChange)). The new password is stored,
        ///   and the user must log in with it.
        /// - The method is safe (such as GET), the request comes from another site, or its CSRF token is missing or
        ///   wrong.
        /// - No user is logged in, or the logged-in user is not the one whose sessions have ended.
        /// - You passed [`EndedSessions::none`](hardtack::session::EndedSessions::none), and either the session store
        ///   failed or the response headers have already been sent.
        pub async fn renew(&self, ended: $crate::session::EndedSessions) -> ::core::result::Result<$cookies, $error> {
            Ok(self.exchange().renew(ended).await?.into())
        }

        /// Begins a log-in that ends with a GET request: an OAuth callback, or a link in an email. Returns a value for
        /// the `state` parameter and a cookie that ties this value to the browser. Send the cookie in the response to
        /// the request that begins the log-in, such as the redirect to the OAuth provider.
        ///
        /// A browser can begin several log-ins, for example in two tabs. Each log-in has its own state. The guide
        /// [`oauth`](hardtack::guide::oauth) has complete examples.
        ///
        /// # Errors
        /// Returns an error if the cookie is longer than browsers accept, because the configured realm is very long.
        pub fn begin_external(&self) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            self.begin_external_with("")
        }

        /// Like [`begin_external`](Self::begin_external), but also keeps the string `kept` until the log-in ends. The
        /// cookie contains `kept` in encrypted form, and [`finish_external`](Self::finish_external) returns the string.
        /// Use `kept` for the PKCE verifier, the nonce and the page to return to.
        ///
        /// # Errors
        /// Returns an error if `kept` is longer than about 2,500 bytes, because browsers would not accept the cookie.
        pub fn begin_external_with(
            &self,
            kept: &str,
        ) -> ::core::result::Result<(::std::string::String, $cookies), $error> {
            let (state, cookies) = self.exchange().begin_external(kept)?;
            Ok((state, cookies.into()))
        }

        /// Checks the `state` of a GET request that completes a log-in, and returns the string `kept` that was passed
        /// to [`begin_external_with`](Self::begin_external_with). After this check, you can call
        /// [`log_in`](Self::log_in) once in this request. As always, `log_in` ends the browser's previous session.
        ///
        /// The response deletes the cookie that belongs to `state`, so the browser cannot use `state` again.
        ///
        /// # Errors
        /// - This browser did not begin a log-in with this state, the state was already used, or the log-in took more
        ///   than ten minutes.
        /// - The method is not GET.
        pub fn finish_external(&self, state: &str) -> ::core::result::Result<::std::string::String, $error> {
            Ok(self.exchange().finish_external(state)?)
        }
    };
}
