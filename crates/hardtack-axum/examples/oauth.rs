//! A log-in at another site with OAuth 2.0: the authorization code flow with PKCE.
//!
//! Register the application at the other site with the redirect URI `http://127.0.0.1:3000/oauth/callback`. Then set
//! the environment variables `OAUTH_ISSUER`, `OAUTH_CLIENT_ID` and `OAUTH_CLIENT_SECRET`, and start the example. The
//! example appends `/authorize`, `/token` and `/userinfo` to `OAUTH_ISSUER`. The HTTP client of the example supports
//! only plain http; for a real site, use the crate `reqwest`.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, http::StatusCode, routing::get, routing::post};
use hardtack_axum::{Algorithm, BackendError, SigningKey, Urls, prelude::*};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse, TokenUrl,
};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The other site.
#[derive(Clone)]
pub(crate) struct Issuer {
    client: BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>,
    user_info: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let site = "http://127.0.0.1:3000";
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("set {name}"));
    let issuer =
        Issuer::new(site, &variable("OAUTH_ISSUER")?, variable("OAUTH_CLIENT_ID")?, variable("OAUTH_CLIENT_SECRET")?)?;
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    // There is no log-in page: a visitor who must log in is redirected to the other site.
    let urls = Urls::default().login("/oauth/start");
    let auth = Authenticator::builder(keys).base_url(site).urls(urls).sessions(MemorySessions::new()).build()?;
    println!("Listening on {site}");
    Ok(hardtack_axum::serve(listener, app(auth, issuer)).await?)
}

pub(crate) fn app(auth: Authenticator, issuer: Issuer) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/oauth/start", get(start))
        .route("/oauth/callback", get(callback))
        .route("/logout", post(log_out))
        .with_state(issuer)
        .layer(AuthLayer::new(auth))
}

impl Issuer {
    pub(crate) fn new(site: &str, issuer: &str, id: String, secret: String) -> Result<Self, Error> {
        let client = BasicClient::new(ClientId::new(id))
            .set_client_secret(ClientSecret::new(secret))
            .set_auth_uri(AuthUrl::new(format!("{issuer}/authorize"))?)
            .set_token_uri(TokenUrl::new(format!("{issuer}/token"))?)
            .set_redirect_uri(RedirectUrl::new(format!("{site}/oauth/callback"))?);
        Ok(Self { client, user_info: format!("{issuer}/userinfo") })
    }

    /// Exchanges the code for a token, and uses the token to request the user's id.
    async fn user(&self, code: String, verifier: &str) -> Result<User, Error> {
        let code = self.client.exchange_code(AuthorizationCode::new(code));
        let token = code.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned())).request_async(&send).await?;
        let bearer = format!("Bearer {}", token.access_token().secret());
        let request = axum::http::Request::get(&self.user_info).header("authorization", bearer).body(Vec::new())?;
        Ok(serde_json::from_slice(send(request).await?.body())?)
    }
}

/// The user's id at the other site.
#[derive(serde::Deserialize)]
struct User {
    sub: String,
}

/// Sends the browser to the other site.
async fn start(State(issuer): State<Issuer>, auth: Auth) -> Result<impl IntoResponse, AuthError> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    // The callback needs these values. The cookie contains them in encrypted form.
    let kept = format!("{} {}", verifier.secret(), auth.next_or_home());
    let (state, cookies) = auth.begin_external_with(&kept)?;
    let (url, _) = issuer.client.authorize_url(|| CsrfToken::new(state)).set_pkce_challenge(challenge).url();
    Ok((cookies, Redirect::to(url.as_str())))
}

/// The parameters that the other site adds to the redirect URI. If the user declines there, `code` is missing.
#[derive(serde::Deserialize)]
struct Callback {
    state: String,
    code: Option<String>,
}

/// Logs the user in after the other site has redirected the browser back.
async fn callback(
    State(issuer): State<Issuer>,
    auth: Auth,
    Query(callback): Query<Callback>,
) -> Result<Response, AuthError> {
    let kept = auth.finish_external(&callback.state)?; // fails if this browser did not start the log-in
    let Some(code) = callback.code else {
        return Ok((StatusCode::FORBIDDEN, Html("You were not logged in. <a href='/'>Back</a>")).into_response());
    };
    let (verifier, next) = kept.split_once(' ').unwrap_or((&kept, "/"));
    let user = issuer.user(code, verifier).await.map_err(|error| auth.refuse(BackendError::new(error)))?;
    Ok((auth.log_in(user.sub).await?, Redirect::to(next)).into_response())
}

async fn home(token: AccessToken) -> Html<String> {
    let form = format!("<form method='post'><input type='hidden' name='csrf_token' value='{}'>", token.csrf_token());
    Html(format!("Hello, {}. {form}<button formaction='/logout'>Log out</button></form>", token.subject()))
}

async fn log_out(auth: Auth) -> Result<(SetCookies, &'static str), AuthError> {
    Ok((auth.log_out().await?, "You are logged out here. You may still be logged in at the other site."))
}

/// Sends a request over plain http.
async fn send(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = request.map(|body| Full::new(axum::body::Bytes::from(body)));
    let (head, body) = client.request(request).await.map_err(std::io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    Ok(HttpResponse::from_parts(head, body.into()))
}
