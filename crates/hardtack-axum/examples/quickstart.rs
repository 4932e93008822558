//! A log-in, a page with a form and a script, and a page for users who entered their password in the last 15 minutes.

use axum::{Router, response::Html, routing::get};
use hardtack_axum::{Algorithm, Credentials, SigningKey, prelude::*, routes};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init(); // shows log-ins, warnings and errors
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    let site = format!("http://{}", listener.local_addr()?);
    let keys = match std::env::var_os("JWT_SECRET_KEY") {
        Some(_) => KeySet::from_secret_env("JWT_SECRET_KEY")?,
        None => KeySet::new(SigningKey::generate(Algorithm::HS256)?), // a restart logs every user out
    };
    let auth = Authenticator::builder(keys).base_url(&site).sessions(MemorySessions::new()).build()?;
    println!("Listening on {site}\ndemo user: alice / correct horse battery staple");
    Ok(hardtack_axum::serve(listener, app(auth)).await?)
}

pub(crate) fn app(auth: Authenticator) -> Router {
    Router::new()
        .route("/", get(home).post(greet))
        .route("/account", get(account))
        .merge(routes::password_log_in(&auth, check)) // /login, /logout, /reauthenticate, /token/refresh
        .layer(AuthLayer::new(auth))
}

/// Checks what a user has typed. If a check is not possible, for example because a database is down, return an error.
async fn check(typed: Credentials) -> Result<Option<String>, std::io::Error> {
    let is_right = typed.username == "alice" && typed.password == "correct horse battery staple"; // yours
    Ok(is_right.then_some(typed.username))
}

async fn home(token: AccessToken) -> Html<String> {
    const PAGE: &str = r#"<!doctype html><html lang="en"><title>Home</title><h1>Home</h1>
<form method="post"><input type="hidden" name="csrf_token" value="{csrf}"><button>With a form</button></form>
<button type="button">With a script</button> <output></output>
<a href="/account">Account</a> <a href="/logout">Log out</a>
<script>
  document.querySelector("[type=button]").onclick = async () => {
    const csrf = document.cookie.match(/(?:^|; )(?:__Host-)?csrf_access_token=([^;]+)/)?.[1];
    const response = await fetch("/", { method: "POST", headers: { "X-CSRF-TOKEN": csrf } });
    document.querySelector("output").textContent = await response.text();
  };
</script>"#;
    Html(PAGE.replace("{csrf}", &token.csrf_token()))
}

async fn greet(token: AccessToken) -> String {
    format!("Hello, {}!", token.subject())
}

async fn account(token: FreshAccessToken) -> String {
    format!("Account of {}", token.subject())
}
