//! The extractor for a token with a role.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use hardtack::token_source::{InRole, Role};

use super::token::AccessToken;
use crate::extract_future::ExtractFuture;
use crate::respond::AuthError;

/// An access token that has the [role](Role) `R`. It dereferences to the [`AccessToken`].
///
/// A token has the role if its claim [`Role::CLAIM`] is the string [`Role::VALUE`], or an array that contains this
/// string. To give a user a role, add the claim at the [log-in](hardtack::LogIn::claim) or with
/// [`additional_claims`](hardtack::AuthenticatorBuilder::additional_claims).
///
/// A token that lacks the role might simply be outdated. If the token was in a cookie and a new token would have the
/// role, Hardtack refreshes the token. In all other cases, a user without the role gets 403 and stays logged in
/// ([`Forbidden`](hardtack::FailureKind::Forbidden)).
///
/// After [`change_claims`](hardtack::Authenticator::change_claims), this process no longer accepts tokens with the old
/// role. Other processes stop accepting them within
/// [`max_staleness`](hardtack::session::SessionPolicy::max_staleness), which is 5 seconds by default.
///
/// Do not use `Option<HasRole<R>>`: a user without the role would still get 403. If everyone can see a page, but users
/// with the role see a different version, take an `Optional<AccessToken>` and call
/// [`has_role`](hardtack::VerifiedToken::has_role). To require a role for all of a scope's routes, use
/// [`Require::claim`](crate::Require::claim).
///
/// ```
/// use hardtack_actix::{HasRole, Role};
///
/// struct Admin;
///
/// impl Role for Admin {
///     const CLAIM: &'static str = "role";
///     const VALUE: &'static str = "admin";
/// }
///
/// async fn statistics(admin: HasRole<Admin>) -> String {
///     format!("Hello, {}", admin.subject())
/// }
/// ```
pub struct HasRole<R> {
    token: AccessToken,
    role: PhantomData<fn() -> R>,
}

impl<R> HasRole<R> {
    /// Returns the token. The type of the returned token no longer proves that the token has the role.
    pub fn into_token(self) -> AccessToken {
        self.token
    }
}

impl<R> Deref for HasRole<R> {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.token
    }
}

// A derived implementation would apply only if `R` implemented the trait as well.
impl<R> Clone for HasRole<R> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), role: PhantomData }
    }
}

impl<R> fmt::Debug for HasRole<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HasRole").field(&self.token).finish()
    }
}

impl<R> From<AccessToken<InRole<R>>> for HasRole<R> {
    fn from(token: AccessToken<InRole<R>>) -> Self {
        Self { token: token.without_extra(), role: PhantomData }
    }
}

impl<R: Role> FromRequest for HasRole<R> {
    type Error = AuthError;
    type Future = ExtractFuture<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        AccessToken::<InRole<R>>::from_request(request, payload).map_into()
    }
}
