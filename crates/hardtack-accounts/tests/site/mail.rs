//! Email: confirming an address, and resetting a forgotten password.

use std::fs;
use std::path::PathBuf;

use hardtack_accounts::EmailAddress;
use hardtack_accounts::mail::Outbox;
use hardtack_db::Statement;
use hardtack_test_support::client::{Client, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::recording_site::{RecordingSite, kinds};
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";
const NEW: &str = "another password of hers";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s36_a_link_for_a_new_password_works_once_and_logs_everybody_out,
        s36_of_two_who_use_a_link_at_once_one_succeeds,
        s36_a_link_ends_after_an_hour_with_another_password_and_with_another_address,
        s56_nobody_learns_whose_an_address_is,
        s42_an_address_that_was_changed_meanwhile_is_not_confirmed,
        s36_a_disabled_user_gets_no_link_and_a_link_enables_nobody,
        s42_only_what_was_proven_is_confirmed,
        s76_a_new_address_needs_the_password_and_the_old_one_can_undo_it,
        s76_an_undone_address_cannot_be_undone_by_whoever_replaced_it,
        s76_the_link_of_a_later_change_leaves_the_link_of_an_earlier_one,
        s83_links_die_with_the_access_they_stand_for,
    }
}

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
        self.site.accounts.flush().await;
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

async fn s36_a_link_for_a_new_password_works_once_and_logs_everybody_out(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    // A copy of the database does not reveal a working token.
    let stored: Vec<(String,)> =
        mailing.site.database.fetch(Statement::new("SELECT token_hash FROM links")).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert!(!stored[0].0.contains(&token) && reset(&mailing.site, &stored[0].0, NEW).await.status() == 410);

    let refused = reset(&mailing.site, &token, "short").await;
    assert_eq!(refused.status(), 422, "the link still works");
    let done = reset(&mailing.site, &token, NEW).await;
    assert_eq!(done.status(), 200, "{}", done.text());
    // The response only makes the browser a known device.
    let set = done.set_cookies();
    let set: Vec<_> = set.iter().filter(|cookie| cookie.max_age != Some(0)).map(|cookie| &cookie.name).collect();
    assert!(set.iter().all(|name| name.ends_with("hardtack_device")), "the reset does not log in: {set:?}");
    assert_eq!(whoami(&mut ada).await, Err(401));
    assert_eq!(log_in(&mut mailing.site.client(), "ada", PASSWORD).await.status(), 401);
    let mut again = mailing.site.client();
    assert_eq!(log_in(&mut again, "ada", NEW).await.status(), 200);
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410);
    // The user is notified.
    assert!(mailing.mail(ADDRESS).await.contains("Subject: Your password was changed\n"));
    let kinds = kinds(&mut again).await;
    assert!(kinds.contains(&"reset_sent".to_owned()) && kinds.contains(&"password_reset".to_owned()), "{kinds:?}");
}

async fn s36_of_two_who_use_a_link_at_once_one_succeeds(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let token = mailing.reset_token().await;
    let (one, other) = tokio::join!(reset(&mailing.site, &token, NEW), reset(&mailing.site, &token, "of the other"));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
}

async fn s36_a_link_ends_after_an_hour_with_another_password_and_with_another_address(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(ada.post("/account/password").accept_json().csrf().json(&body).send().await.status(), 200);
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "another password");
    assert!(mailing.mail(ADDRESS).await.contains("Subject: Your password was changed\n"));

    let token = mailing.reset_token().await;
    set_email_with(&mut ada, "else@mail.example", NEW).await;
    assert_eq!(mailing.mails().await.len(), 2, "one to each address");
    mailing.forget_sent().await;
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "another address");
    set_email_with(&mut ada, ADDRESS, NEW).await;
    assert_eq!(confirm(&mailing.site, &token_of(&mailing.mail(ADDRESS).await)).await.status(), 200);

    let token = mailing.reset_token().await;
    mailing.site.clock.advance(minutes(60));
    assert_eq!(reset(&mailing.site, &token, "a third password").await.status(), 410, "an hour");
    // The change of the password has already deleted the first link.
    assert_eq!(mailing.site.accounts.prune_as_of(mailing.site.auth.now(), 100).await.unwrap(), 2);
    assert_eq!(log_in(&mut mailing.site.client(), "ada", NEW).await.status(), 200);
}

async fn s56_nobody_learns_whose_an_address_is(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let mut bob = mailing.site.client();
    sign_up(&mut bob, "bob").await;
    set_email(&mut bob, "bob@mail.example").await;
    mailing.mail("bob@mail.example").await;

    let known = forgot(&mailing.site, "Ada@MAIL.example").await;
    // Sent to the address as it was confirmed, not as it was entered.
    mailing.mail(ADDRESS).await;
    for unknown in ["nobody@mail.example", "bob@mail.example"] {
        let response = forgot(&mailing.site, unknown).await;
        assert_eq!((response.status(), response.text()), (known.status(), known.text()), "{unknown}");
        assert_eq!(response.headers().keys().collect::<Vec<_>>(), known.headers().keys().collect::<Vec<_>>());
        assert!(mailing.mails().await.is_empty(), "{unknown}: not confirmed");
    }
    // The site sends at most three links an hour. The response stays the same.
    for _ in 0..5 {
        assert_eq!(forgot(&mailing.site, ADDRESS).await.text(), known.text());
    }
    assert_eq!(mailing.mails().await.len(), 2);
    mailing.site.clock.advance(minutes(61));
    mailing.reset_token().await;
    for bad in ["", "nobody", "a@b\r\nBcc: c@d", "a@b,c@d"] {
        assert_eq!(forgot(&mailing.site, bad).await.status(), 422, "{bad:?}");
    }
    assert!(mailing.mails().await.is_empty());
}

async fn s36_a_disabled_user_gets_no_link_and_a_link_enables_nobody(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    mailing.ada().await;
    let token = mailing.reset_token().await;
    let disable = "UPDATE users SET disabled_at = 1 WHERE username = 'ada'";
    mailing.site.database.execute(Statement::new(disable)).await.unwrap();
    assert_eq!(reset(&mailing.site, &token, NEW).await.status(), 410);
    assert_eq!(forgot(&mailing.site, ADDRESS).await.status(), 200);
    assert!(mailing.mails().await.is_empty());
}

async fn s42_an_address_that_was_changed_meanwhile_is_not_confirmed(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.site.client();
    sign_up(&mut ada, "ada").await;
    for round in 0..8 {
        let (proven, other) = (format!("proven{round}@mail.example"), format!("other{round}@mail.example"));
        mailing.site.clock.advance(minutes(61));
        let body = json!({ "password": PASSWORD });
        assert_eq!(ada.post("/reauthenticate").accept_json().csrf().json(&body).send().await.status(), 200);
        set_email(&mut ada, &proven).await;
        let mails = mailing.mails().await;
        let mail = mails.iter().find(|mail| mail.contains(&format!("\nTo: {proven}\n"))).unwrap();
        let token = token_of(mail);
        // Confirm one address and set another concurrently. In either order, the other address is not confirmed.
        let (confirmed, ()) = tokio::join!(confirm(&mailing.site, &token), set_email(&mut ada, &other));
        assert!(matches!(confirmed.status().as_u16(), 200 | 410), "{}", confirmed.status());
        assert_eq!(mailing.address().await, (other, None));
        assert_eq!(confirm(&mailing.site, &token).await.status(), 410);
        mailing.mails().await;
    }
}

/// A thief with a copied cookie, even a fresh one, cannot take over the account.
async fn s76_a_new_address_needs_the_password_and_the_old_one_can_undo_it(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let (mut thief, evil) = (ada.clone(), "eve@mail.example");
    for (password, text) in [(None, "Enter your current password"), (Some("not it at all"), "That is not your")] {
        for address in [evil, ""] {
            let body = json!({ "email": address, "current_password": password });
            let refused = thief.post("/account/change_settings").accept_json().csrf().json(&body).send().await;
            assert_eq!(refused.status(), 403, "{address}: {}", refused.text());
            assert!(refused.json()["errors"]["current_password"].as_str().unwrap().starts_with(text));
        }
    }
    let page = open(&mut thief, "/account").await;
    let typed = [("display_name", "Eve"), ("email", evil)];
    let refused = submit(&mut thief, &page, "/account/change_settings", &typed).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(field(&refused, "/account/change_settings", "email"), evil, "what was typed is gone");
    assert_eq!(mailing.address().await.0, ADDRESS);
    assert_eq!(me(&mut ada).await["display_name"], "", "half of it was saved");
    assert!(mailing.mails().await.is_empty());
    // Other settings need no password, and keep an address that was changed in the meantime.
    let body = json!({ "display_name": "Ada", "email": ADDRESS });
    assert_eq!(ada.post("/account/change_settings").accept_json().csrf().json(&body).send().await.status(), 200);

    // Someone who knows the password replaces the address, confirms it, and resets the password.
    set_email(&mut thief, evil).await;
    let mails = mailing.mails().await;
    let to = |address: &str| mails.iter().find(|mail| mail.contains(&format!("\nTo: {address}\n"))).unwrap();
    let undo = link_of(to(ADDRESS));
    assert!(undo.starts_with("/email/undo?token="), "{undo}");
    assert_eq!(confirm(&mailing.site, &token_of(to(evil))).await.status(), 200);
    assert_eq!(forgot(&mailing.site, evil).await.status(), 200);
    assert_eq!(reset(&mailing.site, &token_of(&mailing.mail(evil).await), NEW).await.status(), 200);
    mailing.mails().await;
    let mut intruder = mailing.site.client();
    assert_eq!(log_in(&mut intruder, "ada", NEW).await.status(), 200);

    // Six days later, the owner of the old address restores it.
    mailing.site.clock.advance(minutes(6 * 24 * 60));
    assert_eq!(log_in(&mut intruder, "ada", NEW).await.status(), 200);
    let mut owner = mailing.site.client();
    let page = open(&mut owner, &undo).await;
    assert!(page.text().contains(ADDRESS) && page.text().contains("ada"), "{}", page.text());
    let done = submit(&mut owner, &page, "/email/undo", &[]).await;
    assert_eq!(done.location(), Some("/login?done=undo"), "{}", done.text());
    let (address, confirmed) = mailing.address().await;
    assert!(address == ADDRESS && confirmed.is_some());
    assert_eq!(whoami(&mut intruder).await, Err(401), "the session of whoever replaced it");
    assert_eq!(reset(&mailing.site, &mailing.reset_token().await, "the owner's password").await.status(), 200);
    assert_eq!(open(&mut owner, &undo).await.status(), 410, "it works once");
    let mut owner = mailing.site.client();
    assert_eq!(log_in(&mut owner, "ada", "the owner's password").await.status(), 200);
    assert!(kinds(&mut owner).await.contains(&"email_restored".to_owned()));

    // After a week, the link no longer works. An API client gets the error code.
    mailing.mails().await;
    let body = json!({ "email": evil, "current_password": "the owner's password" });
    assert_eq!(owner.post("/account/change_settings").accept_json().csrf().json(&body).send().await.status(), 200);
    let mails = mailing.mails().await;
    let undo = token_of(mails.iter().find(|mail| mail.contains("/email/undo?token=")).unwrap());
    mailing.site.clock.advance(minutes(7 * 24 * 60));
    let late = mailing.site.client().post("/email/undo").accept_json().json(&json!({ "token": undo })).send().await;
    assert_eq!((late.status().as_u16(), late.json()["code"].as_str()), (410, Some("link_dead")));
    assert_eq!(mailing.address().await.0, evil);
}

async fn s76_an_undone_address_cannot_be_undone_by_whoever_replaced_it(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let undos = replace_address_twice(&mailing, &mut ada).await;
    assert_eq!(undo(&mailing, &undos[0]).await, 200);
    assert_eq!(mailing.address().await.0, ADDRESS);
    assert_eq!(undo(&mailing, &undos[1]).await, 410, "the later link undid the undoing");
    assert_eq!(mailing.address().await.0, ADDRESS);
}

/// Disabling, an operator's log-out and a new password kill links, and enabling the user does not revive them.
async fn s83_links_die_with_the_access_they_stand_for(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let (site, accounts) = (&mailing.site, &mailing.site.accounts);
    let mut ada = mailing.ada().await;
    let mut bob = site.client();
    sign_up(&mut bob, "bob").await;
    for what in ["disable", "log-out", "password"] {
        site.clock.advance(minutes(61));
        assert_eq!(log_in(&mut ada, "ada", PASSWORD).await.status(), 200);
        assert_eq!(log_in(&mut bob, "bob", PASSWORD).await.status(), 200);
        let reset_ada = mailing.reset_token().await;
        set_email(&mut bob, &format!("bob.{what}@mail.example")).await;
        let confirm_bob = token_of(&mailing.mail(&format!("bob.{what}@mail.example")).await);
        for (name, client) in [("ada", &mut ada), ("bob", &mut bob)] {
            match what {
                "disable" => {
                    let (_, ended) = accounts.disable(name, site.auth.now()).await.unwrap().unwrap();
                    assert!(site.auth.finish_ending(ended).await);
                    assert_eq!(whoami(client).await, Err(401), "{what}");
                    accounts.enable(name, site.auth.now()).await.unwrap();
                }
                "log-out" => {
                    let (_, ended) = accounts.log_out(name, site.auth.now()).await.unwrap().unwrap();
                    assert!(site.auth.finish_ending(ended).await);
                    assert_eq!(whoami(client).await, Err(401), "{what}");
                }
                _ => {
                    // Setting the same password again counts as a change.
                    let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
                    let response = client.post("/account/password").accept_json().csrf().json(&body).send().await;
                    assert_eq!(response.status(), 200, "{}", response.text());
                }
            }
        }
        assert_eq!(reset(site, &reset_ada, NEW).await.status(), 410, "{what}");
        assert_eq!(confirm(site, &confirm_bob).await.status(), 410, "{what}");
    }
}

/// The reset form shows one user and cannot change another user's password, and neither can any other form.
#[tokio::test(flavor = "multi_thread")]
async fn s78_a_form_changes_only_the_user_it_was_opened_for() {
    let mailing = Mailing::start(false).await;
    mailing.ada().await;
    let mut eve = mailing.site.client();
    sign_up(&mut eve, "eve").await;
    set_email(&mut eve, "eve@mail.example").await;
    assert_eq!(confirm(&mailing.site, &token_of(&mailing.mail("eve@mail.example").await)).await.status(), 200);
    assert_eq!(forgot(&mailing.site, "eve@mail.example").await.status(), 200);
    let eves = link_of(&mailing.mail("eve@mail.example").await);
    let adas = format!("/password/reset?token={}", mailing.reset_token().await);

    // Ada has her form open, and another link is opened in the browser.
    let mut browser = mailing.site.client();
    let form = open(&mut browser, &adas).await;
    assert!(form.text().contains("ada"));
    let eves_form = open(&mut browser, &eves).await;
    let typed = [("new_password", NEW)];
    let refused = submit(&mut browser, &form, "/password/reset", &typed).await;
    assert_eq!(refused.status(), 403, "{}", refused.text());
    assert!(refused.text().contains("Nothing was changed."), "{}", refused.text());
    // The form is also refused without the field, and after the cookie has expired.
    let fields: Vec<_> =
        filled(&form, "/password/reset", &typed).into_iter().filter(|(name, _)| name != "link").collect();
    assert_eq!(browser.post("/password/reset").accept_html().form(&fields).send().await.status(), 403);
    let mut forgetful = browser.clone();
    forgetful.jar().remove("mail_link");
    assert_eq!(submit(&mut forgetful, &form, "/password/reset", &typed).await.status(), 403);
    for name in ["ada", "eve"] {
        assert_eq!(log_in(&mut mailing.site.client(), name, PASSWORD).await.status(), 200, "{name}");
    }
    // Each form works for its own link.
    assert_eq!(submit(&mut browser, &eves_form, "/password/reset", &typed).await.status(), 303);
    assert_eq!(log_in(&mut mailing.site.client(), "eve", NEW).await.status(), 200);
    let form = open(&mut browser, &adas).await;
    assert_eq!(submit(&mut browser, &form, "/password/reset", &typed).await.status(), 303);

    // A form that one user opened has no effect for the next user of the browser.
    let mut browser = mailing.site.client();
    assert_eq!(log_in(&mut browser, "ada", NEW).await.status(), 200);
    let (account, again) = (open(&mut browser, "/account").await, open(&mut browser, "/reauthenticate").await);
    assert_eq!(log_in(&mut browser, "eve", NEW).await.status(), 200);
    let passwords = [("current_password", NEW), ("new_password", "changed by a form of another")];
    assert_eq!(submit(&mut browser, &account, "/account/password", &passwords).await.status(), 403);
    assert_eq!(
        submit(&mut browser, &account, "/account/change_settings", &[("display_name", "x")]).await.status(),
        403
    );
    assert_eq!(submit(&mut browser, &again, "/reauthenticate", &[("password", NEW)]).await.status(), 403);
    assert_eq!(log_in(&mut browser, "eve", NEW).await.status(), 200, "nothing was changed");
}

#[derive(Clone, Debug)]
enum Step {
    /// Changes to one of three addresses.
    Change(usize),
    /// Redeems one of the links that were sent so far.
    Confirm(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![(0..3_usize).prop_map(Step::Change), (0..9_usize).prop_map(Step::Confirm)];
    prop::collection::vec(step, 1..12)
}

/// For any order of changes and confirmations: an address is confirmed only if a link that was sent to it was
/// redeemed while it was the user's address.
async fn s42_only_what_was_proven_is_confirmed(on_postgres: bool) {
    let runtime = tokio::runtime::Handle::current();
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.site.client();
    sign_up(&mut ada, "ada").await;
    // proptest is synchronous, so it runs on a thread that may block.
    tokio::task::spawn_blocking(move || histories(&runtime, &mailing, &ada)).await.unwrap();
}

fn histories(runtime: &tokio::runtime::Handle, mailing: &Mailing, ada: &Client) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 12, ..ProptestConfig::default() });
    runner
        .run(&steps(), |steps| {
            let mut ada = ada.clone();
            runtime.block_on(async {
                mailing.site.clock.advance(minutes(61));
                let body = json!({ "password": PASSWORD });
                let again = log_in(&mut ada, "ada", body["password"].as_str().unwrap()).await;
                assert_eq!(again.status(), 200);
                set_email(&mut ada, "").await;
                mailing.mails().await;
                let (mut sent, mut current, mut proven) = (Vec::<(String, String)>::new(), String::new(), false);
                for step in steps {
                    match step {
                        Step::Change(number) => {
                            let address = format!("a{number}@mail.example");
                            set_email(&mut ada, &address).await;
                            proven &= current == address;
                            current = address;
                            for mail in
                                mailing.mails().await.iter().filter(|mail| mail.contains("/email/confirm?token="))
                            {
                                sent.push((current.clone(), token_of(mail)));
                            }
                        }
                        Step::Confirm(number) if number < sent.len() => {
                            let (address, token) = sent.swap_remove(number);
                            let status = confirm(&mailing.site, &token).await.status().as_u16();
                            assert_eq!(status, if address == current { 200 } else { 410 });
                            proven |= address == current;
                        }
                        Step::Confirm(_) => {}
                    }
                    let (address, confirmed) = mailing.address().await;
                    assert_eq!((address, confirmed.is_some()), (current.clone(), proven));
                }
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_work_in_a_browser() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.site.client();
    sign_up(&mut ada, "ada").await;
    let page = open(&mut ada, "/account").await;
    let typed = [("email", ADDRESS), ("current_password", PASSWORD)];
    let saved = submit(&mut ada, &page, "/account/change_settings", &typed).await;
    assert_eq!(saved.header("location"), Some("/account?done=settings"));
    let page = open(&mut ada, "/account").await;
    assert!(page.text().contains("is not confirmed yet"));
    mailing.mail(ADDRESS).await;
    let sent = submit(&mut ada, &page, "/account/email/send", &[]).await;
    assert_eq!(sent.header("location"), Some("/account?done=letter"));

    let link = link_of(&mailing.mail(ADDRESS).await);
    let mut phone = mailing.site.client();
    let first = phone.get(&link).accept_html().send().await;
    assert_eq!((first.status().as_u16(), first.header("location")), (303, Some("/email/confirm")));
    assert_eq!(first.header("referrer-policy"), Some("no-referrer"));
    let kept = first.set_cookie("mail_link").unwrap();
    assert!(kept.http_only && kept.path == "/email/confirm" && kept.max_age == Some(600), "{}", kept.raw);
    let page = open(&mut phone, "/email/confirm").await;
    assert!(page.text().contains("ada") && !page.text().contains(link.split_once('=').unwrap().1));
    let done = submit(&mut phone, &page, "/email/confirm", &[]).await;
    assert_eq!(done.header("location"), Some("/?done=email"));
    assert!(!open(&mut ada, "/account").await.text().contains("is not confirmed yet"));
    assert_eq!(open(&mut phone, "/email/confirm").await.status(), 410);

    let page = open(&mut phone, "/password/forgot").await;
    let wrong = submit(&mut phone, &page, "/password/forgot", &[("email", "nobody")]).await;
    assert_eq!(wrong.status(), 422);
    let asked = submit(&mut phone, &wrong, "/password/forgot", &[("email", ADDRESS)]).await;
    assert_eq!(asked.header("location"), Some("/password/forgot?done=1"));
    let link = link_of(&mailing.mail(ADDRESS).await);
    let page = open(&mut phone, &link).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    let wrong = submit(&mut phone, &page, "/password/reset", &[("new_password", "short")]).await;
    assert_eq!(wrong.status(), 422);
    let done = submit(&mut phone, &wrong, "/password/reset", &[("new_password", NEW)]).await;
    assert_eq!(done.header("location"), Some("/login?done=reset"));
    assert_eq!(log_in(&mut phone, "ada", NEW).await.status(), 200);
    assert_eq!(open(&mut phone, "/password/reset").await.status(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn s48_the_forms_of_other_sites_do_nothing() {
    let mailing = Mailing::start(false).await;
    let mut ada = mailing.ada().await;
    let token = mailing.reset_token().await;
    for path in ["/password/forgot", "/password/reset", "/email/confirm", "/account/email/send"] {
        let fields = [("email".to_owned(), ADDRESS.to_owned()), ("token".to_owned(), token.clone())];
        let request = ada.post(path).accept_html().form(&fields);
        assert_eq!(request.header("sec-fetch-site", "cross-site").send().await.status(), 403, "{path}");
        assert_eq!(ada.post(path).accept_html().form(&fields).send().await.status(), 403, "{path}: without a token");
    }
    assert!(mailing.mails().await.is_empty());
    // If there are two cookies with the same name, an attacker may have set one of them.
    let cookie = format!("mail_link={token}; mail_link={token}");
    let page = mailing.site.client().get("/password/reset").accept_html().raw_cookie_header(&cookie).send().await;
    assert_eq!(page.status(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_send_email_says_so() {
    let site = TestSite::start(Options::default()).await;
    let page = open(&mut site.client(), "/password/forgot").await;
    assert!(page.text().contains("This site does not send email"));
    assert!(page.text().contains("ask the administrator for a reset link"), "{}", page.text());
    let asked = site.client().post("/password/forgot").accept_json().json(&json!({ "email": ADDRESS })).send().await;
    assert_eq!((asked.status().as_u16(), asked.json()["code"].as_str()), (501, Some("no_mail")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let mailing = Mailing::start(false).await;
    mailing.ada().await;
    forgot(&mailing.site, ADDRESS).await;
    mailing.site.accounts.flush().await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&mailing.outbox), 0o700);
    let file = fs::read_dir(&mailing.outbox).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
}

/// The address is replaced twice within one second. Undoing the second change does not prevent undoing the first.
async fn s76_the_link_of_a_later_change_leaves_the_link_of_an_earlier_one(on_postgres: bool) {
    let mailing = Mailing::start(on_postgres).await;
    let mut ada = mailing.ada().await;
    let undos = replace_address_twice(&mailing, &mut ada).await;
    assert_eq!(undo(&mailing, &undos[1]).await, 200);
    assert_eq!(mailing.address().await.0, "eve@mail.example");
    assert_eq!(undo(&mailing, &undos[0]).await, 200);
    assert_eq!(mailing.address().await.0, ADDRESS);
}

/// Returns the tokens of the links that undo the two changes. The second mail goes to the first foreign address.
async fn replace_address_twice(mailing: &Mailing, ada: &mut Client) -> Vec<String> {
    let mut undos = Vec::new();
    for address in ["eve@mail.example", "mallory@mail.example"] {
        set_email(ada, address).await;
        let mails = mailing.mails().await;
        undos.push(token_of(mails.iter().find(|mail| mail.contains("/email/undo?token=")).unwrap()));
        let confirmation = mails.iter().find(|mail| mail.contains("/email/confirm?token=")).unwrap();
        assert_eq!(confirm(&mailing.site, &token_of(confirmation)).await.status(), 200);
    }
    undos
}

async fn undo(mailing: &Mailing, token: &str) -> u16 {
    let mut client = mailing.site.client();
    client.post("/email/undo").accept_json().json(&json!({ "token": token })).send().await.status().as_u16()
}
