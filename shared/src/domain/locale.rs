//! In which language a person is written to, and why in that one.

use std::{fmt, str::FromStr};

use icu_locale::{
    Direction, LanguageIdentifier, LocaleCanonicalizer, LocaleDirectionality, LocaleExpander,
    langid,
    subtags::{Language, Region, Script, language},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A language as a BCP 47 tag: language, and script, region and variants where given. `de_at` is read as `de-AT`, and
/// `mo` as what CLDR calls it now, `ro`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(LanguageIdentifier);

/// Why a text is no locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a BCP 47 language tag like en, de or pt-BR")]
pub struct LocaleError;

/// Why a person is written to in the language they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocaleSource {
    /// It was given, or chosen, for this very person.
    #[serde(alias = "invitation", alias = "language")]
    Invitee,
    /// It was given for all whom the request invited.
    Request,
    /// None that there are mails in was given, so it is the tenant's.
    TenantDefault,
    /// The tenant has not set one, so it is what the stack was deployed with.
    ExternalDefault,
    /// There are no mails in any of these.
    #[serde(alias = "english")]
    Fallback,
}

/// CLDR's likely subtags of every language it knows.
const LIKELY: LocaleExpander = LocaleExpander::new_extended();

/// What CLDR calls languages, regions and scripts that had, or have, other names too.
const NAMES: LocaleCanonicalizer = LocaleCanonicalizer::new_extended();

impl Locale {
    /// English, for which there always is a template.
    pub const fn english() -> Self {
        Self(langid!("en"))
    }

    /// Whether it is written from right to left.
    pub fn is_right_to_left(&self) -> bool {
        LocaleDirectionality::new_extended().get(&self.0) == Some(Direction::RightToLeft)
    }

    /// The tag as the `icu` crates take it.
    pub fn identifier(&self) -> &LanguageIdentifier {
        &self.0
    }

    /// Of those that are `available`, the one that who reads this language is written to in, if they can read any: the locale
    /// itself, else one of the same language and script, as CLDR's likely subtags have it. So `de-AT` finds `de`, `zh-TW`
    /// finds `zh-Hant` and never `zh-Hans`, and `pt` finds `pt-BR` where that is all there is.
    pub fn nearest<'a>(&self, available: &'a [Self]) -> Option<&'a Self> {
        let (wanted, region) = self.likely();
        available
            .iter()
            .filter(|one| *one == self || one.likely().0 == wanted)
            .min_by_key(|one| {
                let variants = one.0.variants != self.0.variants;
                let at_home = one.0.region.is_some() && one.likely().1 == region;
                (
                    *one != self,
                    !at_home,
                    one.0.region.is_some(),
                    variants,
                    one.to_string(),
                )
            })
    }

    /// The language and script, and the region, that this means where it does not say so.
    fn likely(&self) -> ((Language, Option<Script>), Option<Region>) {
        let mut full = self.0.clone();
        // Bokmål is what CLDR's `no` is written in, and what who reads Nynorsk reads, too.
        if [language!("no"), language!("nn")].contains(&full.language) {
            full.language = language!("nb");
        }
        LIKELY.maximize(&mut full);
        // Who speaks Cantonese reads Chinese, in the script that theirs would be in.
        if full.language == language!("yue") {
            full.language = language!("zh");
        }
        ((full.language, full.script), full.region)
    }
}

/// Finds the language to write in among those `available`: of those `wanted`, the first that has one that is near enough, with
/// its reason; else English.
pub fn resolve_locale(
    wanted: &[(&Locale, LocaleSource)],
    available: &[Locale],
) -> (Locale, LocaleSource) {
    wanted
        .iter()
        .find_map(|(locale, source)| Some((locale.nearest(available)?.clone(), *source)))
        .unwrap_or((Locale::english(), LocaleSource::Fallback))
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        // 35 characters hold every tag without extensions (RFC 5646, 4.4.1).
        if text.len() > 35 {
            return Err(LocaleError);
        }
        let tag = text.trim().replace('_', "-");
        let identifier = LanguageIdentifier::try_from_str(&tag).map_err(|_| LocaleError)?;
        // What languages were called once is still what some programs write.
        let mut locale = identifier.into();
        NAMES.canonicalize(&mut locale);
        let identifier = locale.id;
        // Well-formed tags may have languages of 5 to 8 letters, but none is registered: `german` is a mistake.
        let length = identifier.language.as_str().len();
        if (2..=3).contains(&length) && !identifier.language.is_unknown() {
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

    fn nearest(asked: &str, available: &str) -> Option<String> {
        let available: Vec<_> = available.split(' ').map(locale).collect();
        locale(asked).nearest(&available).map(ToString::to_string)
    }

    #[test]
    fn a_tag_is_written_in_its_canonical_form() {
        assert_eq!(locale("DE_at").to_string(), "de-AT");
        assert_eq!(locale("zh_hant_tw").to_string(), "zh-Hant-TW");
        for (old, new) in [
            ("iw", "he"),
            ("in", "id"),
            ("cmn", "zh"),
            ("cmn-Hant", "zh-Hant"),
            ("mo", "ro"),
            ("sh", "sr-Latn"),
            ("sr-YU", "sr-RS"),
        ] {
            assert_eq!(locale(old).to_string(), new);
        }
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
    fn the_nearest_language_is_one_that_the_person_reads() {
        let there = "ar de en es fr he nb pt-BR zh-Hans zh-Hant";
        for (asked, found) in [
            ("pt-BR", Some("pt-BR")),
            ("pt", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            ("de-AT", Some("de")),
            ("en-GB", Some("en")),
            ("zh", Some("zh-Hans")),
            ("zh-TW", Some("zh-Hant")),
            ("zh-HK", Some("zh-Hant")),
            ("zh-SG", Some("zh-Hans")),
            ("no", Some("nb")),
            ("nn-NO", Some("nb")),
            ("iw-IL", Some("he")),
            ("ar-EG", Some("ar")),
            ("es-419", Some("es")),
            ("cmn", Some("zh-Hans")),
            ("cmn-TW", Some("zh-Hant")),
            // Who speaks Cantonese reads Chinese as it is written in Hong Kong.
            ("yue", Some("zh-Hant")),
            ("yue-Hans", Some("zh-Hans")),
            ("yue-CN", Some("zh-Hans")),
            // Written in letters that the one that there is is not written in.
            ("ar-Latn", None),
            ("it", None),
        ] {
            assert_eq!(nearest(asked, there).as_deref(), found, "{asked}");
        }
    }

    #[test]
    fn of_several_that_can_be_read_the_persons_own_region_is_first_and_the_general_one_second() {
        assert_eq!(nearest("de-AT", "de de-AT de-CH").unwrap(), "de-AT");
        assert_eq!(nearest("de-DE", "de de-AT de-CH").unwrap(), "de");
        assert_eq!(nearest("de", "de-CH de-DE").unwrap(), "de-DE");
        assert_eq!(nearest("pt-AO", "pt-BR pt").unwrap(), "pt");
        assert_eq!(nearest("de-LI", "de-CH de-AT").unwrap(), "de-AT");
        assert_eq!(nearest("yue", "zh-Hant yue").unwrap(), "yue");
        assert_eq!(nearest("sh", "sr sr-Latn").unwrap(), "sr-Latn");
        assert_eq!(nearest("mo", "ro").unwrap(), "ro");
    }

    #[test]
    fn arabic_and_hebrew_are_written_from_right_to_left() {
        let from_right =
            ["ar", "he", "fa", "ur", "az-Arab"].map(|tag| locale(tag).is_right_to_left());
        assert_eq!(from_right, [true; 5]);
        assert!(!locale("de").is_right_to_left() && !locale("ar-Latn").is_right_to_left());
    }

    #[test]
    fn the_language_is_looked_for_from_the_person_to_the_stack() {
        use LocaleSource::{ExternalDefault, Fallback, Invitee, TenantDefault};
        let available: Vec<_> = ["en", "de", "pt-BR"].map(locale).into();
        let find = |wanted: &[(&str, LocaleSource)]| {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(tag, source)| (locale(tag), *source))
                .collect();
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(locale, source)| (locale, *source))
                .collect();
            let (found, source) = resolve_locale(&wanted, &available);
            (found.to_string(), source)
        };
        assert_eq!(
            find(&[("pt-PT", Invitee), ("de", TenantDefault)]),
            ("pt-BR".into(), Invitee)
        );
        assert_eq!(
            find(&[("fr", Invitee), ("de-CH", TenantDefault)]),
            ("de".into(), TenantDefault)
        );
        assert_eq!(
            find(&[("fr", Invitee), ("it", ExternalDefault)]),
            ("en".into(), Fallback)
        );
    }
}
