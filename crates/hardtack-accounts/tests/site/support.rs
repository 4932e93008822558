//! The site on a socket with a clock that tests set, and helpers for its users.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use hardtack::AuthenticatorBuilder;
use hardtack::clock::{Clock, Timestamp};
use hardtack::session::SessionPolicy;
use hardtack::session::{Session, SessionStore};
use hardtack::testing::TestClock;
use hardtack::{Authenticator, KeySet, RefreshMode, SessionId};
use hardtack_accounts::mail::Outbox;
use hardtack_accounts::{Accounts, EmailAddress, Site};
use hardtack_db::{Pool, Statement};
use hardtack_redis::RedisSessions;
use hardtack_sqlx::{Database, Sessions};
use hardtack_test_support::client::{Client, Response};
use hardtack_test_support::html::HtmlForms;
use hardtack_test_support::services::postgres;
use hardtack_test_support::services::redis::RedisServer;
use hardtack_test_support::wait;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

/// The HMAC secret of every site, unless [`Options::keys`] is set.
pub(crate) const SECRET: &[u8] = b"5pKq0xvX3nGm7wTzQhLrC1dYbJ9sFaEuVoRi2kMe8WlN4cBy";

/// The password of every user, unless a test is about passwords.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) const ACCESS: &str = "access_token_cookie";
pub(crate) const REFRESH: &str = "refresh_token_cookie";

/// The refresh modes in which a session continues after its access token has expired.
pub(crate) const BOTH_MODES: [RefreshMode; 2] = [RefreshMode::Transparent, RefreshMode::Redirect];

/// The values of [`Options::on_postgres`].
pub(crate) const BOTH_DATABASES: [bool; 2] = [false, true];

/// The stores of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
    /// Sessions in Redis, and accounts in SQLite.
    Redis,
}

impl Store {
    /// The default options with this store.
    pub(crate) fn options(self) -> Options {
        Options { on_postgres: self == Self::Postgres, on_redis: self == Self::Redis, ..Options::default() }
    }
}

/// Generates a test for each function and each store.
macro_rules! on_every_store {
    ($tests:tt) => {
        hardtack_test_support::on_every_store! {
            [
                on_sqlite: crate::support::Store::Sqlite,
                on_postgres: crate::support::Store::Postgres,
                on_redis: crate::support::Store::Redis,
            ]
            $tests
        }
    };
}
pub(crate) use on_every_store;

/// The configuration of a site.
pub(crate) struct Options {
    /// Whether the database is on a PostgreSQL server instead of in a file.
    pub(crate) on_postgres: bool,
    /// Whether the sessions are on Redis instead of in the database.
    pub(crate) on_redis: bool,
    /// What happens if an access token has expired.
    pub(crate) refresh: RefreshMode,
    /// The site's public address; by default the address that it listens on.
    pub(crate) base_url: Option<&'static str>,
    pub(crate) access_lifetime: Duration,
    pub(crate) refresh_lifetime: Duration,
    pub(crate) session_lifetime: Duration,
    pub(crate) keys: KeySet,
    /// The folder that emails are written to; `None` turns email off.
    pub(crate) outbox: Option<PathBuf>,
    /// Routes of the application, in addition to the site's.
    pub(crate) routes: fn(&Authenticator) -> Router,
    /// The rules of the accounts.
    pub(crate) rules: fn(Accounts) -> Accounts,
    /// Any other configuration.
    pub(crate) configure: fn(AuthenticatorBuilder) -> AuthenticatorBuilder,
}

impl Default for Options {
    /// The site's defaults, on plain http.
    fn default() -> Self {
        Self {
            on_postgres: false,
            on_redis: false,
            refresh: RefreshMode::Transparent,
            base_url: None,
            access_lifetime: minutes(15),
            refresh_lifetime: minutes(24 * 60),
            session_lifetime: minutes(30 * 24 * 60),
            keys: KeySet::from_secret(SECRET).unwrap(),
            outbox: None,
            routes: |_| Router::new(),
            rules: |accounts| accounts,
            configure: |builder| builder,
        }
    }
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// A running site. It stops when dropped; its database is deleted with the last site that uses it.
pub(crate) struct TestSite {
    /// The site's clock: [`TestClock::advance`] makes tokens expire.
    pub(crate) clock: TestClock,
    auth: Authenticator,
    router: Router,
    database: Pool,
    sessions: Sessions<Database>,
    /// The sessions, if they are not in the database.
    redis: Option<RedisSessions>,
    address: SocketAddr,
    place: Arc<Place>,
    server: tokio::task::JoinHandle<()>,
}

/// The location of the database, and its folder.
struct Place {
    url: String,
    /// The URL of Redis, and the prefix of the keys.
    redis: Option<(String, String)>,
    _directory: TempDir,
}

impl Place {
    fn new(on_postgres: bool, redis: Option<&RedisServer>) -> Self {
        let redis = redis.map(|server| (server.url(), server.name()));
        let directory = TempDir::with_prefix("hardtack-site-").unwrap();
        let url = match on_postgres {
            true => postgres::shared().database(),
            false => format!("sqlite:{}", directory.path().join("app.db").display()),
        };
        Self { url, redis, _directory: directory }
    }
}

impl Drop for TestSite {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestSite {
    /// Starts a site with a new database.
    pub(crate) async fn start(options: Options) -> Self {
        let redis = options.on_redis.then(RedisServer::shared);
        Self::over(Arc::new(Place::new(options.on_postgres, redis)), TestClock::start_now(), options).await
    }

    /// Starts a site whose sessions are on this Redis.
    pub(crate) async fn on(redis: &RedisServer, options: Options) -> Self {
        Self::over(Arc::new(Place::new(options.on_postgres, Some(redis))), TestClock::start_now(), options).await
    }

    /// Starts a site on an existing database.
    pub(crate) async fn at(url: &str, options: Options) -> Self {
        let place = Place { url: url.to_owned(), redis: None, _directory: TempDir::new().unwrap() };
        Self::over(Arc::new(place), TestClock::start_now(), options).await
    }

    /// Starts a second site on the same database with the same clock, which stands for another process.
    pub(crate) async fn beside(&self, options: Options) -> Self {
        Self::over(Arc::clone(&self.place), self.clock.clone(), options).await
    }

    async fn over(place: Arc<Place>, clock: TestClock, options: Options) -> Self {
        let (listener, address) = hardtack_test_support::server::bind().await;
        let base_url = options.base_url.map_or_else(|| format!("http://{address}"), str::to_owned);
        let database = Database::open(&place.url).await.unwrap();
        let mut accounts = (options.rules)(Accounts::open(database.clone()).await.unwrap());
        if place.redis.is_none() {
            accounts =
                accounts.with_sessions().with_throttle_store(database.throttle().with_timeout(wait::LONGEST_WAIT));
        }
        if let Some(folder) = &options.outbox {
            let from = EmailAddress::parse("noreply@site.example").unwrap();
            accounts = accounts.with_mail(from, &base_url, Outbox::new(folder));
        }
        let sessions = database.sessions();
        sessions.migrate().await.unwrap();
        let builder = accounts
            .configure(Authenticator::builder(options.keys))
            .base_url(&base_url)
            .clock(clock.clone())
            .refresh_mode(options.refresh)
            .access_lifetime(options.access_lifetime)
            .refresh_lifetime(options.refresh_lifetime)
            .session_policy(SessionPolicy::default().absolute_lifetime(options.session_lifetime));
        let redis = match &place.redis {
            Some((url, name)) => Some(RedisSessions::open_named(url.as_str(), name).await.unwrap()),
            None => None,
        };
        let builder = match &redis {
            Some(redis) => builder.sessions(redis.clone()),
            None => builder.sessions(sessions.clone()),
        };
        if let Some(redis) = &redis {
            accounts = accounts.with_throttle_store(redis.throttle().with_timeout(wait::LONGEST_WAIT));
        }
        let auth = (options.configure)(builder).build().unwrap();
        auth.sync_revocations().await.unwrap();
        let router = Site::demo(auth.clone(), accounts).router().merge((options.routes)(&auth));
        let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { clock, auth, router, database: database.into(), sessions, redis, address, place, server }
    }

    /// A client without cookies.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The site's address, without a trailing slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the site's database.
    pub(crate) fn database_url(&self) -> String {
        self.place.url.clone()
    }

    /// The site's database.
    pub(crate) fn database(&self) -> &Pool {
        &self.database
    }

    pub(crate) fn auth(&self) -> &Authenticator {
        &self.auth
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes every access token expire, but no refresh token.
    pub(crate) fn expire_access(&self) {
        self.clock.advance(minutes(15));
    }

    /// The browser of a new user.
    pub(crate) async fn person(&self, username: &str) -> Client {
        let mut client = self.client();
        sign_up(&mut client, username).await;
        client
    }

    /// Another browser of an existing user.
    pub(crate) async fn device_of(&self, username: &str) -> Client {
        let mut client = self.client();
        let response = log_in(&mut client, username, PASSWORD).await;
        assert_eq!(response.status(), 200, "{}", response.text());
        client
    }

    /// Another browser of the user with this id, without hashing the password.
    pub(crate) async fn session_of(&self, id: &str) -> Client {
        let mut client = self.client();
        for cookie in self.auth.log_in(id).await.unwrap() {
            client.set_cookie_raw(&cookie);
        }
        client
    }

    /// A session's row in the store.
    pub(crate) async fn row(&self, id: SessionId) -> Option<Session> {
        match &self.redis {
            Some(redis) => redis.find(id).await.unwrap(),
            None => self.sessions.find(id).await.unwrap(),
        }
    }

    /// Disables a user.
    pub(crate) async fn disable(&self, username: &str) {
        let sql = "UPDATE users SET disabled_at = $1 WHERE username = $2";
        let statement = Statement::new(sql).bind(self.now().unix_seconds()).bind(username);
        assert_eq!(self.database.execute(statement).await.unwrap(), 1, "{username}");
    }
}

/// Waits until all background work is done.
pub(crate) async fn flush(accounts: &Accounts) {
    wait::until("the background work is done", async || accounts.flush().await).await;
}

/// Signs up as an API client, which also logs in, and returns the user.
pub(crate) async fn sign_up(client: &mut Client, username: &str) -> Value {
    let body = json!({ "username": username, "password": PASSWORD });
    let response = client.post("/signup").accept_json().json(&body).send().await;
    assert_eq!(response.status(), 200, "{}", response.text());
    has_session(client, username).await;
    response.json()
}

/// Logs in if a sign-up has not started a session, because a busy machine took too long.
pub(crate) async fn has_session(client: &mut Client, username: &str) {
    let since = Instant::now();
    while !client.cookies().iter().any(|cookie| cookie.name.contains("access_token")) {
        assert!(since.elapsed() < wait::LONGEST_WAIT, "{username} cannot log in");
        log_in(client, username, PASSWORD).await;
    }
}

/// Logs in as an API client.
pub(crate) async fn log_in(client: &mut Client, username: &str, password: &str) -> Response {
    client.post("/login").accept_json().json(&json!({ "username": username, "password": password })).send().await
}

/// The user name that `/service` returns to an API client, or the status.
pub(crate) async fn whoami(client: &mut Client) -> Result<String, u16> {
    let response = client.get("/service").accept_json().send().await;
    match response.status().as_u16() {
        200 => Ok(response.json()["username"].as_str().unwrap().to_owned()),
        status => Err(status),
    }
}

/// Opens a page as a browser and follows redirects.
pub(crate) async fn open(client: &mut Client, path: &str) -> Response {
    client.get(path).accept_html().follow().await
}

/// The fields of a form, some of them filled in.
pub(crate) fn filled(page: &Response, action: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = page.form_fields(action);
    for (name, value) in typed {
        let field = fields.iter_mut().find(|(own, _)| own == name);
        field.unwrap_or_else(|| panic!("the form {action} has no field {name}")).1 = (*value).to_owned();
    }
    fields
}

/// Sends a form of a page, without following the redirect.
pub(crate) async fn submit(client: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    client.post(action).accept_html().form(&filled(page, action, typed)).send().await
}

/// The value of a form field.
pub(crate) fn field(page: &Response, action: &str, name: &str) -> String {
    let fields = page.form_fields(action);
    let found = fields.into_iter().find(|(own, _)| own == name);
    found.unwrap_or_else(|| panic!("the form {action} has no field {name}")).1
}

/// The value of a cookie, which must exist. The name is without its prefix.
pub(crate) fn cookie(client: &Client, name: &str) -> String {
    let cookies = client.cookies();
    let without_prefix = |full: &str| full.trim_start_matches("__Host-").trim_start_matches("Http-").to_owned();
    let found = cookies.iter().find(|cookie| without_prefix(&cookie.name) == name);
    found.unwrap_or_else(|| panic!("no cookie {name} in the jar")).value.clone()
}

/// Exchanges the refresh token in the cookie jar for new tokens, as a script does.
pub(crate) async fn refresh(client: &mut Client) -> Response {
    let cookies = client.cookies();
    let token = cookies.iter().find(|cookie| cookie.name.ends_with(REFRESH) && !cookie.value.is_empty());
    let csrf = token.and_then(|cookie| claims(&cookie.value)["csrf"].as_str().map(str::to_owned)).unwrap_or_default();
    client.post("/token/refresh").accept_json().header("x-csrf-token", &csrf).send().await
}

/// Replaces the value of a cookie, as an attacker with access to the browser could.
pub(crate) fn plant(client: &mut Client, name: &str, value: &str) {
    let path = client.cookie(name).map_or_else(|| "/".to_owned(), |cookie| cookie.path.clone());
    client.set_cookie_raw(&format!("{name}={value}; Path={path}"));
}

/// The claims of a token, without verification.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap()).unwrap()
}

/// A token with any header and payload, signed with the site's secret.
pub(crate) fn forge(header: &str, payload: &str) -> String {
    let encode = |text: &str| base64_simd::URL_SAFE_NO_PAD.encode_to_string(text);
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = signature(SECRET, &signed);
    format!("{signed}.{signature}")
}

/// The HS256 signature of the first two segments.
pub(crate) fn signature(secret: &[u8], signed: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(mac.finalize().into_bytes())
}

/// The header of the site's tokens.
pub(crate) const USUAL_HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
