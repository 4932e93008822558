//! What was set, and where.

use std::collections::HashMap;
use std::path::PathBuf;

use super::options::Opt;
use crate::error::Error;

/// Where something was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment,
    File(PathBuf),
}

/// A setting's text. No `Debug`: it may be a secret.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) value: String,
    /// The name that was used.
    pub(crate) name: String,
    pub(crate) source: Source,
}

impl Given {
    /// The name as the operator knows it.
    pub(crate) fn label(&self) -> String {
        match &self.source {
            Source::Flag | Source::Environment => self.name.clone(),
            Source::File(path) => format!("{} in {}", self.name, path.display()),
        }
    }
}

/// All that one source sets.
#[derive(Default)]
pub(crate) struct Layer(HashMap<&'static str, Given>);

impl Layer {
    /// Whether it sets this, and to a secret.
    pub(super) fn hides(&self, opt: &Opt) -> bool {
        self.0.get(opt.name()).is_some_and(|given| opt.hides(&given.value))
    }

    /// Adds a value. One setting may have two names; they may not contradict each other.
    pub(super) fn put(&mut self, opt: &'static Opt, given: Given) -> Result<(), Error> {
        let Some(other) = self.0.get(opt.name()).filter(|other| other.value != given.value) else {
            self.0.insert(opt.name(), given);
            return Ok(());
        };
        // In a fixed order, whatever the order of the environment.
        let mut labels = [given.label(), other.label()];
        labels.sort_unstable();
        let [one, two] = labels;
        Err(Error::config(format_args!(
            "{one} and {two} set the same thing, and differ; leave one out, or give both one value"
        )))
    }
}

/// All sources, the strongest first.
pub(crate) struct Layers(pub(super) Vec<Layer>);

impl Layers {
    /// What is in force, unless it is the default.
    pub(crate) fn given(&self, opt: &Opt) -> Option<&Given> {
        self.0.iter().find_map(|layer| layer.0.get(opt.name()))
    }

    /// The name as the operator used it, or would use it.
    pub(crate) fn label(&self, opt: &Opt) -> String {
        self.given(opt).map_or_else(|| opt.handle(), Given::label)
    }

    /// The setting with its value, to say which one an error is about.
    pub(crate) fn named(&self, opt: &Opt) -> String {
        match self.given(opt) {
            Some(given) if opt.hides(&given.value) => given.label(),
            Some(given) => format!("{} is {:?}", given.label(), given.value),
            None => format!("{} is {:?} unless set", opt.handle(), opt.default),
        }
    }

    /// The text in force; `None` if it is not set and has no default.
    pub(super) fn text(&self, opt: &Opt) -> Option<&str> {
        let default = (!opt.default.is_empty()).then_some(opt.default);
        self.given(opt).map(|given| given.value.as_str()).or(default)
    }

    /// Reads what is in force; `None` if it is not set and has no default.
    pub(super) fn read<T>(
        &self,
        opt: &Opt,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.text(opt) else { return Ok(None) };
        let wrong = || Error::config(format_args!("{}; expected {expected}", self.named(opt)));
        read(text).map(Some).ok_or_else(wrong)
    }
}
