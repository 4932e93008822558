//! The tutorial example, in both refresh modes.

use axum::Router;
use hardtack::{Authenticator, RefreshMode};
use hardtack_test_support::tutorial;

use crate::site::Site;
use crate::tutorial_example::{app, people::People};

const MODES: [RefreshMode; 2] = [RefreshMode::Transparent, RefreshMode::Redirect];

fn example() -> impl FnOnce(Authenticator) -> Router {
    let people = People::new().unwrap();
    |auth| app(auth, people)
}

#[tokio::test]
async fn by_forms() {
    for mode in MODES {
        let site = Site::bare(|builder| builder.refresh_mode(mode), example()).await;
        tutorial::by_forms(site.visitor(), &site.clock).await;
    }
}

#[tokio::test]
async fn after_two_days() {
    let site = Site::bare(|builder| builder, example()).await;
    tutorial::after_two_days(site.visitor(), &site.clock).await;
}

/// Runs the example over http on a loopback address, as readers do.
#[tokio::test]
async fn in_chromium() {
    for mode in MODES {
        // The base URL has another port, as with port forwarding.
        let configure =
            |builder: hardtack::AuthenticatorBuilder| builder.base_url("http://127.0.0.1:8080").refresh_mode(mode);
        let site = Site::bare(configure, example()).await;
        tutorial::in_chromium(site.address, &site.clock).await;
    }
}
