//! A site whose session store fails or pauses at a call that a test chooses.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use hardtack::session::SessionStore;
use hardtack::testing::{FaultySessions, TestClock};
use hardtack::{Authenticator, KeySet};
use hardtack_accounts::{Accounts, Site};
use hardtack_db::{Pool, Statement};
use hardtack_sqlx::Database;
use http::{HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower_service::Service;

use crate::support::{PASSWORD, SECRET, flush, seconds};

pub(crate) const NEW_PASSWORD: &str = "an umbrella in the aquarium";

/// A change that ends the sessions of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Password,
    Reset,
    UndoEmail,
}

pub(crate) const CHANGES: [Change; 3] = [Change::Password, Change::Reset, Change::UndoEmail];

/// A browser without a socket. Its requests are futures, so a test can poll and drop them.
#[derive(Clone, Default)]
pub(crate) struct Browser(pub(crate) BTreeMap<String, String>);

impl Browser {
    pub(crate) fn holding(cookies: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut browser = Self::default();
        cookies.into_iter().for_each(|cookie| browser.take(cookie.as_ref()));
        browser
    }

    pub(crate) fn take(&mut self, set_cookie: &str) {
        let (name, value) = set_cookie.split(';').next().unwrap().split_once('=').unwrap();
        if set_cookie.contains("Max-Age=0") {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        let cookies: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let csrf = self.0.get("csrf_access_token").map_or("", String::as_str);
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        let request = request.header(header::CONTENT_TYPE, "application/json").header("x-csrf-token", csrf);
        request.header(header::COOKIE, cookies.join("; ")).body(Body::from(body.to_string())).unwrap()
    }
}

/// A response that was read completely.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) cookies: Vec<String>,
    /// Where the response redirects to. Empty if it does not redirect.
    pub(crate) location: String,
    pub(crate) body: Bytes,
}

/// A user with two devices, a mail link, and a confirmed address that someone has just replaced.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) browser: Browser,
    pub(crate) device: Browser,
    pub(crate) token: String,
}

/// A site whose session store has faults.
pub(crate) struct FaultySite<S> {
    pub(crate) clock: TestClock,
    pub(crate) accounts: Accounts,
    pub(crate) auth: Authenticator,
    pub(crate) router: Router,
    pub(crate) database: Pool,
    pub(crate) faulty: FaultySessions<S>,
    /// The hash of [`PASSWORD`].
    hash: String,
    users: AtomicUsize,
    _directory: TempDir,
}

pub(crate) const BASE_URL: &str = "http://127.0.0.1:8000";

pub(crate) fn authenticator<S: SessionStore>(accounts: &Accounts, clock: &TestClock, sessions: S) -> Authenticator {
    let builder = accounts.configure(Authenticator::builder(KeySet::from_secret(SECRET).unwrap()));
    builder.base_url(BASE_URL).clock(clock.clone()).sessions(sessions).build().unwrap()
}

impl<S: SessionStore + Clone> FaultySite<S> {
    pub(crate) async fn start(accounts: Accounts, database: Database, sessions: S, directory: TempDir) -> Self {
        let (clock, faulty) = (TestClock::start_now(), FaultySessions::new(sessions));
        let auth = authenticator(&accounts, &clock, faulty.clone());
        auth.sync_revocations().await.unwrap();
        let router = Site::demo(auth.clone(), accounts.clone()).router();
        let (database, users) = (Pool::from(database), AtomicUsize::new(0));
        let hash = String::new();
        let mut site = Self { clock, accounts, auth, router, database, faulty, hash, users, _directory: directory };
        let first = site.sign_up("first").await;
        assert_eq!(first.status, 200);
        let rows: Vec<(String,)> =
            site.database.fetch(Statement::new("SELECT password_hash FROM users")).await.unwrap();
        site.hash.clone_from(&rows[0].0);
        site
    }

    pub(crate) async fn send(&self, browser: &Browser, method: &str, path: &str, body: Value) -> Got {
        self.read(browser.request(method, path, &body)).await
    }

    /// Sends a form, as a page does.
    pub(crate) async fn submit(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut request = browser.request("POST", path, &json!(null));
        *request.body_mut() = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into();
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        self.read(request).await
    }

    pub(crate) async fn read(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let cookies = parts.headers.get_all(header::SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        let location = parts.headers.get(header::LOCATION).map(|url| url.to_str().unwrap().to_owned());
        let location = location.unwrap_or_default();
        Got { status: parts.status, cookies, location, body: axum::body::to_bytes(body, usize::MAX).await.unwrap() }
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Got {
        let body = json!({ "username": name, "password": PASSWORD });
        self.send(&Browser::default(), "POST", "/signup", body).await
    }

    /// Adds a user, without hashing a password again.
    pub(crate) async fn user(&self, change: Change) -> User {
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let (name, id) = (format!("user{number}"), format!("{number:032x}"));
        let sql = "INSERT INTO users (id, username, username_key, password_hash, password_version, display_name, email, \
                   email_key, email_confirmed_at, created_at) VALUES ($1, $2, $2, $3, 1, '', $4, $4, 0, 0)";
        let old = format!("{name}@old.example");
        let email = if change == Change::UndoEmail { format!("{name}@new.example") } else { old.clone() };
        let statement = Statement::new(sql).bind(&id).bind(&name).bind(&self.hash).bind(&email);
        self.database.execute(statement).await.unwrap();

        let token = format!("{:032x}", rand::random::<u128>());
        let hash: String = Sha256::digest(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        let purpose = if change == Change::UndoEmail { "undo_email" } else { "reset_password" };
        let sql = "INSERT INTO links (token_hash, user_id, purpose, address, password_version, created_at, expires_at) \
                   VALUES ($1, $2, $3, $4, 1, 0, $5)";
        let expiry = (self.auth.now() + seconds(3600)).unix_seconds();
        let statement = Statement::new(sql).bind(hash).bind(&id).bind(purpose).bind(&old).bind(expiry);
        self.database.execute(statement).await.unwrap();

        let browser = Browser::holding(self.auth.log_in(id.as_str()).await.unwrap());
        let device = Browser::holding(self.auth.log_in(id.as_str()).await.unwrap());
        User { id, name, browser, device, token }
    }

    pub(crate) fn request(&self, change: Change, user: &User) -> Request<Body> {
        let (path, body) = match change {
            Change::Password => {
                ("/account/password", json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD }))
            }
            Change::Reset => ("/password/reset", json!({ "token": user.token, "new_password": NEW_PASSWORD })),
            Change::UndoEmail => ("/email/undo", json!({ "token": user.token })),
        };
        let browser = if change == Change::Password { user.browser.clone() } else { Browser::default() };
        browser.request("POST", path, &body)
    }

    pub(crate) async fn is_stored(&self, change: Change, user: &User) -> bool {
        let sql = "SELECT password_hash, email FROM users WHERE id = $1";
        let rows: Vec<(String, String)> = self.database.fetch(Statement::new(sql).bind(&user.id)).await.unwrap();
        let (hash, email) = &rows[0];
        match change {
            Change::Password | Change::Reset => *hash != self.hash,
            Change::UndoEmail => email.ends_with("@old.example"),
        }
    }

    pub(crate) async fn status(&self, browser: &Browser) -> u16 {
        self.send(browser, "GET", "/service", json!(null)).await.status.as_u16()
    }

    /// Returns the status of the same request to another process, which knows only the stores.
    async fn status_elsewhere(&self, browser: &Browser) -> u16 {
        let auth = authenticator(&self.accounts, &self.clock, self.faulty.store().clone());
        let mut router = Site::demo(auth, self.accounts.clone()).router();
        let request = browser.request("GET", "/service", &json!(null));
        router.call(request).await.unwrap().status().as_u16()
    }

    pub(crate) async fn log_in(&self, user: &User, password: &str) -> Got {
        let body = json!({ "username": user.name, "password": password });
        self.send(&Browser::default(), "POST", "/login", body).await
    }

    /// Lets another process carry out the intentions that are due, and then this process. The other process knows only
    /// the stores.
    pub(crate) async fn settle(&self) {
        flush(&self.accounts).await;
        let sql = "UPDATE pending_ends SET created_at = 0";
        self.database.execute(Statement::new(sql)).await.unwrap();
        authenticator(&self.accounts, &self.clock, self.faulty.store().clone()).sync_revocations().await.unwrap();
        self.auth.sync_revocations().await.unwrap();
        let left: Vec<(i64,)> = self.database.fetch(Statement::new("SELECT count(*) FROM pending_ends")).await.unwrap();
        assert_eq!(left, [(0,)], "an intention is left");
    }

    /// Asserts what must hold after a change, whatever went wrong. `response` is `None` if the client got no response.
    pub(crate) async fn check(&self, change: Change, user: &User, response: Option<Got>, what: &str) {
        let stored = self.is_stored(change, user).await;
        if let Some(response) = &response {
            let text = String::from_utf8_lossy(&response.body);
            assert_eq!(response.status.is_success(), stored, "{what}: {} {text}", response.status);
            if text.contains("all devices have been logged out") {
                assert_eq!(
                    self.status_elsewhere(&user.device).await,
                    401,
                    "{what}: another process accepts it: {text}"
                );
            }
        }
        if stored {
            assert_ne!(self.status(&user.device).await, 200, "{what}: this process does not refuse it at once");
        }
        self.settle().await;
        let expected = if stored { 401 } else { 200 };
        assert_eq!(self.status(&user.device).await, expected, "{what}: the other device, stored: {stored}");
        if change != Change::Password {
            assert_eq!(self.status(&user.browser).await, expected, "{what}: the first device, stored: {stored}");
        }
        if !stored {
            // Trying again succeeds.
            assert_eq!(self.status(&user.browser).await, 200, "{what}");
            assert_eq!(self.read(self.request(change, user)).await.status, 200, "{what}: the retry");
            assert!(self.is_stored(change, user).await, "{what}: the retry");
            self.settle().await;
            assert_eq!(self.status(&user.device).await, 401, "{what}: after the retry");
            return;
        }
        if let Some(response) = response.filter(|_| change == Change::Password) {
            let mut browser = user.browser.clone();
            response.cookies.iter().for_each(|cookie| browser.take(cookie));
            // If the store has not replied in time, the page says that the user might have to log in again.
            let text = String::from_utf8_lossy(&response.body);
            if !text.contains("You might have to log in again") {
                assert_eq!(self.status(&browser).await, 200, "{what}: this browser");
                assert_eq!(self.status(&user.browser).await, 401, "{what}: a copy of this browser's old cookies");
            }
        }
        let password = if change == Change::UndoEmail { PASSWORD } else { NEW_PASSWORD };
        let again = self.log_in(user, password).await;
        assert_eq!(again.status, 200, "{what}: the log-in after it");
        self.settle().await;
        assert_eq!(self.status(&Browser::holding(&again.cookies)).await, 200, "{what}: the new session was ended");
        if change != Change::UndoEmail {
            assert_eq!(self.log_in(user, PASSWORD).await.status, 401, "{what}: the old password");
        }
    }
}

/// Runs a test with each store: the database of the accounts, or Redis.
macro_rules! with_site {
    ($store:expr, $test:expr) => {{
        let (store, directory) = ($store, tempfile::TempDir::with_prefix("hardtack-faults-").unwrap());
        let url = match store {
            crate::support::Store::Postgres => hardtack_test_support::services::postgres::shared().database(),
            _ => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        let database = hardtack_sqlx::Database::open(&url).await.unwrap();
        let accounts = hardtack_accounts::Accounts::open(database.clone()).await.unwrap();
        if store == crate::support::Store::Redis {
            let server = hardtack_test_support::services::redis::RedisServer::shared();
            let sessions =
                hardtack_redis::RedisSessions::open_named(server.url().as_str(), &server.name()).await.unwrap();
            $test(crate::faulty_site::FaultySite::start(accounts, database, sessions, directory).await).await;
        } else {
            let sessions = database.sessions();
            sessions.migrate().await.unwrap();
            $test(crate::faulty_site::FaultySite::start(accounts.with_sessions(), database, sessions, directory).await)
                .await;
        }
    }};
}
pub(crate) use with_site;
