//! The suite's test cases, with one module per topic.

mod bodies;
mod caching;
mod client_address;
mod cookie_names;
mod csrf;
mod device_binding;
mod explanations;
mod forbidden;
mod foreign_cookies;
mod hosts;
mod http2;
mod keys;
mod log_ins;
mod logged_in;
mod methods;
mod next;
mod no_layer;
mod origins;
mod races;
mod reading_ahead;
mod ready_routes;
mod refresh_by_redirect;
mod refresh_in_place;
mod refresh_modes;
mod replies;
mod set_cookie;
mod stateless;
mod store_failure;
mod streams;
mod token_locations;
mod tokens;
mod users;

use crate::harness::Case;

/// Returns all cases, in the order of the guide "An adapter for another framework".
pub(crate) fn all() -> Vec<Case> {
    let subjects = [
        no_layer::cases,
        tokens::cases,
        keys::cases,
        cookie_names::cases,
        users::cases,
        forbidden::cases,
        foreign_cookies::cases,
        replies::cases,
        set_cookie::cases,
        caching::cases,
        explanations::cases,
        csrf::cases,
        origins::cases,
        hosts::cases,
        log_ins::cases,
        ready_routes::cases,
        client_address::cases,
        logged_in::cases,
        next::cases,
        methods::cases,
        refresh_in_place::cases,
        races::cases,
        refresh_by_redirect::cases,
        refresh_modes::cases,
        device_binding::cases,
        stateless::cases,
        store_failure::cases,
        bodies::cases,
        reading_ahead::cases,
        streams::cases,
        http2::cases,
        token_locations::cases,
    ];
    subjects.into_iter().flat_map(|cases| cases()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = super::all().iter().map(|case| case.name().to_owned()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "two cases have the same name");
    }
}
