//! A log-in form, a page for logged-in users, and a page for users who entered their password in the last 15 minutes.

use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Router, http::StatusCode, routing::get, routing::post};
use hardtack_axum::{Algorithm, SigningKey, prelude::*};

const DEMO_USER: [&str; 2] = ["alice", "correct horse battery staple"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    let site = format!("http://{}", listener.local_addr()?);
    let keys = match std::env::var_os("JWT_SECRET_KEY") {
        Some(_) => KeySet::from_secret_env("JWT_SECRET_KEY")?,
        None => KeySet::new(SigningKey::generate(Algorithm::HS256)?), // a restart logs every user out
    };
    let auth = Authenticator::builder(keys).base_url(&site).sessions(MemorySessions::new()).build()?;
    let app = Router::new()
        .route("/", get(home))
        .route("/account", get(account).post(log_out_everywhere))
        .route("/login", get(log_in_page).post(log_in))
        .route("/reauthenticate", get(log_in_page).post(log_in)) // a new log-in is fresh
        .route("/logout", post(log_out))
        .layer(AuthLayer::new(auth));
    println!("Listening on {site}\ndemo user: {}", DEMO_USER.join(" / "));
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<std::net::SocketAddr>()).await?)
}

async fn home(token: AccessToken) -> Html<String> {
    page("Home", &token.csrf_token(), "<a href='/account'>Account</a> <button formaction='/logout'>Log out</button>")
}

async fn account(token: FreshAccessToken) -> Html<String> {
    page(&format!("Account of {}", token.subject()), &token.csrf_token(), "<button>Log out everywhere</button>")
}

async fn log_out_everywhere(token: FreshAccessToken, auth: Auth) -> Result<String, AuthError> {
    Ok(format!("{} sessions ended.", auth.authenticator().revoke_all_sessions_of(&token).await?))
}

async fn log_in_page(auth: Auth) -> Result<(SetCookies, Html<String>), AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let main = "<input name='username'> <input name='password' type='password'> <button>Log in</button>";
    Ok((cookies, page("Log in", &csrf_token, main)))
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn log_in(auth: Auth, Form(typed): Form<Credentials>) -> Result<Response, AuthError> {
    auth.require_pre_session()?; // refuses forged forms before their password is checked
    if [typed.username.as_str(), &typed.password] != DEMO_USER {
        return Ok((StatusCode::UNAUTHORIZED, log_in_page(auth).await?).into_response());
    }
    Ok((auth.log_in(typed.username).await?, Redirect::to(&auth.next_or_home())).into_response())
}

async fn log_out(auth: Auth) -> Result<(SetCookies, Redirect), AuthError> {
    Ok((auth.log_out().await?, Redirect::to("/login")))
}

fn page(title: &str, csrf_token: &str, main: &str) -> Html<String> {
    let csrf = format!("<input type='hidden' name='csrf_token' value='{csrf_token}'>"); // checked by Hardtack
    Html(format!("<!doctype html><title>{title}</title><h1>{title}</h1><form method='post'>{csrf}{main}</form>"))
}
