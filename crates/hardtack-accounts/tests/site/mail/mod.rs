//! Email: confirming an address, and resetting a forgotten password.

mod addresses;
mod pages;
mod reset;
mod undo;

use std::fs;
use std::path::PathBuf;

use hardtack_accounts::EmailAddress;
use hardtack_accounts::mail::Outbox;
use hardtack_db::Statement;
use hardtack_test_support::client::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::recording_site::RecordingSite;
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";
const NEW: &str = "another password of hers";

/// A site that writes its emails to a folder.
pub(crate) struct Mailing {
    pub(crate) site: RecordingSite,
    outbox: PathBuf,
    _directory: TempDir,
}

impl Mailing {
    pub(crate) async fn start(on_postgres: bool) -> Self {
        let directory = TempDir::with_prefix("hardtack-outbox-").unwrap();
        let outbox = directory.path().join("outbox");
        let from = EmailAddress::parse("noreply@site.example").unwrap();
        let mailer = Outbox::new(&outbox);
        let set_up = |accounts: hardtack_accounts::Accounts| accounts.with_mail(from, "https://site.example/", mailer);
        Self { site: RecordingSite::with(on_postgres, set_up).await, outbox, _directory: directory }
    }

    /// Removes and returns the emails that were sent, in no particular order, except for those about new devices: tests
    /// log in with many clients.
    pub(crate) async fn mails(&self) -> Vec<String> {
        let mut mails = self.all_mails().await;
        mails.retain(|mail| !mail.contains("\nSubject: New device logged in\n"));
        mails
    }

    /// Removes and returns all emails that were sent.
    pub(crate) async fn all_mails(&self) -> Vec<String> {
        flush(&self.site.accounts).await;
        let Ok(folder) = fs::read_dir(&self.outbox) else { return Vec::new() };
        let files = folder.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some());
        files
            .map(|path| {
                let text = fs::read_to_string(&path).unwrap();
                fs::remove_file(path).unwrap();
                text
            })
            .collect()
    }

    /// Removes and returns the only email that was sent, which must be to this address.
    pub(crate) async fn mail(&self, to: &str) -> String {
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].contains(&format!("\nTo: {to}\n")), "{}", mails[0]);
        mails.remove(0)
    }

    /// The browser of a user with a confirmed address.
    pub(crate) async fn ada(&self) -> Client {
        let mut ada = self.site.client();
        sign_up(&mut ada, "ada").await;
        set_email(&mut ada, ADDRESS).await;
        assert_eq!(confirm(&self.site, &token_of(&self.mail(ADDRESS).await)).await.status(), 200);
        assert_eq!(me(&mut ada).await["email_confirmed"], true);
        ada
    }

    /// Requests a reset link and returns its token.
    pub(crate) async fn reset_token(&self) -> String {
        assert_eq!(forgot(&self.site, ADDRESS).await.status(), 200);
        token_of(&self.mail(ADDRESS).await)
    }

    /// Forgets which emails were sent, so that no limit applies.
    pub(crate) async fn forget_sent(&self) {
        self.site.database.execute(Statement::new("DELETE FROM mail_sent")).await.unwrap();
    }

    async fn address(&self) -> (String, Option<i64>) {
        let sql = "SELECT email, email_confirmed_at FROM users WHERE username = 'ada'";
        self.site.database.fetch(Statement::new(sql)).await.unwrap().remove(0)
    }
}

/// The path and query of the link in an email.
pub(crate) fn link_of(mail: &str) -> String {
    let link = mail.lines().find_map(|line| line.strip_prefix("https://site.example"));
    link.unwrap_or_else(|| panic!("no link in {mail}")).to_owned()
}

pub(crate) fn token_of(mail: &str) -> String {
    link_of(mail).split_once("?token=").unwrap().1.to_owned()
}

pub(crate) async fn set_email(client: &mut Client, email: &str) {
    set_email_with(client, email, PASSWORD).await;
}

pub(crate) async fn set_email_with(client: &mut Client, email: &str, password: &str) {
    let request = client.post("/account/change_settings").accept_json().csrf();
    let body = json!({ "email": email, "current_password": password });
    assert_eq!(request.json(&body).send().await.status(), 200);
}

pub(crate) async fn me(client: &mut Client) -> Value {
    client.get("/account").accept_json().send().await.json()
}

pub(crate) async fn confirm(site: &RecordingSite, token: &str) -> Response {
    site.client().post("/email/confirm").accept_json().json(&json!({ "token": token })).send().await
}

pub(crate) async fn forgot(site: &RecordingSite, email: &str) -> Response {
    site.client().post("/password/forgot").accept_json().json(&json!({ "email": email })).send().await
}

pub(crate) async fn reset(site: &RecordingSite, token: &str, password: &str) -> Response {
    let body = json!({ "token": token, "new_password": password });
    site.client().post("/password/reset").accept_json().json(&body).send().await
}
