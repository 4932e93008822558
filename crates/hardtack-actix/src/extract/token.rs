//! Verified tokens.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use hardtack::jwt::ExtraClaims;
use hardtack::{Authenticator, Exchange, Memo, Need, NoExtra, VerifiedToken};

use super::{Extracting, OptionalFromRequest};
use crate::AuthError;
use crate::head::{Fields, head};
use crate::layer::Layered;

/// The token that `need` asks for; none only where it is optional.
pub(crate) async fn verify<T: ExtraClaims>(
    request: &HttpRequest,
    need: Need,
) -> Result<Option<VerifiedToken<T>>, AuthError> {
    let fields = Fields(request.headers());
    let head = head(request.head(), &fields);
    let Some(layered) = Layered::of(request) else {
        // Without the layer, an engine in the application's data will do for checking.
        let engine = request.app_data::<web::Data<Authenticator>>().ok_or_else(AuthError::no_layer)?;
        return Ok(Exchange::new(engine, head, &Memo::without_layer()).token(need).await?);
    };
    let exchange = Exchange::new(&layered.engine, head, &layered.memo);
    // Asked as optional first: what is refused even so has to be answered, whoever drops the error.
    match exchange.token(need.optional()).await {
        Ok(None) => Ok(exchange.token(need).await?),
        Ok(token) => Ok(token),
        Err(failure) => Err(layered.refuse(failure)),
    }
}

/// Generates an extractor around a verified token.
macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident, $need:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<T = NoExtra>(VerifiedToken<T>);

        impl<T> Deref for $name<T> {
            type Target = VerifiedToken<T>;

            fn deref(&self) -> &VerifiedToken<T> {
                &self.0
            }
        }

        impl<T: ExtraClaims + 'static> FromRequest for $name<T> {
            type Error = AuthError;
            type Future = Extracting<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                // A need that is not optional answers a token or an error.
                Box::pin(async move { verify(&request, $need).await?.map(Self).ok_or_else(AuthError::no_layer) })
            }
        }

        /// None where there is no token. A bad one is refused all the same.
        impl<T: ExtraClaims> OptionalFromRequest for $name<T> {
            async fn from_request_optional(request: &HttpRequest) -> Result<Option<Self>, AuthError> {
                Ok(verify(request, $need.optional()).await?.map(Self))
            }
        }
    };
}

extractor! {
    /// Someone is logged in: `@jwt_required()`. `T` reads the application's own claims; a claim that is
    /// not an `Option` and not in the token refuses it, so claims added to a running site start as `Option`.
    ///
    /// ```
    /// use hardtack_actix::AccessToken;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Role {
    ///     role: String,
    /// }
    ///
    /// async fn service(token: AccessToken<Role>) -> String {
    ///     format!("{} is {}", token.subject(), token.extra().role)
    /// }
    /// ```
    ///
    /// Only verification makes one, so holding it is the proof; a handler cannot:
    ///
    /// ```compile_fail,E0423
    /// use hardtack::VerifiedToken;
    /// use hardtack_actix::AccessToken;
    ///
    /// fn forge(token: VerifiedToken) -> AccessToken {
    ///     AccessToken(token)
    /// }
    /// ```
    AccessToken, Need::access()
}
extractor! {
    /// Someone typed the password recently: `@jwt_required(fresh=True)`.
    FreshAccessToken, Need::access().fresh()
}
extractor! {
    /// A refresh token is there: `@jwt_required(refresh=True)`. Its session is judged when
    /// [`crate::Auth::refresh`] exchanges it.
    RefreshToken, Need::refresh()
}
