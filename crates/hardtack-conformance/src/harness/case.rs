//! A test case: a site with its settings, and the requests that are sent to the site.

use std::pin::Pin;
use std::time::Duration;

use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;

use super::site::{Setup, Site};
use crate::adapter::Adapter;

/// A case that takes longer than this fails.
const TIME_LIMIT: Duration = Duration::from_secs(90);

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A named case in the suite.
pub(crate) struct Case {
    name: String,
    setup: Setup,
    run: Box<dyn FnOnce(Site) -> Running>,
}

impl Case {
    /// Creates a case that runs on a site with the default [`Setup`].
    pub(crate) fn new<F>(name: impl Into<String>, run: impl FnOnce(Site) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name: name.into(), setup: Setup::default(), run: Box::new(|site| Box::pin(run(site))) }
    }

    /// Changes the authenticator's settings.
    pub(crate) fn configured(
        mut self,
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder + 'static,
    ) -> Self {
        self.setup.configure = Box::new(configure);
        self
    }

    /// Sets the site's origin, which is [`HTTPS`](super::site::HTTPS) by default.
    pub(crate) fn at_origin(mut self, origin: &'static str) -> Self {
        self.setup.origin = origin;
        self
    }

    /// Serves the application without the adapter's layer.
    pub(crate) fn without_layer(mut self) -> Self {
        self.setup.has_layer = false;
        self
    }

    /// Builds the authenticator without a session store.
    pub(crate) fn stateless(mut self) -> Self {
        self.setup.has_store = false;
        self
    }

    /// Signs tokens with a key for `algorithm`, which is HS256 by default.
    pub(crate) fn signed_with(mut self, algorithm: Algorithm) -> Self {
        self.setup.algorithm = algorithm;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Runs the case and returns its findings, or an empty list if the case passed.
    pub(crate) async fn run(self, adapter: &impl Adapter) -> Vec<String> {
        let (site, serving) = Site::start(adapter, self.setup).await;
        let findings = site.findings();
        // Run the case in its own task. If the case panics, the suite reports the panic and continues.
        let mut running = tokio::spawn((self.run)(site));
        match tokio::time::timeout(TIME_LIMIT, &mut running).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => findings.add(panic_text(error)),
            Err(_) => {
                running.abort();
                findings.add(format!("not finished within {} s", TIME_LIMIT.as_secs()));
            }
        }
        drop(serving);
        findings.take()
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "cancelled".to_owned() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
