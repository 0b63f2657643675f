//! In which language a person is written to, and why in that one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unic_langid::LanguageIdentifier;

/// A language as a BCP 47 tag: language, and script, region and variants where given. `de_at` is read as `de-AT`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(LanguageIdentifier);

/// Why a text is no locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a BCP 47 language tag like en, de or pt-BR")]
pub struct LocaleError;

/// Which step of the lookup found the template that a mail is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocaleSource {
    /// There is a template for the locale that was asked for.
    Invitation,
    /// There is one for its language: `de` for `de-AT`.
    Language,
    /// None was asked for, or there is none for it: the tenant's default.
    TenantDefault,
    /// Not even for the tenant's default: English.
    English,
}

impl Locale {
    /// English, for which there always is a template.
    pub fn english() -> Self {
        Self(
            unic_langid::subtags::Language::from_bytes(b"en").map_or_else(
                |_| LanguageIdentifier::default(),
                |language| LanguageIdentifier::from_parts(language, None, None, &[]),
            ),
        )
    }

    /// The language alone: `de` of `de-AT`.
    #[must_use]
    pub fn language(&self) -> Self {
        Self(LanguageIdentifier::from_parts(
            self.0.language,
            None,
            None,
            &[],
        ))
    }
}

/// Finds the template for `asked` among those that are `available`: the locale itself, its language, the tenant's
/// default, that one's language, English.
pub fn resolve_locale(
    asked: Option<&Locale>,
    tenant_default: &Locale,
    available: &[Locale],
) -> (Locale, LocaleSource) {
    let there = |locale: &Locale| available.contains(locale).then(|| locale.clone());
    let asked = asked.and_then(|asked| {
        there(asked)
            .map(|found| (found, LocaleSource::Invitation))
            .or_else(|| there(&asked.language()).map(|found| (found, LocaleSource::Language)))
    });
    let default = || there(tenant_default).or_else(|| there(&tenant_default.language()));
    asked
        .or_else(|| default().map(|found| (found, LocaleSource::TenantDefault)))
        .unwrap_or_else(|| (Locale::english(), LocaleSource::English))
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        // 35 characters hold every tag without extensions (RFC 5646, 4.4.1).
        if text.len() > 35 {
            return Err(LocaleError);
        }
        let identifier = text
            .trim()
            .parse::<LanguageIdentifier>()
            .map_err(|_| LocaleError)?;
        // Well-formed tags may have languages of 5 to 8 letters, but none is registered: `german` is a mistake.
        if (2..=3).contains(&identifier.language.as_str().len()) && !identifier.language.is_empty()
        {
            Ok(Self(identifier))
        } else {
            Err(LocaleError)
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Locale {
    type Error = LocaleError;

    fn try_from(text: String) -> Result<Self, LocaleError> {
        text.parse()
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        tag.parse().unwrap()
    }

    #[test]
    fn a_tag_is_written_in_its_canonical_form() {
        assert_eq!(locale("DE_at").to_string(), "de-AT");
        assert_eq!(Locale::english().to_string(), "en");
    }

    #[test]
    fn what_is_no_language_tag_is_refused() {
        for bad in [
            "",
            "german",
            "de-",
            "und",
            "d",
            "1",
            "de DE",
            "de-DE-u-co-phonebk",
            &"a-".repeat(40),
        ] {
            assert!(bad.parse::<Locale>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_template_is_looked_up_from_the_nearest_to_the_farthest() {
        let available = [locale("en"), locale("de"), locale("pt-BR")];
        let find = |asked: Option<&str>, default: &str| {
            let (found, source) =
                resolve_locale(asked.map(locale).as_ref(), &locale(default), &available);
            (found.to_string(), source)
        };
        assert_eq!(
            find(Some("pt-BR"), "de"),
            ("pt-BR".into(), LocaleSource::Invitation)
        );
        assert_eq!(
            find(Some("de-AT"), "en"),
            ("de".into(), LocaleSource::Language)
        );
        assert_eq!(
            find(Some("fr"), "de"),
            ("de".into(), LocaleSource::TenantDefault)
        );
        assert_eq!(
            find(None, "de-CH"),
            ("de".into(), LocaleSource::TenantDefault)
        );
        assert_eq!(find(Some("fr"), "it"), ("en".into(), LocaleSource::English));
    }
}
