//! The sentences, one catalogue a language.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use icu_plurals::{PluralCategory, PluralRules};
use serde::de::DeserializeOwned;
use usher::{
    domain::{DeliveryStatus, HistoryKind, Locale, StateName},
    mail::Templates,
};

use super::{PAGES, asset, between, modules, parts, read, repository};

type Catalogue = BTreeMap<String, String>;

const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

fn languages() -> Vec<String> {
    let templates = Templates::built_in();
    templates
        .locales()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn file(language: &str) -> String {
    read(&format!("functions/pages/web/texts.{language}.json"))
}

fn catalogue(language: &str) -> Catalogue {
    serde_json::from_str(&file(language)).unwrap()
}

/// What is sent of it.
fn part(name: &str, language: &str) -> Catalogue {
    serde_json::from_str(asset(&format!("{name}.{language}.json"))).unwrap()
}

fn catalogues() -> impl Iterator<Item = (String, Catalogue)> {
    languages().into_iter().map(|language| {
        let texts = catalogue(&language);
        (language, texts)
    })
}

/// The sentence that a key is a plural form of, if it is one, and which form. English shows which sentences have forms.
fn plural<'a>(key: &'a str, english: &Catalogue) -> Option<(&'a str, &'a str)> {
    let (sentence, form) = key.rsplit_once('.')?;
    let said = |form: &str| english.contains_key(&format!("{sentence}.{form}"));
    (FORMS.contains(&form) && said("one") && said("other")).then_some((sentence, form))
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    between(text, "{", "}").collect()
}

#[test]
fn every_language_says_the_same_sentences() {
    let english = catalogue("en");
    let sentences = |texts: &Catalogue| -> BTreeSet<String> {
        let sentence =
            |key: &String| plural(key, &english).map_or(key.clone(), |(key, _)| key.to_owned());
        texts.keys().map(sentence).collect()
    };
    let said = sentences(&english);
    for (language, texts) in catalogues() {
        let differing: Vec<_> = said
            .symmetric_difference(&sentences(&texts))
            .cloned()
            .collect();
        assert_eq!(differing, [""; 0], "{language}");
    }
}

#[test]
fn every_sentence_about_a_number_has_the_forms_of_its_language() {
    let english = catalogue("en");
    for (language, texts) in catalogues() {
        let locale = language.parse::<Locale>().unwrap();
        let rules = PluralRules::try_new_cardinal(locale.identifier().clone().into()).unwrap();
        let needed: BTreeSet<_> = rules
            .categories()
            .map(|category| match category {
                PluralCategory::Zero => "zero",
                PluralCategory::One => "one",
                PluralCategory::Two => "two",
                PluralCategory::Few => "few",
                PluralCategory::Many => "many",
                PluralCategory::Other => "other",
            })
            .collect();
        let mut forms: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (sentence, form) in texts.keys().filter_map(|key| plural(key, &english)) {
            forms.entry(sentence).or_default().insert(form);
        }
        for (sentence, forms) in forms {
            assert_eq!(forms, needed, "{language}: {sentence}");
        }
    }
}

#[test]
fn every_language_names_the_same_values() {
    let english = catalogue("en");
    for (language, texts) in catalogues() {
        for (key, text) in &texts {
            let values = placeholders(text);
            match plural(key, &english) {
                // "One person" need not name the number.
                Some((sentence, form)) => {
                    let all = placeholders(&english[&format!("{sentence}.other")]);
                    let missing: Vec<_> = all.symmetric_difference(&values).collect();
                    let may_miss = form != "other" && missing.iter().all(|name| **name == "n");
                    assert!(missing.is_empty() || may_miss, "{language}: {key}");
                }
                None => assert_eq!(values, placeholders(&english[key]), "{language}: {key}"),
            }
        }
    }
}

#[test]
fn every_sentence_is_there_once_and_is_not_empty() {
    for (language, texts) in catalogues() {
        let file = file(&language);
        let keys: Vec<_> = file
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix('"')?.split_once('"'))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(
            keys.len(),
            texts.len(),
            "{language}: a key stands there twice"
        );
        for (key, text) in &texts {
            assert!(!text.trim().is_empty(), "{language}: {key}");
        }
        let mut areas: Vec<_> = keys
            .iter()
            .filter_map(|key| key.split('.').next())
            .collect();
        areas.dedup();
        assert!(areas.is_sorted(), "{language}: {areas:?}");
    }
}

#[test]
fn every_language_of_the_mails_names_the_button_as_the_page_does() {
    for (language, texts) in catalogues() {
        let mail = read(&format!("shared/templates/invitation/{language}.json"));
        let mail: Catalogue = serde_json::from_str(&mail).unwrap();
        assert_eq!(mail["decline"], texts["accept.decline"], "{language}");
    }
}

#[test]
fn there_is_a_catalogue_for_each_language_and_no_other() {
    let mut named = languages();
    named.sort();
    for (_, html) in PAGES {
        let (first, later) = parts(html);
        for part in later.into_iter().chain([first]) {
            let found = crate::assets::all().iter().filter_map(|file| {
                let rest = file.name.strip_prefix(part)?.strip_prefix('.')?;
                rest.strip_suffix(".json")
            });
            assert_eq!(found.collect::<Vec<_>>(), named, "{part}");
        }
    }
}

/// The names of an enum: serde lists them when it is given none of them.
fn names<T: DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let error = serde_json::from_str::<T>("\"?\"").unwrap_err().to_string();
    let names = between(&error, "`", "`").filter(|name| *name != "?");
    let names: Vec<_> = names.map(ToOwned::to_owned).collect();
    assert!(names.len() > 2, "{error}");
    names
}

#[test]
fn whatever_becomes_of_people_and_mails_can_be_said() {
    let all = [
        ("state", names::<StateName>()),
        ("delivery", names::<DeliveryStatus>()),
        ("history", names::<HistoryKind>()),
    ];
    for (area, name) in all
        .iter()
        .flat_map(|(area, names)| names.iter().map(move |name| (area, name)))
    {
        assert!(
            catalogue("en").contains_key(&format!("{area}.{name}")),
            "{area}.{name}"
        );
    }
}

/// The codes in the first columns of the tables that have this head.
fn tables(readme: &str, head: &str) -> BTreeSet<String> {
    let tables = readme.split(head).skip(1);
    let rows = tables.flat_map(|table| {
        let rows = table.lines().skip(2);
        rows.take_while(|line| line.starts_with("| "))
    });
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let codes = cells.flat_map(|cell| between(cell, "`", "`"));
    let codes: BTreeSet<_> = codes.map(ToOwned::to_owned).collect();
    assert!(codes.len() > 5, "{head}");
    codes
}

#[test]
fn every_outcome_and_every_problem_of_the_mail_doctor_can_be_said() {
    let (readme, texts) = (read("README.md"), catalogue("en"));
    for outcome in tables(&readme, "\n| outcome | |") {
        assert!(
            texts.contains_key(&format!("outcome.{outcome}")),
            "outcome.{outcome}"
        );
    }
    for code in tables(&readme, "\n| problem | severity | |") {
        assert!(
            texts.contains_key(&format!("health.{code}")),
            "health.{code}"
        );
        assert!(
            texts.contains_key(&format!("health.{code}.hint")),
            "health.{code}.hint"
        );
    }
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            found.push(
                text.split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
}

#[test]
fn every_problem_of_the_api_can_be_said_with_a_way_on() {
    let mut files = vec![];
    sources(&repository("shared/src/http"), &mut files);
    for function in fs::read_dir(repository("functions")).unwrap() {
        sources(&function.unwrap().path().join("src"), &mut files);
    }
    let is_code =
        |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let codes: BTreeSet<_> = files
        .iter()
        .flat_map(|file| {
            let new = file.split("Problem::new(").skip(1);
            let bad = file.split("bad_request(").skip(1);
            // The code is the first text among the arguments.
            new.chain(bad)
                .filter_map(|call| between(call.split(");").next()?, "\"", "\"").next())
        })
        .filter(is_code)
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    let texts = catalogue("en");
    for code in codes {
        assert!(
            texts.contains_key(&format!("problem.{code}")),
            "problem.{code}"
        );
        assert!(
            texts.contains_key(&format!("problem.{code}.hint")),
            "problem.{code}.hint"
        );
    }
}

#[test]
fn every_sentence_that_a_page_asks_for_is_loaded_by_then() {
    let all = catalogue("en");
    let areas: BTreeSet<_> = all.keys().filter_map(|key| key.split('.').next()).collect();
    let is_key = |text: &&str| {
        let plain = text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c));
        plain
            && !text.ends_with('.')
            && *text != "mail.com"
            && text
                .split_once('.')
                .is_some_and(|(area, _)| areas.contains(area))
    };
    for (name, html) in PAGES {
        let (first, later) = parts(html);
        let at_once = part(first, "en");
        let mut in_the_end = at_once.clone();
        in_the_end.extend(later.into_iter().flat_map(|name| part(name, "en")));
        let modules_at_once = modules(html, false);
        let sources = modules(html, true).into_iter().map(|module| {
            let at_once = modules_at_once.contains(module);
            (module, asset(module), at_once)
        });
        for (source, text, early) in sources.chain([(name, html, true)]) {
            let texts = if early { &at_once } else { &in_the_end };
            for key in text.split('"').filter(is_key) {
                let said = texts.contains_key(key)
                    || texts.contains_key(&format!("{key}.other"))
                    || texts
                        .keys()
                        .any(|known| known.starts_with(&format!("{key}.")));
                assert!(said, "{source} asks for {key}");
            }
        }
    }
}
