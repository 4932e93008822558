//! One case: a site of its own, requests, and what came of them against what should have.

use std::pin::Pin;
use std::time::Duration;

use hardtack::AuthenticatorBuilder;
use hardtack::jwt::Algorithm;

use super::Adapter;
use super::site::{Setup, Site};

/// No case takes longer.
const LONGEST_CASE: Duration = Duration::from_secs(90);

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A row of the table.
pub(super) struct Case {
    name: String,
    setup: Setup,
    run: Box<dyn FnOnce(Site) -> Running>,
}

impl Case {
    /// A case on a site with the suite's usual settings.
    pub(super) fn new<F>(name: impl Into<String>, run: impl FnOnce(Site) -> F + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name: name.into(), setup: Setup::default(), run: Box::new(|site| Box::pin(run(site))) }
    }

    /// Changes the settings.
    pub(super) fn configured(
        mut self,
        configure: impl FnOnce(AuthenticatorBuilder) -> AuthenticatorBuilder + 'static,
    ) -> Self {
        self.setup.configure = Box::new(configure);
        self
    }

    /// Moves the site to another origin.
    pub(super) fn at(mut self, origin: &'static str) -> Self {
        self.setup.origin = origin;
        self
    }

    /// Leaves the adapter's layer out.
    pub(super) fn without_layer(mut self) -> Self {
        self.setup.layered = false;
        self
    }

    /// Leaves the session store out: tokens alone.
    pub(super) fn stateless(mut self) -> Self {
        self.setup.stored = false;
        self
    }

    /// Signs with a key of another algorithm.
    pub(super) fn signed(mut self, algorithm: Algorithm) -> Self {
        self.setup.algorithm = algorithm;
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it. Empty where all was as it should be.
    pub(super) async fn outcome(self, adapter: &impl Adapter) -> Vec<String> {
        let (site, serving) = Site::start(adapter, self.setup).await;
        let findings = site.findings();
        // A task of its own, so that a panic is a finding like others.
        let mut running = tokio::spawn((self.run)(site));
        match tokio::time::timeout(LONGEST_CASE, &mut running).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => findings.add(panic_text(error)),
            Err(_) => {
                running.abort();
                findings.add(format!("not finished within {} s", LONGEST_CASE.as_secs()));
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
