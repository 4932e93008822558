//! Emails that follow a stored change: they are queued with the change, and sent whatever happens to the mailer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hardtack_accounts::mail::{Mail, MailError, Mailer};
use hardtack_accounts::{Accounts, EmailAddress};
use hardtack_db::Statement;
use hardtack_test_support::client::Client;
use hardtack_test_support::wait;
use serde_json::json;

use crate::mail::{confirm, set_email, token_of};
use crate::recording_site::RecordingSite;
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";
const EVIL: &str = "eve@mail.example";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s76_e01_the_link_of_a_message_whose_delivery_was_not_confirmed_works,
        s76_e01_letters_of_a_stored_change_survive_a_failing_mailer,
        s76_e01_two_servers_send_a_letter_once,
        s76_e01_an_undo_also_withdraws_links_that_are_not_sent_yet,
        s83_a_queued_warning_loses_its_link_when_an_operator_ends_access,
        s83_a_change_just_after_a_log_out_is_refused,
    }
}

/// A mailer that keeps messages. It can be broken or out of order, and it can hang at confirmations or at
/// some mailboxes.
#[derive(Clone, Default)]
pub(crate) struct TestMailer {
    sent: Arc<Mutex<Vec<Mail>>>,
    is_broken: Arc<AtomicBool>,
    pub(crate) is_out_of_order: Arc<AtomicBool>,
    /// Whether messages are delivered, but their delivery is not confirmed.
    confirms_nothing: Arc<AtomicBool>,
    pub(crate) hangs_at_confirmations: Arc<AtomicBool>,
    /// Whether messages to mailboxes at `gone.example` fail.
    pub(crate) is_gone: Arc<AtomicBool>,
    /// Whether messages to mailboxes at `slow.example` hang.
    pub(crate) is_slow: Arc<AtomicBool>,
    /// The number of messages that hung and were given up.
    given_up: Arc<AtomicUsize>,
    /// How many messages to `refused.example` were refused for good.
    pub(crate) refused: Arc<AtomicUsize>,
}

/// A message that hangs. When the message is given up, it is counted.
struct Hanging(Arc<AtomicUsize>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Mailer for TestMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let hangs = self.hangs_at_confirmations.load(Ordering::SeqCst) && mail.subject().starts_with("Confirm");
        let is_slow = self.is_slow.load(Ordering::SeqCst) && mail.to().as_str().ends_with("slow.example");
        if hangs || is_slow {
            let _hanging = Hanging(Arc::clone(&self.given_up));
            std::future::pending::<()>().await;
        }
        // Gives other tasks a chance to send the same message.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let is_lost = self.is_gone.load(Ordering::SeqCst) && mail.to().as_str().ends_with("gone.example");
        if is_lost || self.is_broken.load(Ordering::SeqCst) {
            return Err(MailError::new("broken, as a test"));
        }
        if mail.to().as_str().ends_with(".refused.example") {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(MailError::refused("no such mailbox, as a test"));
        }
        if self.is_out_of_order.load(Ordering::SeqCst) {
            return Err(MailError::outage("out of order, as a test"));
        }
        self.sent.lock().unwrap().push(mail.clone());
        match self.confirms_nothing.load(Ordering::SeqCst) {
            true => Err(MailError::new("took too long, as a test")),
            false => Ok(()),
        }
    }
}

impl TestMailer {
    pub(crate) fn set_up(&self, accounts: Accounts) -> Accounts {
        accounts.with_mail(EmailAddress::parse("noreply@site.example").unwrap(), "https://site.example", self.clone())
    }

    fn break_down(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
    }

    fn repair(&self) {
        self.is_broken.store(false, Ordering::SeqCst);
    }

    /// Waits for messages, and removes and returns them.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<(String, String)> {
        let what = || format!("{count} messages: {:?}", self.sent.lock().unwrap());
        wait::until_some(what, async || (self.sent.lock().unwrap().len() >= count).then_some(())).await;
        self.take()
    }

    /// Asserts that no message that hangs has been given up. Messages that have been sent thus did not wait for
    /// messages that hang.
    pub(crate) fn assert_still_hanging(&self) {
        assert_eq!(self.given_up.load(Ordering::SeqCst), 0, "messages were sent only after those that hang");
    }

    /// Removes and returns the messages, each with its recipient.
    pub(crate) fn take(&self) -> Vec<(String, String)> {
        let mails = std::mem::take(&mut *self.sent.lock().unwrap());
        mails.iter().map(|mail| (mail.to().as_str().to_owned(), mail.to_string())).collect()
    }
}

pub(crate) async fn start(on_postgres: bool) -> (RecordingSite, TestMailer) {
    let mailer = TestMailer::default();
    (RecordingSite::with(on_postgres, |accounts| mailer.set_up(accounts)).await, mailer)
}

/// The browser of a user with a confirmed address.
pub(crate) async fn ada(site: &RecordingSite, mailer: &TestMailer) -> Client {
    let mut ada = site.client();
    sign_up(&mut ada, "ada").await;
    set_email(&mut ada, ADDRESS).await;
    confirm_latest(site, mailer).await;
    ada
}

/// Opens the only confirmation link that was sent, and returns the other messages.
async fn confirm_latest(site: &RecordingSite, mailer: &TestMailer) -> Vec<(String, String)> {
    flush(&site.accounts).await;
    let (confirmations, others): (Vec<_>, Vec<_>) =
        mailer.take().into_iter().partition(|(_, text)| text.contains("/email/confirm?token="));
    assert_eq!(confirmations.len(), 1, "{confirmations:?}");
    assert_eq!(confirm(site, &token_of(&confirmations[0].1)).await.status(), 200);
    others
}

pub(crate) async fn count(site: &RecordingSite, table_and_condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table_and_condition}");
    let rows: Vec<(i64,)> = site.database.fetch(Statement::new(sqlx::AssertSqlSafe(sql))).await.unwrap();
    rows[0].0
}

/// Waits until at least `number` jobs meet the condition.
pub(crate) async fn wait_for_jobs(site: &RecordingSite, condition: &str, number: i64) {
    let jobs = format!("mail_jobs WHERE {condition}");
    wait::until(condition, async || count(site, &jobs).await >= number).await;
}

/// Waits until no job is left. A job is removed from the table a moment after its email was sent.
pub(crate) async fn wait_until_done(site: &RecordingSite) {
    wait::until("no job is left", async || count(site, "mail_jobs").await == 0).await;
}

/// Ends the pauses of jobs that have failed, and waits until they were tried again.
pub(crate) async fn try_again(site: &RecordingSite) {
    site.database.execute(Statement::new("UPDATE mail_jobs SET claimed_at = 0, pause = 0")).await.unwrap();
    flush(&site.accounts).await;
}

async fn undo(site: &RecordingSite, token: &str) -> u16 {
    let mut client = site.client();
    client.post("/email/undo").accept_json().json(&json!({ "token": token })).send().await.status().as_u16()
}

async fn s76_e01_letters_of_a_stored_change_survive_a_failing_mailer(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut thief = ada(&site, &mailer).await;
    wait_until_done(&site).await;
    mailer.break_down();
    set_email(&mut thief, EVIL).await;
    flush(&site.accounts).await;
    for _ in 0..5 {
        try_again(&site).await;
    }
    assert_eq!(count(&site, "mail_jobs WHERE failures >= 5").await, 2);
    // A message might have been delivered although the mailer failed, so its link is kept.
    assert!(count(&site, "links WHERE purpose = 'undo_email'").await >= 5);
    mailer.repair();
    flush(&site.accounts).await;
    assert!(mailer.take().is_empty(), "no pause after a failure");

    try_again(&site).await;
    let mails = mailer.take();
    let mut recipients: Vec<_> = mails.iter().map(|(to, _)| to.as_str()).collect();
    recipients.sort_unstable();
    assert_eq!(recipients, [ADDRESS, EVIL]);
    wait_until_done(&site).await;
    let letter = &mails.iter().find(|(to, _)| to == ADDRESS).unwrap().1;
    assert_eq!(undo(&site, &token_of(letter)).await, 200);

    // After a day, the queue discards the email.
    assert_eq!(log_in(&mut thief, "ada", PASSWORD).await.status(), 200);
    mailer.break_down();
    set_email(&mut thief, EVIL).await;
    flush(&site.accounts).await;
    let old = "UPDATE mail_jobs SET failures = 29, created_at = created_at - 90000";
    site.database.execute(Statement::new(old)).await.unwrap();
    try_again(&site).await;
    wait_until_done(&site).await;
}

/// The mail server has accepted a message, but its reply came too late.
async fn s76_e01_the_link_of_a_message_whose_delivery_was_not_confirmed_works(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut thief = ada(&site, &mailer).await;
    wait_until_done(&site).await;
    mailer.confirms_nothing.store(true, Ordering::SeqCst);
    set_email(&mut thief, EVIL).await;
    flush(&site.accounts).await;
    let mails = mailer.take();
    let letter = &mails.iter().find(|(to, _)| to == ADDRESS).unwrap().1;
    assert_eq!(undo(&site, &token_of(letter)).await, 200);

    // If the mail server is out of order, nothing was delivered, and the link is deleted.
    mailer.confirms_nothing.store(false, Ordering::SeqCst);
    mailer.is_out_of_order.store(true, Ordering::SeqCst);
    assert_eq!(log_in(&mut thief, "ada", PASSWORD).await.status(), 200);
    set_email(&mut thief, EVIL).await;
    flush(&site.accounts).await;
    assert_eq!(count(&site, "links").await, 0);
}

async fn s76_e01_two_servers_send_a_letter_once(on_postgres: bool) {
    let (mailer, mut other) = (TestMailer::default(), None);
    let set_up = |accounts: Accounts| {
        // A second queue on the same database stands for another process.
        other = Some(mailer.set_up(accounts.clone()));
        mailer.set_up(accounts)
    };
    let site = RecordingSite::with(on_postgres, set_up).await;
    let other = other.unwrap();
    sign_up(&mut site.client(), "ada").await;
    let letters = 12;
    for number in 0..letters {
        let sql = "INSERT INTO mail_jobs (kind, rank, user_id, username, address, email_version, requested_at) \
                   SELECT 'password_set', 0, id, username, $1, 0, 0 FROM users";
        site.database.execute(Statement::new(sql).bind(format!("a{number}@mail.example"))).await.unwrap();
        if number % 4 == 3 {
            tokio::join!(flush(&site.accounts), flush(&other));
        }
    }
    let mut recipients: Vec<_> = mailer.take().into_iter().map(|(to, _)| to).collect();
    assert_eq!(recipients.len(), letters, "{recipients:?}");
    recipients.sort_unstable();
    recipients.dedup();
    assert_eq!(recipients.len(), letters, "sent twice: {recipients:?}");
    // If one queue has claimed a job but not sent its email, the other queue sends it after the claim has expired.
    let sql = "INSERT INTO mail_jobs (kind, rank, user_id, username, address, email_version, requested_at, attempts, \
               created_at, claimed_at, pause) SELECT 'password_set', 0, id, username, $1, 0, 0, 1, created_at, \
               created_at - $2, 600 FROM users";
    for (age, sent) in [(14_000, true), (0, false)] {
        let statement = Statement::new(sql).bind(ADDRESS).bind(i64::from(age));
        site.database.execute(statement).await.unwrap();
        flush(&other).await;
        assert_eq!(mailer.take().len(), usize::from(sent), "claimed {age} s ago");
    }
}

/// Otherwise, the person who replaced the address could replace it again with the link of a letter that was late.
async fn s76_e01_an_undo_also_withdraws_links_that_are_not_sent_yet(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut thief = ada(&site, &mailer).await;
    set_email(&mut thief, EVIL).await;
    let letters = confirm_latest(&site, &mailer).await;
    mailer.break_down();
    set_email(&mut thief, "mallory@mail.example").await;
    flush(&site.accounts).await;
    assert_eq!(count(&site, "mail_jobs").await, 2);
    assert_eq!(undo(&site, &token_of(&letters[0].1)).await, 200);
    assert_eq!(count(&site, "mail_jobs").await, 0);
    mailer.repair();
    try_again(&site).await;
    assert!(mailer.take().is_empty());

    // A queued confirmation link is withdrawn together with the links that were already sent.
    assert_eq!(log_in(&mut thief, "ada", PASSWORD).await.status(), 200);
    mailer.break_down();
    set_email(&mut thief, EVIL).await;
    flush(&site.accounts).await;
    let (_, ended) = site.accounts.log_out("ada", site.auth.now()).await.unwrap().unwrap();
    assert!(site.auth.finish_ending(ended).await);
    mailer.repair();
    let mails = mailer.wait_for(1).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(!mails[0].1.contains("/email/undo?token="), "the warning is still sent, but without its link");
}

/// The former address may belong to a thief, whether or not the warning has been sent before the operator acts.
async fn s83_a_queued_warning_loses_its_link_when_an_operator_ends_access(on_postgres: bool) {
    for command in ["log-out", "disable", "reset-link"] {
        let (site, mailer) = start(on_postgres).await;
        let (accounts, now) = (&site.accounts, site.auth.now());
        let mut owner = ada(&site, &mailer).await;
        mailer.break_down();
        set_email(&mut owner, "good@mail.example").await;
        flush(accounts).await;
        match command {
            "log-out" => drop(accounts.log_out("ada", now).await.unwrap().unwrap()),
            "disable" => drop(accounts.disable("ada", now).await.unwrap().unwrap()),
            _ => {
                let link = accounts.reset_link("ada", now).await.unwrap().url("");
                let token = link.rsplit_once("?token=").unwrap().1;
                let body = json!({ "token": token, "new_password": "another password of hers" });
                let response = site.client().post("/password/reset").accept_json().json(&body).send().await;
                assert_eq!(response.status(), 200, "{}", response.text());
            }
        }
        accounts.enable("ada", now).await.unwrap();
        mailer.repair();
        try_again(&site).await;
        let mails = mailer.take();
        let (_, warning) = mails.iter().find(|(to, _)| to == ADDRESS).unwrap();
        assert!(warning.contains("Subject: Your email address was changed"), "{command}: {warning}");
        assert!(warning.contains("If this was not you, contact the site's administrators."), "{command}: {warning}");
        assert!(!warning.contains("token="), "{command}: {warning}");
        assert_eq!(count(&site, "links WHERE purpose = 'undo_email'").await, 0, "{command}");
    }
}

/// An operator logs out a thief, and the server has not learned of the log-out yet. The thief then tries to change the
/// email address and the password. If the server changed the address, it would send a link that restores the address.
/// The server must refuse the two changes.
async fn s83_a_change_just_after_a_log_out_is_refused(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut thief = ada(&site, &mailer).await;
    let (_, ended) = site.accounts.log_out("ada", site.auth.now()).await.unwrap().unwrap();
    let body = json!({ "email": EVIL, "current_password": PASSWORD });
    let change = thief.clone().post("/account/change_settings").accept_json().csrf().json(&body).send().await;
    assert_eq!(change.status(), 401, "{}", change.text());
    let body = json!({ "current_password": PASSWORD, "new_password": "another password of his" });
    let change = thief.post("/account/password").accept_json().csrf().json(&body).send().await;
    assert_eq!(change.status(), 401, "{}", change.text());
    flush(&site.accounts).await;
    assert!(mailer.take().is_empty());
    assert_eq!(count(&site, "users WHERE email = 'ada@mail.example'").await, 1);
    assert!(site.auth.finish_ending(ended).await);
    // After the next log-in, changes are possible again.
    let mut owner = site.client();
    assert_eq!(log_in(&mut owner, "ada", PASSWORD).await.status(), 200);
    set_email(&mut owner, "good@mail.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s76_e01_a_warning_does_not_wait_for_other_letters() {
    let (site, mailer) = start(false).await;
    let mut thief = ada(&site, &mailer).await;
    mailer.hangs_at_confirmations.store(true, Ordering::SeqCst);
    for name in ["bob", "carol", "dave", "eve", "frank", "grace", "mallory"] {
        let body = json!({ "username": name, "email": format!("{name}@mail.example"), "password": PASSWORD });
        let response = site.client().post("/signup").accept_json().json(&body).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
    }
    set_email(&mut thief, EVIL).await;
    let mails = mailer.wait_for(1).await;
    assert_eq!((mails.len(), mails[0].0.as_str()), (1, ADDRESS));
}
