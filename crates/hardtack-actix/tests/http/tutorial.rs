//! The tutorial's flow, from the first visit to the log-out, in both refresh modes.

use std::time::Duration;

use hardtack::{Authenticator, RefreshMode};
use hardtack_conformance::{Client, Response};

use actix_web::App;
use actix_web::web::Data;
use hardtack_actix::AuthLayer;

use crate::site::{ACCESS_LIFE, Site, serve};
use crate::tutorial_example::{people::People, routes};

async fn site(mode: RefreshMode) -> Site {
    let people = Data::new(People::new().unwrap());
    let app = move |auth: Authenticator| {
        serve!(move || { App::new().app_data(people.clone()).configure(routes).wrap(AuthLayer::new(auth.clone())) })
    };
    Site::bare(|builder| builder.refresh_mode(mode), app).await
}

/// Fills in the form of a page that was just shown, and sends it where a browser would.
async fn submit(client: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    let mut fields = page.form_fields(action);
    for (name, value) in typed {
        let field = fields.iter_mut().find(|(field, _)| field == name);
        field.unwrap_or_else(|| panic!("no field {name}")).1 = (*value).to_owned();
    }
    let to = if action.is_empty() { page.path() } else { action };
    client.post(to).accept_html().form(&fields).follow().await
}

async fn show(client: &mut Client, path: &str) -> Response {
    client.get(path).accept_html().follow().await
}

#[tokio::test]
async fn transparent() {
    flow(RefreshMode::Transparent).await;
}

#[tokio::test]
async fn redirect() {
    flow(RefreshMode::Redirect).await;
}

async fn flow(mode: RefreshMode) {
    let site = site(mode).await;
    let mut browser = site.visitor();
    assert!(show(&mut browser, "/").await.text().contains("You are nobody."));

    // Not logged in: to the log-in form, and from there to the page that was asked for.
    let login = show(&mut browser, "/service").await;
    assert_eq!(login.path(), "/login?next=%2Fservice");
    let wrong = submit(&mut browser, &login, "", &[("username", "alice"), ("password", "guess")]).await;
    assert_eq!(wrong.status(), 401);
    assert!(browser.cookie("__Host-access_token_cookie").is_none());
    let service = submit(&mut browser, &wrong, "", &[("username", "alice"), ("password", "correct horse")]).await;
    assert_eq!((service.path(), service.status().as_u16()), ("/service", 200));
    assert!(service.text().contains("At your service, Allie."));

    // Just logged in: settings change, and what was typed is shown as text.
    let account = show(&mut browser, "/account").await;
    let settings = "/account/change_settings";
    let changed = submit(&mut browser, &account, settings, &[("nickname", "<script>alert(1)</script>")]).await;
    assert_eq!((changed.path(), changed.status().as_u16()), ("/account", 200));
    assert!(!changed.text().contains("<script>"), "{}", changed.text());
    assert!(show(&mut browser, "/service").await.text().contains("At your service, &lt;script&gt;alert(1)"));

    // A quarter of an hour later: still logged in, and the password is asked for before settings change.
    site.clock.advance(ACCESS_LIFE);
    assert!(show(&mut browser, "/").await.text().contains("You are alice."));
    let password = show(&mut browser, "/account").await;
    assert_eq!(password.path(), "/reauthenticate?next=%2Faccount");
    let stale = submit(&mut browser, &changed, settings, &[("nickname", "Eve")]).await;
    assert!(stale.path().starts_with("/reauthenticate"), "{}", stale.path());
    let wrong = submit(&mut browser, &password, "", &[("password", "guess")]).await;
    assert_eq!(wrong.status(), 401);
    let account = submit(&mut browser, &password, "", &[("password", "correct horse")]).await;
    assert_eq!((account.path(), account.status().as_u16()), ("/account", 200));
    submit(&mut browser, &account, settings, &[("nickname", "Al")]).await;
    assert!(show(&mut browser, "/service").await.text().contains("At your service, Al."));

    // A form without its token changes nothing.
    let forged = browser.post(settings).accept_html().form(&[("nickname", "Mallory")]).send().await;
    assert_eq!(forged.status(), 403);

    let copy = browser.clone();
    let home = submit(&mut browser, &account, "/logout", &[]).await;
    assert!(home.text().contains("You are nobody."));
    assert_eq!(show(&mut browser, "/service").await.path(), "/login?next=%2Fservice");
    assert_eq!(show(&mut copy.clone(), "/service").await.path(), "/login?next=%2Fservice&ended=1");
    let mut copy = copy;
    let refused = copy.post("/token/refresh").csrf().accept_json().send().await;
    assert_eq!(refused.status(), 401, "the copied refresh cookie is dead, too");
}

#[tokio::test]
async fn an_absent_user_is_told_why() {
    let site = site(RefreshMode::Transparent).await;
    let mut browser = site.visitor();
    let login = show(&mut browser, "/login").await;
    submit(&mut browser, &login, "", &[("username", "bob"), ("password", "battery staple")]).await;
    site.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let login = show(&mut browser, "/service").await;
    assert_eq!(login.path(), "/login?next=%2Fservice&ended=1");
    assert!(login.text().contains("Your session has ended."));
}
