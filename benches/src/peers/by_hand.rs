//! Authentication as applications without Hardtack usually do it: a cookie jar, a general JWT crate, and handwritten
//! checks.

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};

use super::claims::TypedClaims;
use crate::Failed;

/// The state that such an application keeps between requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ByHand(Arc<Parts>);

struct Parts {
    key: DecodingKey,
    validation: Validation,
    cookie_name: String,
    revoked: RwLock<HashSet<String>>,
}

impl ByHand {
    pub(crate) fn new(key: DecodingKey, algorithm: Algorithm, cookie_name: &str) -> Self {
        let mut validation = Validation::new(algorithm);
        // Use Hardtack's default leeway, so that both are equally strict.
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        let revoked = RwLock::new((0..100_000).map(|number| format!("{number:032x}")).collect());
        Self(Arc::new(Parts { key, validation, cookie_name: cookie_name.to_owned(), revoked }))
    }

    /// Verifies a token and returns owned, typed claims.
    pub(crate) fn decode(&self, token: &str) -> Result<TokenData<TypedClaims>, jsonwebtoken::errors::Error> {
        jsonwebtoken::decode(token, &self.0.key, &self.0.validation)
    }

    /// Returns the user's id from a header map, after checking the CSRF value and revocation.
    pub(crate) fn user(&self, changes: bool, headers: &HeaderMap) -> Option<String> {
        let jar = CookieJar::from_headers(headers);
        let token = jar.get(&self.0.cookie_name)?;
        let claims = self.decode(token.value()).ok()?.claims;
        if claims.kind != "access" {
            return None;
        }
        if changes {
            let sent = headers.get("x-csrf-token")?.to_str().ok()?;
            if sent != claims.csrf {
                return None;
            }
        }
        if self.0.revoked.read().ok()?.contains(&claims.jti) {
            return None;
        }
        Some(claims.sub)
    }
}

/// The extension that the middleware inserts for handlers.
#[derive(Clone)]
struct User(String);

async fn guard(State(stack): State<ByHand>, mut request: Request, next: Next) -> Response {
    match stack.user(!request.method().is_safe(), request.headers()) {
        Some(user) => {
            request.extensions_mut().insert(User(user));
            next.run(request).await
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn user(Extension(user): Extension<User>) -> &'static str {
    std::hint::black_box(&user.0);
    "hello"
}

/// Returns the application.
pub(crate) fn app(stack: ByHand) -> Router {
    Router::new().route("/user", get(user)).layer(from_fn_with_state(stack, guard))
}

/// Converts Hardtack's public key to a key of the general JWT crate.
pub(crate) fn public_key(keys: &hardtack::KeySet) -> Result<DecodingKey, Failed> {
    let jwk = keys
        .signing_key()
        .and_then(|key| key.verifying_key().to_jwk())
        .ok_or("the signing key is a secret and has no public JWK")?;
    Ok(DecodingKey::from_jwk(&serde_json::from_str(&jwk.to_public_json().ok_or("the key has no public JWK")?)?)?)
}
