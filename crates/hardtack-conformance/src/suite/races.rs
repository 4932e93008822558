//! Tabs that race: all win, none undoes another.

use http::header::SET_COOKIE;

use super::case::Case;
use super::site::csrf_of;
use crate::client::{Client, Response};

const TABS: usize = 20;

/// Each tab has the same cookies and a connection of its own.
async fn at_once<F>(site: &super::site::Site, client: &Client, request: impl Fn(Client) -> F) -> Vec<Response>
where
    F: Future<Output = Response> + Send + 'static,
{
    let jar = client.clone().jar().clone();
    let tabs = (0..TABS).map(|_| {
        let mut tab = site.visitor();
        *tab.jar() = jar.clone();
        tokio::spawn(request(tab))
    });
    let mut answers = Vec::new();
    for tab in tabs.collect::<Vec<_>>() {
        answers.push(tab.await.unwrap());
    }
    answers
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("races: twenty tabs refresh at once", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let answers = at_once(&site, &alice, |mut tab| async move { tab.get("/protected").send().await }).await;
            for answer in &answers {
                site.expect("tab", answer, "200 +access +refresh");
            }
            site.same("one generation", site.store.rotations(), 1);
            let cookies =
                |answer: &Response| -> Vec<_> { answer.headers().get_all(SET_COOKIE).iter().cloned().collect() };
            let first = cookies(&answers[0]);
            site.same("the same bytes", answers.iter().all(|answer| cookies(answer) == first), true);
            alice.take_cookies(&answers[TABS - 1]);
            site.expect("afterwards", &alice.get("/protected").send().await, "200");
        }),
        Case::new("races: twenty forms posted at once", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let answers = at_once(&site, &alice, |mut tab| async move {
                let csrf = csrf_of(&tab);
                tab.post("/echo").form(&[("csrf_token", csrf)]).send().await
            });
            for answer in answers.await {
                site.expect("tab", &answer, "200 +access +refresh");
            }
            site.same("one generation", site.store.rotations(), 1);
            site.same("every form arrived", site.calls().await, TABS as u64);
        }),
        Case::new("races: a log-out among refreshes is final", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let mut leaving = alice.clone();
            let leave = tokio::spawn(async move { leaving.post("/logout").csrf().send().await });
            let answers = at_once(&site, &alice, |mut tab| async move { tab.get("/protected").send().await }).await;
            site.expect("log-out", &leave.await.unwrap(), "200 -access -refresh");
            let mut refused = 0;
            for answer in &answers {
                refused += u32::from(answer.status() == 401);
                let mut tab = alice.clone();
                tab.take_cookies(answer);
                let after = tab.get("/protected").accept_json().send().await;
                site.same("whatever a tab was given is dead", after.status().as_u16(), 401);
            }
            site.same(
                "each was served or refused",
                answers.iter().filter(|a| a.status() == 200).count() as u32 + refused,
                TABS as u32,
            );
        }),
    ]
}
