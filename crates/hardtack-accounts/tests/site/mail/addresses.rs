//! Links that confirm an address.

use hardtack_test_support::client::Client;
use proptest::prelude::*;
use serde_json::json;

use super::{Mailing, confirm, set_email, token_of};
use crate::support::*;

hardtack_test_support::on_every_store! {
    [on_sqlite: false, on_postgres: true]
    {
        s42_an_address_that_was_changed_meanwhile_is_not_confirmed,
        s42_only_what_was_proven_is_confirmed,
    }
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
