//! Texts in both languages.

use crate::error::Language;

/// A fixed text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// German.
    pub de: &'static str,
    /// English.
    pub en: &'static str,
}

impl Words {
    /// The text in a language.
    #[must_use]
    pub const fn said(self, language: Language) -> &'static str {
        match language {
            Language::De => self.de,
            Language::En => self.en,
        }
    }
}

/// A text in both languages, in code.
#[must_use]
pub const fn words(de: &'static str, en: &'static str) -> Words {
    Words { de, en }
}
