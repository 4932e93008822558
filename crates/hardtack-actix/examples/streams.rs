//! A page that receives live messages in two ways: as an event stream and over a WebSocket. Both connections end when
//! the user's session ends.
//!
//! To try it, log in as alice, open the page in a second window of the same browser, and log out in one of the windows.
//! The other window then shows the log-in page as well.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::{Bytes, Form, Html, Payload, Redirect, ServiceConfig, get, post, resource};
use actix_web::{App, Either, Error, HttpRequest, HttpResponse, HttpServer, Responder, http::StatusCode};
use actix_ws::{CloseCode, CloseReason, MessageStream, Session};
use futures_util::stream::{self, Stream, StreamExt};
use hardtack_actix::future::Ended;
use hardtack_actix::{Algorithm, SigningKey, prelude::*};

const DEMO_USER: [&str; 2] = ["alice", "correct horse battery staple"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let listener = std::net::TcpListener::bind(std::env::var("LISTEN").unwrap_or("127.0.0.1:3000".into()))?;
    let site = format!("http://{}", listener.local_addr()?);
    let keys = KeySet::new(SigningKey::generate(Algorithm::HS256)?);
    let auth = Authenticator::builder(keys).base_url(&site).sessions(MemorySessions::new()).build()?;
    let app = move || App::new().configure(routes).wrap(AuthLayer::new(auth.clone()));
    println!("Listening on {site}\ndemo user: {}", DEMO_USER.join(" / "));
    Ok(HttpServer::new(app).listen(listener)?.run().await?)
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", get().to(home))
        .route("/events", get().to(events))
        .route("/socket", get().to(socket))
        .service(resource("/login").get(log_in_page).post(log_in))
        .route("/logout", post().to(log_out));
}

/// An event stream that ends when the token expires. The browser then connects again, and Hardtack refreshes the token.
async fn events(token: AccessToken, auth: Auth) -> HttpResponse {
    let events = messages().map(|text| Ok::<_, Infallible>(Bytes::from(format!("data: {text}\n\n"))));
    HttpResponse::Ok().content_type("text/event-stream").streaming(events.take_until(auth.ended(&token)))
}

/// A WebSocket. It may outlive the token, and ends with the session.
async fn socket(token: AccessToken, auth: Auth, request: HttpRequest, body: Payload) -> Result<HttpResponse, Error> {
    let (response, session, received) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(talk(session, received, auth.ended_session(&token)));
    Ok(response)
}

async fn talk(mut session: Session, received: MessageStream, ended: Ended) {
    // Wait for `ended` even while a message is being sent: if the client does not read, `text` may never complete.
    tokio::select! {
        () = ended => {}
        () = send_messages(&mut session, received) => return,
    }
    let reason = CloseReason { code: CloseCode::Policy, description: Some("Your session has ended.".into()) };
    let _ = tokio::time::timeout(Duration::from_secs(1), session.close(Some(reason))).await;
}

/// Sends messages until the client disconnects.
async fn send_messages(session: &mut Session, mut received: MessageStream) {
    let mut messages = std::pin::pin!(messages());
    loop {
        let sent = tokio::select! {
            message = received.next() => message.is_some_and(|message| message.is_ok()),
            Some(text) = messages.next() => session.text(text).await.is_ok(),
        };
        if !sent {
            return;
        }
    }
}

/// A message now, and one every second.
fn messages() -> impl Stream<Item = String> {
    stream::unfold(0, |count| async move {
        if count > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((format!("Message {count}"), count + 1))
    })
}

const SCRIPT: &str = "<ul id='events'></ul><ul id='socket'></ul><script>
    const show = (id, textContent) =>
        document.getElementById(id).append(Object.assign(document.createElement('li'), { textContent }));
    const events = new EventSource('/events');
    events.onmessage = (event) => show('events', event.data);
    // The server refused the new connection, so the user is no longer allowed to see this page either.
    events.onerror = () => events.readyState === EventSource.CLOSED && location.reload();
    const socket = new WebSocket('/socket');
    socket.onmessage = (event) => show('socket', event.data);
    socket.onclose = (event) => event.code === 1008 && location.reload();
</script>";

async fn home(token: AccessToken) -> Html {
    let main = format!("{SCRIPT}<button formaction='/logout'>Log out</button>");
    page(&format!("Messages for {}", token.subject()), &token.csrf_token(), &main)
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
