//! The extractors that the handlers share.

mod form_or_json;
mod request_info;
mod visitor;

pub(crate) use form_or_json::FormOrJson;
pub(crate) use visitor::{Visitor, shell_of};
