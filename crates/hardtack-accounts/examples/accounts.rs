//! A shop that mounts the ready-made account pages at `/auth`, in the shop's colors and with its own log-in page.

use std::error::Error;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use hardtack::clock::{Clock, SystemClock};
use hardtack::jwt::Algorithm;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, SigningKey};
use hardtack_accounts::{Accounts, Color, Page, PageView, Site, User};
use hardtack_axum::{AuthLayer, CurrentUser};
use hardtack_sqlx::Database;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init(); // shows log-ins, warnings and errors
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into())).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let database = Database::open(&std::env::var("DATABASE_URL").unwrap_or("sqlite:shop.db".into())).await?;
    let keys = match std::env::var_os("JWT_SECRET_KEY") {
        Some(_) => KeySet::from_secret_env("JWT_SECRET_KEY")?,
        None => KeySet::new(SigningKey::generate(Algorithm::HS256)?), // a restart logs every user out
    };
    database.sessions().migrate().await?;
    let accounts = Accounts::open(database).await?.with_sessions();
    let site = site(&accounts, Authenticator::builder(keys).base_url(&url))?;
    println!("Listening on {url}");
    if accounts.find_by_name("alice").await?.is_none() {
        let link = accounts.add("alice", "", SystemClock.now()).await?;
        println!("To choose the password of alice, open {}", link.url(&site.address().unwrap_or_default()));
    }
    hardtack_axum::serve(listener, app(site)).await?;
    accounts.flush().await;
    Ok(())
}

/// The ready-made pages: where they are and how they look.
pub(crate) fn site(accounts: &Accounts, builder: AuthenticatorBuilder) -> Result<Site, Box<dyn Error>> {
    let auth = accounts.configure(builder).urls(Site::urls_at("/auth")).build()?;
    let site = Site::builder(auth, accounts.clone())
        .at("/auth")
        .name("Corner Shop")
        .logo("/logo.svg")
        .stylesheet("/shop.css")
        .color(Color::Button, "#7a1f3d", "#f2a7bf")
        .color(Color::ButtonText, "#ffffff", "#2b0a15")
        .color(Color::Link, "#7a1f3d", "#f2a7bf")
        .page(Page::LogIn, log_in_page);
    Ok(site.build()?)
}

/// The shop and the ready-made pages.
pub(crate) fn app(site: Site) -> Router {
    let auth = site.authenticator().clone();
    Router::new()
        .route("/", get(home))
        .route("/orders", get(orders))
        .route("/shop.css", get(stylesheet))
        .route("/logo.svg", get(logo))
        .with_state(site.clone()) // from which `CurrentUser<User>` loads the user
        .layer(AuthLayer::new(auth))
        .merge(site.router())
}

/// The log-in page. Its form posts to `/auth/login`, so it has the same checks and limits as the ready page.
fn log_in_page(page: &PageView<'_>) -> String {
    let (head, notice, content) = (page.head_html(), page.notice_html(), page.content_html());
    format!(
        "<!DOCTYPE html><html lang=en><head>{head}</head><body class=shop>\
         <header><a href=\"/\">Corner Shop</a> fresh bread since 1907</header>\
         <main>{notice}{content}</main></body></html>"
    )
}

async fn home(State(site): State<Site>, user: Option<CurrentUser<User>>) -> Html<String> {
    let greeting = match &user {
        Some(user) => {
            format!("Good day, {}! <a href=\"{}\">Your account</a>", escape(user.name()), site.path("/account"))
        }
        None => format!(
            "<a href=\"{}\">Log in</a> or <a href=\"{}\">sign up</a>",
            site.path("/login"),
            site.path("/signup")
        ),
    };
    Html(format!(
        "<!DOCTYPE html><html lang=en><title>Corner Shop</title><link rel=stylesheet href=/shop.css>\
         <body class=shop><h1>Corner Shop</h1><p>{greeting}</p><p><a href=/orders>Your orders</a></p></body></html>"
    ))
}

async fn orders(user: CurrentUser<User>) -> String {
    format!("No orders of {} yet.", user.name())
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], ".shop { max-width: 30rem; margin: 2rem auto; font-family: serif; }")
}

async fn logo() -> impl IntoResponse {
    let svg =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path d='M0 4 4 0 9 4V9H0Z' fill='#7a1f3d'/></svg>";
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg)
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
