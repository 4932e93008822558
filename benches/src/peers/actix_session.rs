//! actix-session with the session in an encrypted cookie, so it needs no store.

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::error::ErrorUnauthorized;
use actix_web::{Error, HttpResponse};

use hardtack_bench_subject::SUBJECT;

/// The middleware of actix-session.
pub(crate) fn layer(key: Key) -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::new(CookieSessionStore::default(), key)
}

/// A handler that requires a logged-in user.
pub(crate) async fn user(session: Session) -> Result<&'static str, Error> {
    let user = session.get::<String>("user")?.ok_or_else(|| ErrorUnauthorized("nobody"))?;
    std::hint::black_box(user);
    Ok("hello")
}

/// A handler that logs a user in.
pub(crate) async fn log_in(session: Session) -> Result<HttpResponse, Error> {
    session.insert("user", SUBJECT)?;
    Ok(HttpResponse::NoContent().finish())
}
