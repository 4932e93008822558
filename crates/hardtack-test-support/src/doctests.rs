//! Compiles and runs the code in pages that the published crates cannot test. Some of these pages are outside the
//! crates' directories, so a published crate cannot `include_str!` them. The others contain code that uses crates that
//! depend on `hardtack`.

#[doc = include_str!("../../../README.md")]
struct Readme;

#[doc = include_str!("../../hardtack/guide/adapters.md")]
struct Adapters;

#[doc = include_str!("../../hardtack/guide/log_in.md")]
struct LogIn;

#[doc = include_str!("../../hardtack/guide/roles.md")]
struct Roles;

#[doc = include_str!("../../hardtack/guide/realms.md")]
struct Realms;

#[doc = include_str!("../../hardtack/guide/single_page_apps.md")]
struct SinglePageApps;

#[doc = include_str!("../../hardtack/guide/htmx.md")]
struct Htmx;

#[doc = include_str!("../../hardtack/guide/production.md")]
struct Production;

#[doc = include_str!("../../hardtack/guide/moving.md")]
struct Moving;

#[doc = include_str!("../../hardtack/guide/streams.md")]
struct Streams;

#[doc = include_str!("../../hardtack/guide/oauth.md")]
struct Oauth;

#[doc = include_str!("../../hardtack/guide/testing.md")]
struct Testing;

#[doc = include_str!("../../hardtack/guide/throttling.md")]
struct Throttling;

#[doc = include_str!("../../../docs/accounts.md")]
struct Accounts;

#[doc = include_str!("../../../docs/coming-from-flask.md")]
struct ComingFromFlask;

#[doc = include_str!("../../../docs/options.md")]
struct Options;
