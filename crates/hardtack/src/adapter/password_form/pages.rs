//! Plain pages for the log-in flow. They have no scripts, follow the system's light or dark colors, and fit narrow
//! screens.

use super::PasswordForm;
use crate::html::escaped;
use crate::token::VerifiedToken;

impl<C> PasswordForm<C> {
    /// Returns a plain page with a log-in form. It has the fields `username` and `password`.
    pub fn log_in_page(&self) -> String {
        self.page("Log in", "", "Log in")
    }

    /// Returns a plain page that asks the logged-in user for the password again. It has the fields `username` and
    /// `password`.
    pub fn reauthentication_page(&self) -> String {
        let why = "<p>You are logged in, but it has been a while since you entered your password. \
                   Enter the password again to continue.</p>";
        self.page("Confirm your password", why, "Confirm")
    }

    fn page(&self, title: &str, introduction: &str, button: &str) -> String {
        let role = if self.is_refused() { "alert" } else { "status" };
        let notice = self.notice().map(|text| format!("<p class=\"notice\" role=\"{role}\">{}</p>", escaped(text)));
        let main = format!(
            "<h1>{title}</h1>{introduction}{notice}<form method=\"post\">{csrf}\
             <p><label for=\"username\">User name</label>\
             <input id=\"username\" name=\"username\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required></p>\
             <p><label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
             required></p>\
             <p><button>{button}</button></p></form>",
            notice = notice.unwrap_or_default(),
            csrf = self.csrf_field(),
            username = escaped(self.username()),
        );
        // Mention the refusal in the title, because screen readers read the title first.
        let problem = if self.is_refused() { "Problem: " } else { "" };
        page(&format!("{problem}{title}"), &main)
    }
}

/// Returns a plain page that asks the user whether to log out. Its button posts the session's CSRF value to the page's
/// own URL.
pub fn log_out_page<T>(token: &VerifiedToken<T>, csrf_field: &str) -> String {
    let form = format!(
        "<h1>Log out</h1><form method=\"post\"><input type=\"hidden\" name=\"{field}\" value=\"{csrf}\">\
         <p><button>Log out</button></p></form>",
        field = escaped(csrf_field),
        csrf = token.csrf_token(),
    );
    page("Log out", &form)
}

fn page(title: &str, main: &str) -> String {
    const STYLE: &str = ":root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif}body{margin:0}\
        main{box-sizing:border-box;max-width:26rem;margin:0 auto;padding:1.5rem 1rem;overflow-wrap:anywhere}\
        label{display:block}input,button{box-sizing:border-box;width:100%;min-height:2.75rem;padding:.5rem;font:inherit}\
        .notice{border:.125rem solid;padding:.5rem}";
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main>{main}</main></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_text() {
        let notice = ("No <such> user".to_owned(), Some("\"><script>".to_owned()));
        let form = PasswordForm {
            field: "csrf_token".into(),
            csrf_token: "abc".into(),
            ended: false,
            notice: Some(notice),
            cookies: (),
        };
        let page = form.log_in_page();
        assert!(page.contains("role=\"alert\">No &lt;such&gt; user</p>"), "{page}");
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{page}");
        assert!(page.contains("<title>Problem: Log in</title>") && !page.contains("<script>"));
        let debug = format!("{form:?}");
        assert!(!debug.contains("script") && !debug.contains("abc"), "{debug}");
    }
}
