//! The actix-web servers, with one worker.

use actix_web::cookie::Key;
use actix_web::{App, HttpServer, web};
use hardtack_actix::{AccessToken, AuthLayer};

use super::{Auth, Greeting};
use crate::Failed;
use crate::peers::actix_session;
use hardtack_bench_subject::{Visitor, hs256_keys, stored};

async fn user(token: AccessToken) -> &'static str {
    std::hint::black_box(token.subject());
    "hello"
}

pub(super) fn serve(auth: Auth) -> Result<(), Failed> {
    let (_, keys) = hs256_keys()?;
    let authenticator = stored(keys)?;
    let cookie = Visitor::of(&authenticator)?.cookie_field();
    let here = ("127.0.0.1", 0);
    actix_web::rt::System::new().block_on(async {
        match auth {
            Auth::ActixHardtack => {
                let app =
                    move || App::new().route("/user", web::get().to(user)).wrap(AuthLayer::new(authenticator.clone()));
                let server = HttpServer::new(app).workers(1).bind(here)?;
                Greeting::say(first(&server.addrs())?, Some(cookie))?;
                Ok(server.run().await?)
            }
            Auth::ActixSession => {
                let key = Key::generate();
                let app = move || {
                    App::new()
                        .route("/user", web::get().to(actix_session::user))
                        .route("/login", web::get().to(actix_session::log_in))
                        .wrap(actix_session::layer(key.clone()))
                };
                let server = HttpServer::new(app).workers(1).bind(here)?;
                Greeting::say(first(&server.addrs())?, None)?;
                Ok(server.run().await?)
            }
            _ => {
                let app = || App::new().route("/user", web::get().to(async || "hello"));
                let server = HttpServer::new(app).workers(1).bind(here)?;
                Greeting::say(first(&server.addrs())?, Some(cookie))?;
                Ok(server.run().await?)
            }
        }
    })
}

fn first(addresses: &[std::net::SocketAddr]) -> Result<std::net::SocketAddr, Failed> {
    Ok(*addresses.first().ok_or("actix-web has no listening address")?)
}
