//! The colors of the pages.

/// A color on the pages. It sets one or more custom properties in the site's stylesheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Color {
    /// The background of the page.
    Page,
    /// The background of cards and fields.
    Surface,
    /// Text.
    Text,
    /// Less important text, such as hints.
    Muted,
    /// Lines between elements.
    Line,
    /// Links.
    Link,
    /// The background of the main button.
    Button,
    /// The text of the main button.
    ButtonText,
    /// The outline of the focused element.
    Focus,
}

impl Color {
    /// Returns the custom properties that are set to the color.
    const fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["--page"],
            Self::Surface => &["--surface"],
            Self::Text => &["--ink"],
            Self::Muted => &["--muted"],
            Self::Line => &["--line"],
            Self::Link => &["--link", "--link-strong"],
            Self::Button => &["--button", "--button-strong"],
            Self::ButtonText => &["--on-button"],
            Self::Focus => &["--focus"],
        }
    }
}

/// The maximum length of a color's value, in bytes. Even long values such as `oklch(59.69% 0.156 49.77 / 50%)` are
/// shorter.
const LONGEST: usize = 64;

/// The colors that replace the site's default colors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Colors {
    light: String,
    dark: String,
}

impl Colors {
    /// Replaces a color. `light` is its value on a light background, and `dark` is its value on a dark background.
    ///
    /// # Errors
    /// `light` or `dark` is not a CSS color. The error contains the wrong value.
    pub(crate) fn set(&mut self, color: Color, light: &str, dark: &str) -> Result<(), String> {
        if let Some(bad) = [light, dark].into_iter().find(|value| !is_color(value)) {
            return Err(bad.to_owned());
        }
        for property in color.properties() {
            self.light.push_str(&format!("{property}:{light};"));
            self.dark.push_str(&format!("{property}:{dark};"));
        }
        Ok(())
    }

    /// Returns the rules to add to the site's stylesheet.
    pub(crate) fn rules(&self) -> String {
        if self.light.is_empty() {
            return String::new();
        }
        let Self { light, dark } = self;
        format!("\n:root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n")
    }
}

/// Returns whether a value has the form of a CSS color: a name, a hexadecimal color, or a function such as
/// `rgb(1 2 3 / 50%)`. A value of this form cannot end the CSS declaration.
fn is_color(value: &str) -> bool {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_argument = |byte: u8| byte.is_ascii_alphanumeric() || b" ,.%/-+".contains(&byte);
    if value.len() > LONGEST {
        return false;
    }
    match (value.strip_prefix('#'), value.strip_suffix(')').and_then(|value| value.split_once('('))) {
        (Some(digits), _) => {
            [3, 4, 6, 8].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        (None, Some((name, arguments))) => is_word(name) && arguments.bytes().all(is_argument),
        (None, None) => is_word(value) && value.bytes().all(|byte| byte.is_ascii_alphabetic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colors_get_into_the_stylesheet() {
        for good in ["#fff", "#7a1f3d", "#7a1f3dcc", "rebeccapurple", "rgb(1 2 3 / 50%)", "hsl(1.5turn, 2%, 3%)"] {
            assert!(is_color(good), "{good}");
        }
        for bad in ["", "#ff", "#ggg", "red;", "red}", "url(\"/a\")", "a(b(c))", "red 1", "expression(a:b)", "var(--x"]
        {
            assert!(!is_color(bad), "{bad}");
        }
        let mut colors = Colors::default();
        assert_eq!(colors.rules(), "");
        assert_eq!(colors.set(Color::Link, "#000", "red;}"), Err("red;}".to_owned()));
        assert_eq!(colors.set(Color::Focus, "#000", "white"), Ok(()));
        assert_eq!(
            colors.rules(),
            "\n:root{--focus:#000;}\n@media (prefers-color-scheme: dark){:root{--focus:white;}}\n"
        );
    }
}
