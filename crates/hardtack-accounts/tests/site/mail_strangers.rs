//! Emails that strangers cause: they hold back and delay no email to the owner of an account, and reveal nothing.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hardtack_db::Statement;
use serde_json::json;
use tokio::task::JoinSet;

use crate::mail::{forgot, set_email_with};
use crate::mail_limits::{ask_for_strangers, change_password, sign_up_confirmed, sign_up_from};
use crate::mail_queue::{ada, count, start, try_again, wait_for_jobs, wait_until_done};
use crate::support::*;

const ADDRESS: &str = "ada@mail.example";

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        l3_s77_new_devices_cause_one_email_an_hour_and_hold_back_no_other,
        l3_s77_confirmations_that_strangers_cause_hold_back_no_reset_link,
        s56_sending_again_does_not_tell_which_addresses_have_accounts,
        s55_a_request_for_an_unknown_address_causes_the_same_work,
    }
}

/// A thief who knows the password logs in with many devices to keep other emails from the owner.
async fn l3_s77_new_devices_cause_one_email_an_hour_and_hold_back_no_other(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut owner = ada(&site, &mailer).await;
    let typed = json!({ "username": "ada", "password": PASSWORD });
    for number in 0..14 {
        let from = format!("198.51.100.{number}");
        let mut thief = site.client();
        let request = thief.post("/login").accept_json().header("x-forwarded-for", &from);
        let response = request.header("user-agent", "curl/8.14.1").json(&typed).send().await;
        assert_eq!(response.status(), 200, "{}", response.text());
        if number == 0 {
            let letters = mailer.wait_for(1).await;
            assert!(letters[0].1.contains("Subject: New device logged in\n"), "{}", letters[0].1);
        }
    }
    flush(&site.accounts).await;
    assert!(mailer.take().is_empty(), "one an hour");
    forgot(&site, ADDRESS).await;
    assert!(mailer.wait_for(1).await[0].1.contains("/password/reset?token="));
    let mut old = PASSWORD.to_owned();
    for number in 0..5 {
        let new = format!("another password of hers {number}");
        change_password(&mut owner, &old, &new).await;
        let letters = mailer.wait_for(1).await;
        assert!(letters[0].1.contains("Subject: Your password was changed\n"), "{}", letters[0].1);
        old = new;
    }
    set_email_with(&mut owner, "new@mail.example", &old).await;
    let letters = mailer.wait_for(2).await;
    assert!(letters.iter().any(|(to, text)| to == ADDRESS && text.contains("/email/undo?token=")), "{letters:?}");
    flush(&site.accounts).await;
    assert_eq!(count(&site, "mail_jobs").await, 1, "the warning about the other devices");

    // An hour later, one email lists them.
    site.database.execute(Statement::new("UPDATE mail_sent SET at = at - 3700")).await.unwrap();
    try_again(&site).await;
    let letters = mailer.take();
    let [(to, text)] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!(to, ADDRESS);
    assert!(text.contains("from new devices:"), "{text}");
    for line in ["\ncurl, address 198.51.100.1, on ", "\ncurl, address 198.51.100.9, on "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("\nand from other devices\n"), "{text}");
    wait_until_done(&site).await;
}

/// Many providers deliver mail for `ada+1@…` to `ada@…`.
async fn l3_s77_confirmations_that_strangers_cause_hold_back_no_reset_link(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    ada(&site, &mailer).await;
    let spellings = [
        "ada+1@mail.example",
        "Ada+2@MAIL.example",
        "ada@ｍａｉｌ.example",
        "ada@mail。example",
        "ada@mail．example",
        "ada+3@ma\u{ad}il.example",
        "ADA+4@mail.example",
        "ada@mail.exam\u{200b}ple",
    ];
    for (number, address) in spellings.into_iter().enumerate() {
        let from = format!("198.51.100.{number}");
        let body = json!({ "username": format!("eve{number}"), "email": address, "password": PASSWORD });
        let mut client = site.client();
        let request = client.post("/signup").accept_json().header("x-forwarded-for", &from).json(&body);
        let response = request.send().await;
        assert!([200, 422].contains(&response.status().as_u16()), "{}", response.text());
    }
    flush(&site.accounts).await;
    let letters = mailer.take();
    assert_eq!(letters.len(), 3, "with that of the account, four: {letters:?}");
    for _ in 0..3 {
        forgot(&site, ADDRESS).await;
        assert!(mailer.wait_for(1).await[0].1.contains("/password/reset?token="));
    }
}

/// A stranger enters an address in an account, and has the confirmation sent again.
async fn s56_sending_again_does_not_tell_which_addresses_have_accounts(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut owner = ada(&site, &mailer).await;
    // Many emails have been sent to the owner.
    for number in 0..3 {
        forgot(&site, ADDRESS).await;
        mailer.wait_for(1).await;
        sign_up_from(site.client(), &format!("203.0.113.{number}"), &format!("bob{number}"), ADDRESS).await;
        mailer.wait_for(1).await;
    }
    change_password(&mut owner, PASSWORD, "another password of hers").await;
    mailer.wait_for(1).await;
    let mut seen = Vec::new();
    for (number, address) in [ADDRESS, "nobody@mail.example"].into_iter().enumerate() {
        let from = format!("198.51.100.{number}");
        let mut eve = sign_up_from(site.client(), &from, &format!("eve{number}"), address).await;
        let mut replies = Vec::new();
        for _ in 0..4 {
            flush(&site.accounts).await;
            let request = eve.post("/account/email/send").accept_json().csrf().header("x-forwarded-for", &from);
            let response = request.send().await;
            let text = response.text().replace(address, "…").replace("in 61 minutes", "in 60 minutes");
            replies.push((response.status().as_u16(), response.header("retry-after").is_some(), text));
            let page = open(&mut eve, "/").await;
            assert!(page.text().contains(&format!("{address} is not confirmed yet.")), "{}", page.text());
        }
        assert_eq!((replies[0].0, replies[1].0, replies[2].0), (200, 200, 429), "{replies:?}");
        seen.push(replies);
    }
    assert_eq!(seen[0], seen[1]);
    let letters = mailer.take();
    assert!(letters.iter().all(|(to, _)| to != ADDRESS), "{letters:?}");
    assert_eq!(letters.len(), 3);
}

/// Without this work, the duration of a later response would reveal whether the address belongs to a user.
async fn s55_a_request_for_an_unknown_address_causes_the_same_work(on_postgres: bool) {
    let (site, mailer) = start(on_postgres).await;
    let mut owner = ada(&site, &mailer).await;
    mailer.is_out_of_order.store(true, Ordering::SeqCst);
    change_password(&mut owner, PASSWORD, "another password of hers").await;
    flush(&site.accounts).await;
    // During the outage, the queued jobs stay in the table.
    for (address, user) in [(ADDRESS, "user_id <> ''"), ("nobody@mail.example", "user_id = ''")] {
        let queued = format!("mail_jobs WHERE kind = 'reset_password' AND {user}");
        let before = count(&site, &queued).await;
        let since = Instant::now();
        forgot(&site, address).await;
        let at_once = count(&site, &queued).await;
        // The shortest delay is half a second. A busy machine may take as long to respond.
        assert!(at_once == before || since.elapsed() >= Duration::from_millis(500), "not at once");
        site.database.execute(Statement::new("UPDATE mail_jobs SET claimed_at = 0, pause = 0")).await.unwrap();
        flush(&site.accounts).await;
        let jobs = count(&site, &queued).await;
        let handled = count(&site, "mail_jobs").await;
        assert!(jobs == before + 1 || (user.ends_with("= ''") && handled > 0), "{address}: {jobs}");
    }
    mailer.is_out_of_order.store(false, Ordering::SeqCst);
    let letters = mailer.wait_for(2).await;
    assert!(letters.iter().all(|(to, _)| to == ADDRESS), "{letters:?}");
    // Jobs for which no email is sent do not stay in the table.
    try_again(&site).await;
    wait_until_done(&site).await;
    assert_eq!(count(&site, "mail_sent").await, 3);
    // They do not stay there either when the limit is reached.
    for _ in 0..5 {
        forgot(&site, ADDRESS).await;
    }
    try_again(&site).await;
    mailer.wait_for(2).await;
    wait_until_done(&site).await;
}

/// Sixteen networks sign up with mailboxes that a mail server refuses, or that are full. Neither counts as an outage.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_mailboxes_of_strangers_delay_nobody_else() {
    for domain in ["refused.example", "gone.example"] {
        let (site, mailer) = start(false).await;
        ada(&site, &mailer).await;
        mailer.is_gone.store(true, Ordering::SeqCst);
        let mut strangers = JoinSet::new();
        for number in 0..16 {
            let client = site.client();
            strangers.spawn(async move {
                let (from, name) = (format!("198.51.100.{number}"), format!("stranger{number}"));
                let mut client = sign_up_from(client, &from, &name, &format!("{name}@{number}.{domain}")).await;
                for _ in 0..2 {
                    client.post("/account/email/send").accept_json().csrf().send().await;
                }
            });
        }
        while let Some(done) = strangers.join_next().await {
            done.unwrap();
        }
        flush(&site.accounts).await;
        let since = Instant::now();
        forgot(&site, ADDRESS).await;
        assert_eq!(mailer.wait_for(1).await[0].0, ADDRESS);
        sign_up_from(site.client(), "192.0.2.7", "bob", "bob@mail.example").await;
        assert_eq!(mailer.wait_for(1).await[0].0, "bob@mail.example");
        assert!(since.elapsed() < minutes(1), "{:?}", since.elapsed());
        flush(&site.accounts).await;
        if domain == "refused.example" {
            wait_until_done(&site).await; // given up
            assert!(mailer.refused.load(Ordering::SeqCst) >= 16);
        } else {
            assert!(count(&site, "mail_jobs").await >= 16, "sent again later");
        }
    }
}

/// One network requests reset links to mailboxes of its own that hang, and then more links than one query reads.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_reset_links_of_one_network_delay_no_confirmation_of_others() {
    let (site, mailer) = start(false).await;
    let address = "eve@slow.example";
    sign_up_confirmed((&site, &mailer), "198.51.100.1", "eve", address).await;
    mailer.is_slow.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        forgot(&site, address).await;
    }
    wait_for_jobs(&site, "attempts > 0", 3).await;
    let mut strangers = ask_for_strangers(&site);
    while let Some(done) = strangers.join_next().await {
        done.unwrap();
    }
    wait_for_jobs(&site, "user_id = '' AND attempts = 0", 220).await;
    let since = Instant::now();
    sign_up_from(site.client(), "192.0.2.7", "bob", "bob@mail.example").await;
    assert_eq!(mailer.wait_for(1).await[0].0, "bob@mail.example");
    assert!(since.elapsed() < minutes(1), "{:?}", since.elapsed());
}

/// A thief has accounts whose mailboxes hang, and causes warnings to them. Then the thief takes over an account.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_warnings_to_mailboxes_of_a_thief_delay_no_warning_to_the_owner() {
    let (site, mailer) = start(false).await;
    let mut thief = ada(&site, &mailer).await;
    let mut own = Vec::new();
    for number in 0..8 {
        // The addresses are at several domains.
        let (name, address) = (format!("eve{number}"), format!("eve{number}@{}.slow.example", number % 4));
        own.push(sign_up_confirmed((&site, &mailer), "198.51.100.1", &name, &address).await);
    }
    mailer.is_slow.store(true, Ordering::SeqCst);
    // All of these users change their passwords from the same network.
    for client in &mut own {
        change_password(client, PASSWORD, "another password of theirs").await;
    }
    wait_for_jobs(&site, "attempts > 0", 6).await;
    change_password(&mut thief, PASSWORD, "another password of hers").await;
    let letters = mailer.wait_for(1).await;
    assert_eq!(letters[0].0, ADDRESS);
    assert!(letters[0].1.contains("Subject: Your password was changed\n"), "{}", letters[0].1);
    mailer.assert_still_hanging();
}

/// The messages of sixteen networks hang.
#[tokio::test(flavor = "multi_thread")]
async fn l3_s77_hanging_letters_of_many_networks_delay_no_reset_link_and_no_warning() {
    let (site, mailer) = start(false).await;
    let mut owner = ada(&site, &mailer).await;
    mailer.hangs_at_confirmations.store(true, Ordering::SeqCst);
    for number in 0..20 {
        let name = format!("stranger{number}");
        let address = format!("{name}@{number}.tarpit.example");
        sign_up_from(site.client(), &format!("198.51.100.{number}"), &name, &address).await;
    }
    forgot(&site, ADDRESS).await;
    assert!(mailer.wait_for(1).await[0].1.contains("/password/reset?token="));
    change_password(&mut owner, PASSWORD, "another password of hers").await;
    assert!(mailer.wait_for(1).await[0].1.contains("Subject: Your password was changed\n"));
    mailer.assert_still_hanging();
}
