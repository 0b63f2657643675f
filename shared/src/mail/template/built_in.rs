//! The mail that Usher comes with: one layout, and for each language the words in it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use super::{Kind, Template, Variable};
use crate::domain::{Locale, TemplateSource};

const SUBJECT: &str = include_str!("../../../templates/invitation/layout.subject");
const TEXT: &str = include_str!("../../../templates/invitation/layout.txt");
const HTML: &str = include_str!("../../../templates/invitation/layout.html");

macro_rules! words {
    ($($locale:literal),+ $(,)?) => {
        /// The languages, English first, and their words as JSON.
        const WORDS: &[(&str, &str)] = &[$((
            $locale,
            include_str!(concat!("../../../templates/invitation/", $locale, ".json")),
        )),+];
    };
}

words!(
    "en", "ar", "cs", "da", "de", "el", "es", "fi", "fr", "he", "hu", "id", "it", "ja", "ko", "nb",
    "nl", "pl", "pt-BR", "ro", "ru", "sv", "tr", "uk", "vi", "zh-Hans", "zh-Hant",
);

/// The languages that there are words in.
pub(super) fn locales() -> Vec<Locale> {
    let tags = WORDS.iter().map(|(tag, _)| tag.parse());
    tags.filter_map(Result::ok).collect()
}

/// The mail in this language, or in English if there are no words in it, and in which of them it is.
pub(super) fn source(locale: &Locale) -> Option<(Locale, TemplateSource)> {
    let (tag, words) = WORDS[nth(locale)];
    let locale: Locale = tag.parse().ok()?;
    let source = laid_out(words, &locale)?;
    Some((locale, source))
}

/// The same, read: once for all mails.
pub(super) fn template(locale: &Locale) -> Option<Arc<Template>> {
    static READ: [OnceLock<Option<Arc<Template>>>; WORDS.len()] =
        [const { OnceLock::new() }; WORDS.len()];
    let read = || {
        let (locale, source) = source(locale)?;
        Some(Template::parse(&locale, &source).ok()?.into())
    };
    READ[nth(locale)].get_or_init(read).clone()
}

/// Which of the languages it is; English if it is none of them.
fn nth(locale: &Locale) -> usize {
    let asked = locale.to_string();
    let found = WORDS.iter().position(|(tag, _)| *tag == asked);
    found.unwrap_or(0)
}

/// The English words, laid out for this language.
pub(super) fn english(locale: &Locale) -> Option<TemplateSource> {
    laid_out(WORDS[0].1, locale)
}

fn laid_out(words: &str, locale: &Locale) -> Option<TemplateSource> {
    let words: BTreeMap<String, String> = serde_json::from_str(words).ok()?;
    let part = |layout, mark_up| fill(layout, &words, locale, mark_up);
    Some(TemplateSource {
        subject: part(SUBJECT.trim_end(), None),
        text: part(TEXT, None),
        html: part(HTML, Some(marked_up)),
    })
}

/// Replaces each `[[key]]` by the words. `[[plain:key]]` stands where no element may.
fn fill(
    layout: &str,
    words: &BTreeMap<String, String>,
    locale: &Locale,
    mark_up: Option<fn(&str) -> String>,
) -> String {
    let (start, direction) = if locale.is_right_to_left() {
        ("right", "rtl")
    } else {
        ("left", "ltr")
    };
    let said = |key: &str| words.get(key).cloned().unwrap_or_default();
    let mut out = String::with_capacity(layout.len() * 2);
    let mut rest = layout;
    while let Some((before, key, after)) = next(rest, "[[", "]]") {
        out.push_str(before);
        out.push_str(&match (key, key.strip_prefix("plain:"), mark_up) {
            ("lang", ..) => locale.to_string(),
            ("dir", ..) => direction.to_owned(),
            ("start", ..) => start.to_owned(),
            (_, Some(key), _) | (key, None, None) => said(key),
            (key, None, Some(mark_up)) => mark_up(&said(key)),
        });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What stands before the next such brackets, in them, and after them.
fn next<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (before, rest) = text.split_once(open)?;
    let (inner, after) = rest.split_once(close)?;
    Some((before, inner, after))
}

/// Keeps what people have written from turning the sentence around it.
fn marked_up(words: &str) -> String {
    let mut out = String::with_capacity(words.len() + 32);
    let mut rest = words;
    while let Some((before, tag, after)) = next(rest, "{{", "}}") {
        out.push_str(before);
        let isolated = Variable::named(tag).is_some_and(|variable| variable.kind == Kind::Text);
        let (open, close) = if isolated {
            ("<bdi>", "</bdi>")
        } else {
            ("", "")
        };
        out.extend([open, "{{", tag, "}}", close]);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words(text: &str) -> BTreeMap<String, String> {
        serde_json::from_str(text).unwrap()
    }

    fn keys(layout: &str) -> impl Iterator<Item = &str> {
        let keys = layout.split("[[").skip(1);
        let keys = keys.filter_map(|rest| Some(rest.split_once("]]")?.0));
        keys.map(|key| key.strip_prefix("plain:").unwrap_or(key))
            .filter(|key| !["lang", "dir", "start"].contains(key))
    }

    fn variables(text: &str) -> BTreeSet<&str> {
        let tags = text.split("{{").skip(1);
        tags.filter_map(|rest| Some(rest.split_once("}}")?.0))
            .collect()
    }

    #[test]
    fn every_language_says_what_the_layout_asks_for_and_nothing_else() {
        let asked: BTreeSet<_> = [SUBJECT, TEXT, HTML].into_iter().flat_map(keys).collect();
        let english = words(WORDS[0].1);
        for (tag, text) in WORDS {
            let words = words(text);
            let said: BTreeSet<_> = words.keys().map(String::as_str).collect();
            assert_eq!(said, asked, "{tag}");
            assert_eq!(
                text.lines().count(),
                said.len() + 2,
                "{tag} says something twice"
            );
            for (key, sentence) in &words {
                assert_eq!(
                    variables(sentence),
                    variables(&english[key]),
                    "{tag}: {key}"
                );
                let markup = ['<', '>', '&', '"', '\n', '[', ']'];
                assert!(!sentence.contains(markup), "{tag}: {key}");
                assert_eq!(sentence.trim(), sentence, "{tag}: {key}");
                // What people quote with, a web address and a name may be the same everywhere.
                let translated = *tag == "en" || key == "quote" || *sentence != english[key];
                assert!(translated && !sentence.is_empty(), "{tag}: {key}");
            }
        }
    }

    #[test]
    fn a_template_is_read_once() {
        let read = |tag: &str| template(&tag.parse().unwrap()).unwrap();
        assert!(Arc::ptr_eq(&read("de"), &read("de")));
        assert!(Arc::ptr_eq(&read("en"), &read("eu")));
        assert!(!Arc::ptr_eq(&read("de"), &read("en")));
    }

    #[test]
    fn every_language_is_filed_under_its_own_tag_and_english_comes_first() {
        let tags: Vec<_> = locales().iter().map(ToString::to_string).collect();
        let filed: Vec<_> = WORDS.iter().map(|(tag, _)| (*tag).to_owned()).collect();
        assert_eq!(tags, filed);
        assert_eq!(tags[0], "en");
        assert!(tags[1..].is_sorted());
    }
}
