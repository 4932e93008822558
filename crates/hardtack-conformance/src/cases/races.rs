//! Concurrent requests from one browser. A refresh must neither break another refresh nor undo a log-out.

use http::header::SET_COOKIE;

use crate::client::{Client, Response};
use crate::harness::{Case, Site, csrf_token};

const TABS: usize = 20;

/// Sends the request from [`TABS`] tabs at once. All tabs have the same cookies, but each tab has its own connection.
async fn from_all_tabs<F>(site: &Site, client: &Client, request: impl Fn(Client) -> F) -> Vec<Response>
where
    F: Future<Output = Response> + Send + 'static,
{
    let jar = client.clone().jar().clone();
    let tabs = (0..TABS).map(|_| {
        let mut tab = site.visitor();
        *tab.jar() = jar.clone();
        tokio::spawn(request(tab))
    });
    let mut responses = Vec::new();
    for tab in tabs.collect::<Vec<_>>() {
        responses.push(tab.await.unwrap());
    }
    responses
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("races: twenty tabs refresh at once and get the same cookies", |site| async move {
            let mut alice = site.alice().await;
            site.expire_access();
            let responses =
                from_all_tabs(&site, &alice, |mut tab| async move { tab.get("/protected").send().await }).await;
            for response in &responses {
                site.expect("tab", response, "200 +access +refresh");
            }
            site.expect_eq("rotations", site.store.rotations(), 1);
            let cookies =
                |response: &Response| -> Vec<_> { response.headers().get_all(SET_COOKIE).iter().cloned().collect() };
            let first = cookies(&responses[0]);
            site.expect_eq(
                "all cookies are the same",
                responses.iter().all(|response| cookies(response) == first),
                true,
            );
            alice.take_cookies(&responses[TABS - 1]);
            site.expect("afterwards", &alice.get("/protected").send().await, "200");
        }),
        Case::new("races: twenty forms posted at once are all handled", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let responses = from_all_tabs(&site, &alice, |mut tab| async move {
                let csrf = csrf_token(&tab);
                tab.post("/echo").form(&[("csrf_token", csrf)]).send().await
            });
            for response in responses.await {
                site.expect("tab", &response, "200 +access +refresh");
            }
            site.expect_eq("rotations", site.store.rotations(), 1);
            site.expect_eq("handler runs", site.calls().await, TABS as u64);
        }),
        Case::new("races: concurrent refreshes do not undo a log-out", |site| async move {
            let alice = site.alice().await;
            site.expire_access();
            let mut other_tab = alice.clone();
            let log_out = tokio::spawn(async move { other_tab.post("/logout").csrf().send().await });
            let responses =
                from_all_tabs(&site, &alice, |mut tab| async move { tab.get("/protected").send().await }).await;
            site.expect("log-out", &log_out.await.unwrap(), "200 -access -refresh");
            let mut refused = 0;
            for response in &responses {
                refused += u32::from(response.status() == 401);
                let mut tab = alice.clone();
                tab.take_cookies(response);
                let after = tab.get("/protected").accept_json().send().await;
                site.expect_eq("the cookies that a tab got are refused", after.status().as_u16(), 401);
            }
            site.expect_eq(
                "each tab was served or refused",
                responses.iter().filter(|a| a.status() == 200).count() as u32 + refused,
                TABS as u32,
            );
        }),
    ]
}
