//! `CurrentUser` in actix-web's `Option`, and without its `web::Data`.

use actix_web::web::{self, Data};
use hardtack::{BackendError, FindUser};
use hardtack_actix::CurrentUser;

use crate::site::{Site, summary, unsets_tokens};

struct Directory;

struct Member {
    greeting: String,
}

impl FindUser for Member {
    type State = Directory;

    async fn find_user(subject: &str, _: &Directory) -> Result<Option<Self>, BackendError> {
        match subject {
            "gone" => Ok(None),
            "down" => Err(BackendError::new("details that no client may see")),
            _ => Ok(Some(Self { greeting: format!("Hello, {subject}") })),
        }
    }
}

async fn site(directory: Option<Directory>) -> Site {
    async fn plain(user: Option<CurrentUser<Member>>) -> String {
        user.map_or_else(|| "visitor".to_owned(), |user| user.greeting.clone())
    }
    let directory = directory.map(Data::new);
    Site::with(
        |builder| builder,
        move |app| {
            if let Some(directory) = directory {
                app.app_data(directory);
            }
            app.route("/plain", web::get().to(plain));
            app.route("/member", web::get().to(async |user: CurrentUser<Member>| user.into_user().greeting));
        },
    )
    .await
}

#[tokio::test]
async fn an_option_does_not_drop_a_refusal() {
    let site = site(Some(Directory)).await;
    assert_eq!(summary(&site.alice().await, "/plain").await, ["200 Hello, alice"; 3]);
    assert_eq!(summary(&site.visitor(), "/plain").await, ["200 visitor"; 3]);
    let gone = site.logged_in("gone").await;
    assert_eq!(summary(&gone, "/plain").await[1], "401 unknown_user");
    assert!(unsets_tokens(&gone.clone().get("/plain").send().await));
    let down = site.logged_in("down").await.get("/plain").send().await;
    assert_eq!((down.status().as_u16(), down.header("retry-after")), (503, Some("5")));
    assert!(!down.text().contains("details") && down.set_cookies().is_empty(), "{}", down.text());
}

#[tokio::test]
async fn missing_web_data_is_an_error() {
    let site = site(None).await;
    let alice = site.alice().await;
    for path in ["/member", "/plain"] {
        let failed = alice.clone().get(path).accept_json().send().await;
        assert_eq!((failed.status().as_u16(), failed.json()["code"].as_str()), (500, Some("not_set_up")), "{path}");
        assert!(!failed.text().contains("Directory") && failed.set_cookies().is_empty(), "{}", failed.text());
    }
}
