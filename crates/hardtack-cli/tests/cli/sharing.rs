//! Two servers on one data folder.

use std::time::{Duration, Instant};

use crate::support::{Place, is_let_in, log_out, sign_up, with_copied_access_cookie};

#[tokio::test]
async fn a_logout_at_one_server_reaches_the_other() {
    let place = Place::new();
    let (one, other) = (place.start().await, place.start().await);
    let mut client = one.client();
    sign_up(&mut client, "someone").await;
    let mut thief = with_copied_access_cookie(&client, &other);
    assert!(is_let_in(&mut thief).await);
    let raw = client.cookie("access_token_cookie").unwrap().raw.clone();

    log_out(&mut client).await;
    let since = Instant::now();
    loop {
        // A refusal takes the cookie away, which a thief would not let happen.
        thief.set_cookie_raw(&raw);
        if !is_let_in(&mut thief).await {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(2), "still let in after {:?}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
