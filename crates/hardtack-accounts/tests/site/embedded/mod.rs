//! The ready pages in the site of an application.

mod crawl;
mod flow;
mod placement;
mod set_up;

use std::fs;
use std::net::SocketAddr;

use axum::Router;
use hardtack::testing::TestClock;
use hardtack::{Authenticator, AuthenticatorBuilder, KeySet, RefreshMode};
use hardtack_accounts::mail::Outbox;
use hardtack_accounts::{Accounts, EmailAddress, Site};
use hardtack_sqlx::Database;
use hardtack_test_support::client::{Client, Response};
use tempfile::TempDir;

use crate::accounts_example;
use crate::support::*;

/// An application with the ready pages. When this value is dropped, the application stops.
struct Shop {
    clock: TestClock,
    accounts: Accounts,
    url: String,
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
    directory: TempDir,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shop {
    /// Starts the application that `app` makes from the accounts and the configured builder of the authenticator. Its
    /// pages are at `/auth`, below the path of the base URL.
    async fn start(mode: RefreshMode, path: &str, app: impl FnOnce(&Accounts, AuthenticatorBuilder) -> Router) -> Self {
        Self::start_with_pages_at("/auth", mode, path, app).await
    }

    /// Starts an application as [`Self::start`] does, but with the pages at the path `pages`. `path` is the path of the
    /// base URL.
    async fn start_with_pages_at(
        pages: &str,
        mode: RefreshMode,
        path: &str,
        app: impl FnOnce(&Accounts, AuthenticatorBuilder) -> Router,
    ) -> Self {
        let directory = TempDir::with_prefix("hardtack-shop-").unwrap();
        let database = Database::open(&format!("sqlite:{}", directory.path().join("shop.db").display())).await.unwrap();
        database.sessions().migrate().await.unwrap();
        let (listener, address) = hardtack_test_support::server::bind().await;
        let url = format!("http://{address}");
        let from = EmailAddress::parse("noreply@shop.example").unwrap();
        let outbox = Outbox::new(directory.path().join("outbox"));
        let accounts = Accounts::open(database).await.unwrap().with_sessions();
        let accounts = accounts.with_mail(from, &format!("{url}{path}{pages}"), outbox);
        let clock = TestClock::start_now();
        let builder = Authenticator::builder(KeySet::from_secret(SECRET).unwrap());
        let builder = builder.base_url(format!("{url}{path}")).clock(clock.clone()).refresh_mode(mode);
        let service = app(&accounts, builder).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { clock, accounts, url, address, server, directory }
    }

    /// Starts the example.
    async fn example(mode: RefreshMode) -> Self {
        Self::start(mode, "", |accounts, builder| {
            accounts_example::app(accounts_example::site(accounts, builder).unwrap())
        })
        .await
    }

    fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Returns the browser of a new user, who has signed up on the sign-up page.
    async fn user(&self, name: &str) -> Client {
        let mut browser = self.client();
        let page = open(&mut browser, "/auth/signup").await;
        let typed = [("username", name), ("password", PASSWORD)];
        let response = submit(&mut browser, &page, "/auth/signup", &typed).await;
        assert_eq!((response.status().as_u16(), response.location()), (303, Some("/")), "{}", response.text());
        browser
    }

    /// Removes all emails, and returns the only email that is not about a new device.
    async fn mail(&self) -> String {
        self.accounts.flush().await;
        let mut mails = Vec::new();
        for file in fs::read_dir(self.directory.path().join("outbox")).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if path.extension().is_some() && !text.contains("\nSubject: New device logged in\n") {
                mails.push(text);
            }
            fs::remove_file(path).unwrap();
        }
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }

    /// Returns the path and query of the link in an email.
    fn link(&self, mail: &str) -> String {
        let link = mail.lines().find_map(|line| line.strip_prefix(&self.url));
        link.unwrap_or_else(|| panic!("no link in {mail}")).to_owned()
    }
}

/// Builds the site of an application, at `/auth`, with a name.
fn site(accounts: &Accounts, builder: AuthenticatorBuilder) -> Site {
    let auth = accounts.configure(builder).urls(Site::urls_at("/auth")).build().unwrap();
    Site::builder(auth, accounts.clone()).at("/auth").name("Corner Shop").build().unwrap()
}

/// Sends a form whose page is open in the browser, and follows the redirect.
async fn send(browser: &mut Client, page: &Response, action: &str, typed: &[(&str, &str)]) -> Response {
    browser.post(action).accept_html().form(&filled(page, action, typed)).follow().await
}
