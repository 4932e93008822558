//! The pages that the application can render with its own templates.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A page of the site, for [`SiteBuilder::page`](crate::SiteBuilder::page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Page {
    /// `/login`.
    LogIn,
    /// `/signup`.
    SignUp,
    /// `/logout`, which asks for confirmation.
    LogOut,
    /// `/reauthenticate`, which asks for the password again.
    Reauthenticate,
    /// `/password/forgot`.
    ForgotPassword,
    /// `/password/reset`, the target of a reset link.
    ResetPassword,
    /// `/email/confirm`, the target of a confirmation link.
    ConfirmEmail,
    /// `/email/undo`, the target of a link that restores an email address.
    UndoEmail,
    /// `/account`.
    Account,
    /// `/account/sessions`.
    Devices,
    /// `/token/refresh`, for a visitor who comes from another site. The page continues automatically.
    Continue,
    /// An error, or a message that confirms a completed action.
    Message,
}

/// The parts of a page. One of the application's templates combines them into a document.
///
/// Methods whose names end in `_html` return HTML that is ready to be inserted. The other methods return plain text,
/// which your template must escape.
#[derive(Clone, Debug)]
pub struct PageView<'a> {
    pub(crate) page: Page,
    pub(crate) title: &'a str,
    pub(crate) site_name: &'a str,
    pub(crate) user: Option<&'a str>,
    pub(crate) head: String,
    pub(crate) notice: String,
    pub(crate) content: String,
    pub(crate) log_out: String,
}

impl PageView<'_> {
    /// Returns which kind of page this is.
    pub fn page(&self) -> Page {
        self.page
    }

    /// Returns the title of the page as text, without the site's name. If a form has errors, the title says so.
    pub fn title(&self) -> &str {
        self.title
    }

    /// Returns the site's name as text.
    pub fn site_name(&self) -> &str {
        self.site_name
    }

    /// Returns the name of the user who is logged in, as text. Returns `None` if no user is logged in, or if an error
    /// page is rendered before the user is known.
    pub fn user(&self) -> Option<&str> {
        self.user
    }

    /// Returns the elements of `<head>`: the title, the stylesheets, and anything else that the page needs, such as a
    /// script.
    pub fn head_html(&self) -> &str {
        &self.head
    }

    /// Returns the notice, such as "Your session has ended." If the page has no notice, returns an empty string.
    pub fn notice_html(&self) -> &str {
        &self.notice
    }

    /// Returns the content: the heading, the form with its hidden fields and errors, and the links below the form.
    pub fn content_html(&self) -> &str {
        &self.content
    }

    /// Returns the form with the log-out button. If no user is logged in, returns an empty string.
    pub fn log_out_html(&self) -> &str {
        &self.log_out
    }
}

type Template = Arc<dyn Fn(&PageView<'_>) -> String + Send + Sync>;

/// The application's templates.
#[derive(Clone, Default)]
pub(crate) struct Templates(HashMap<Page, Template>);

impl Templates {
    pub(crate) fn set(&mut self, page: Page, template: impl Fn(&PageView<'_>) -> String + Send + Sync + 'static) {
        self.0.insert(page, Arc::new(template));
    }

    pub(crate) fn get(&self, page: Page) -> Option<&Template> {
        self.0.get(&page)
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
