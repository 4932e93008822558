//! The extractors that the handlers share.

mod client;
mod done;
mod form_or_json;
mod json_members;
mod next_page;
mod request_info;
mod sent_form;
mod visitor;

pub(crate) use done::{done, own_query};
pub(crate) use form_or_json::{FormOrJson, NoInput, missing_member};
pub(crate) use json_members::{JsonBody, JsonType};
pub(crate) use next_page::{next_or_home, next_page};
pub(crate) use sent_form::{AccountForm, SentForm, is_unverified, read_fields, refuse_form, refuse_read_form};
pub(crate) use visitor::{Sender, Visitor, shell_of, user_of_refused};
