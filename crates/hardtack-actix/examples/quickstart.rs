//! A log-in form, a page for logged-in users, and a page for users who entered their password in the last 15 minutes.

use actix_web::web::{Form, Html, Redirect, get, post, resource};
use actix_web::{App, Either, HttpServer, Responder, http::StatusCode};
use hardtack_actix::{Algorithm, SigningKey, prelude::*};

const DEMO_USER: [&str; 2] = ["alice", "correct horse battery staple"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let listener = std::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into()))?;
    let site = format!("http://{}", listener.local_addr()?);
    let keys = match std::env::var_os("JWT_SECRET_KEY") {
        Some(_) => KeySet::from_secret_env("JWT_SECRET_KEY")?,
        None => KeySet::new(SigningKey::generate(Algorithm::HS256)?), // a restart logs every user out
    };
    let auth = Authenticator::builder(keys).base_url(&site).sessions(MemorySessions::new()).build()?;
    let app = move || {
        App::new()
            .route("/", get().to(home))
            .service(resource("/account").get(account).post(log_out_everywhere))
            .service(resource(["/login", "/reauthenticate"]).get(log_in_page).post(log_in)) // a new log-in is fresh
            .route("/logout", post().to(log_out))
            .wrap(AuthLayer::new(auth.clone()))
    };
    println!("Listening on {site}\ndemo user: {}", DEMO_USER.join(" / "));
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}

async fn home(token: AccessToken) -> Html {
    page("Home", &token.csrf_token(), "<a href='/account'>Account</a> <button formaction='/logout'>Log out</button>")
}

async fn account(token: FreshAccessToken) -> Html {
    page(&format!("Account of {}", token.subject()), &token.csrf_token(), "<button>Log out everywhere</button>")
}

async fn log_out_everywhere(token: FreshAccessToken, auth: Auth) -> Result<String, AuthError> {
    Ok(format!("{} sessions ended.", auth.authenticator().revoke_all_sessions_of(&token).await?))
}

async fn log_in_page(auth: Auth) -> Result<impl Responder, AuthError> {
    let (csrf_token, cookies) = auth.pre_session()?;
    let main = "<input name='username'> <input name='password' type='password'> <button>Log in</button>";
    Ok(cookies.onto(page("Log in", &csrf_token, main)))
}

#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

async fn log_in(auth: Auth, Form(typed): Form<Credentials>) -> Result<impl Responder, AuthError> {
    auth.require_pre_session()?; // refuses forged forms before their password is checked
    if [typed.username.as_str(), &typed.password] != DEMO_USER {
        return Ok(Either::Left((log_in_page(auth).await?, StatusCode::UNAUTHORIZED)));
    }
    Ok(Either::Right(auth.log_in(typed.username).await?.onto(Redirect::to(auth.next_or_home()).see_other())))
}

async fn log_out(auth: Auth) -> Result<impl Responder, AuthError> {
    Ok(auth.log_out().await?.onto(Redirect::to("/login").see_other()))
}

fn page(title: &str, csrf_token: &str, main: &str) -> Html {
    let csrf = format!("<input type='hidden' name='csrf_token' value='{csrf_token}'>"); // checked by Hardtack
    Html::new(format!("<!doctype html><title>{title}</title><h1>{title}</h1><form method='post'>{csrf}{main}</form>"))
}
