//! axum-login on tower-sessions, with sessions in memory.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId, login_required};
use http::{Request, StatusCode, header};
use tower_service::Service;
use tower_sessions::{MemoryStore, SessionManagerLayer};

use crate::Failed;
use hardtack_bench_subject::SUBJECT;
use hardtack_bench_subject::poll_once;

#[derive(Clone, Debug)]
struct User {
    id: String,
    password_hash: Vec<u8>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.password_hash
    }
}

/// The users. They are in memory, as for all other crates.
#[derive(Clone)]
struct Users(Arc<HashMap<String, User>>);

impl AuthnBackend for Users {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(SUBJECT).cloned())
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

async fn user(session: AuthSession<Users>) -> &'static str {
    std::hint::black_box(session.user.as_ref().map(|user| &user.id));
    "hello"
}

async fn log_in(mut session: AuthSession<Users>) -> StatusCode {
    let Ok(Some(user)) = session.authenticate(()).await else { return StatusCode::UNAUTHORIZED };
    match session.login(&user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Returns the application and the `Cookie` field of a user who is logged in to it.
pub(crate) fn app() -> Result<(Router, String), Failed> {
    let user_row = User { id: SUBJECT.to_owned(), password_hash: vec![7; 97] };
    let users = Users(Arc::new(HashMap::from([(SUBJECT.to_owned(), user_row)])));
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let mut app = Router::new()
        .route("/user", get(user))
        .route_layer(login_required!(Users))
        .route("/login", get(log_in))
        .layer(AuthManagerLayerBuilder::new(users, sessions).build());

    let request = Request::get("/login").body(Body::empty())?;
    let Ok(response) = poll_once(app.call(request)).ok_or("axum-login's log-in waited")?;
    let set = response.headers().get(header::SET_COOKIE).ok_or("axum-login's log-in set no cookie")?;
    let cookie = set.to_str()?.split(';').next().unwrap_or_default().to_owned();
    Ok((app, cookie))
}
