//! Errors in a site's settings.

use crate::settings::Color;

/// The reason why a [`SiteBuilder`](crate::SiteBuilder) could not build a site. The message says how to fix the
/// problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The pages' path is not the path of a folder on the site.
    #[error(
        "the pages cannot be at {path:?}; write a path that begins with a slash and does not end with one, \
         such as .at(\"/auth\")"
    )]
    BadPath {
        /// The path.
        path: String,
    },
    /// The authenticator sends browsers to a URL where the site has no page.
    #[error(
        "the pages are at {at:?}, but the authenticator's {what} is {url:?} instead of {expected:?}; when you build \
         the authenticator, write .urls(Site::urls_at({at:?})); if the pages belong elsewhere, change the site's .at(…)"
    )]
    UrlMismatch {
        /// The path of the pages.
        at: String,
        /// The name of the URL, such as "refresh URL".
        what: &'static str,
        /// The URL that the authenticator uses.
        url: String,
        /// The URL at which the site has this page.
        expected: String,
    },
    /// The links in emails point to an address where the site has no pages.
    #[error(
        "links in emails begin with {address:?}, but the pages are at {expected:?}; pass {expected:?} to \
         Accounts::with_mail"
    )]
    MailAddressMismatch {
        /// The address that was passed to [`Accounts::with_mail`](crate::Accounts::with_mail).
        address: String,
        /// The address of the pages.
        expected: String,
    },
    /// The site's name is empty or contains control characters.
    #[error("the name {name:?} is empty or has control characters; write a name such as .name(\"Corner Shop\")")]
    BadName {
        /// The name.
        name: String,
    },
    /// A stylesheet or logo is not a file on this site. The pages' Content-Security-Policy forbids files from other
    /// sites.
    #[error(
        "the {what} {path:?} is not a path on this site, and the pages' Content-Security-Policy forbids files from \
         other sites; serve the file from your application, and give its path here, such as \"/shop.css\""
    )]
    ForeignFile {
        /// The kind of file: "stylesheet" or "logo".
        what: &'static str,
        /// The path.
        path: String,
    },
    /// The value given for a color is not a CSS color.
    #[error(
        "{color:?} cannot be set to {value:?}, which is not a color; write a CSS color, such as \"#7a1f3d\", \
         \"rebeccapurple\" or \"rgb(122 31 61)\""
    )]
    BadColor {
        /// The color that the value was meant for.
        color: Color,
        /// The value.
        value: String,
    },
    /// A site has already been built from these accounts. The accounts' emails and error pages can use only one site's
    /// settings.
    #[error(
        "a site has already been built from these accounts; clone that site, or open the accounts again for a second \
         site"
    )]
    SecondSite,
}
