//! Templates of mails, and what is made of them before SES sees them.
//!
//! Authors write `{{inviter_name}}` everywhere, and `{{#if message}}..{{else}}..{{/if}}` (not nested) around what
//! depends on a value. SES gets only plain variables: conditions are decided here, because SES documents them for
//! stored templates alone; and the HTML part gets variables of its own, with escaped values, because SES escapes
//! nothing.

use std::fmt::Write;

use crate::domain::{Locale, LocaleSource, resolve_locale};

/// What is appended to a variable's name in the HTML part.
pub(super) const HTML_SUFFIX: &str = "_html";

/// One mail in one language, as its author wrote it.
#[derive(Clone, Debug)]
pub struct Template {
    locale: Locale,
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

/// The three parts of a mail, in SES's template language, with nothing but plain variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// The templates there are.
#[derive(Clone, Debug)]
pub struct Templates {
    all: Vec<Template>,
    locales: Vec<Locale>,
}

macro_rules! built_in {
    ($locale:literal) => {
        Template {
            locale: $locale.parse().unwrap_or_else(|_| Locale::english()),
            subject: include_str!(concat!(
                "../../templates/invitation/",
                $locale,
                "/subject.txt"
            )),
            text: include_str!(concat!("../../templates/invitation/", $locale, "/text.txt")),
            html: include_str!(concat!(
                "../../templates/invitation/",
                $locale,
                "/html.html"
            )),
        }
    };
}

impl Templates {
    /// The invitation in the languages Usher comes with.
    pub fn built_in() -> Self {
        let all = vec![built_in!("en"), built_in!("de"), built_in!("ar")];
        let locales = all.iter().map(|template| template.locale.clone()).collect();
        Self { all, locales }
    }

    /// The languages there are.
    pub fn locales(&self) -> &[Locale] {
        &self.locales
    }

    /// Which template a person is written to with, and how it was found.
    pub fn resolve(
        &self,
        asked: Option<&Locale>,
        tenant_default: &Locale,
    ) -> (Locale, LocaleSource) {
        resolve_locale(asked, tenant_default, &self.locales)
    }

    /// What to remember of a person's language: the one that was asked for, else that of the template.
    pub fn choose(&self, asked: Option<Locale>, tenant_default: &Locale) -> (Locale, LocaleSource) {
        let (found, source) = self.resolve(asked.as_ref(), tenant_default);
        (asked.unwrap_or(found), source)
    }

    /// The template for a locale that [`resolve`](Self::resolve) gave; English for any other.
    pub fn get(&self, locale: &Locale) -> &Template {
        self.all
            .iter()
            .find(|template| template.locale == *locale)
            .unwrap_or(&self.all[0])
    }
}

impl Template {
    /// The template's language.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }

    /// The content for mails of which `has` says which variables have a value.
    pub fn content(&self, has: impl Fn(&str) -> bool) -> Content {
        Content {
            subject: decide(self.subject.trim_end(), &has, ""),
            text: decide(self.text, &has, ""),
            html: decide(self.html, &has, HTML_SUFFIX),
        }
    }
}

/// Decides every condition, and appends `suffix` to every variable's name.
fn decide(template: &str, has: &impl Fn(&str) -> bool, suffix: &str) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut shown = true;
    let mut rest = template;
    while let Some((before, tag, after)) = next_tag(rest) {
        if shown {
            out.push_str(before);
        }
        match tag.strip_prefix("#if ") {
            Some(name) => shown = has(name.trim()),
            None if tag == "else" => shown = !shown,
            None if tag == "/if" => shown = true,
            // Writing to a String can't fail.
            None if shown => _ = write!(out, "{{{{{tag}{suffix}}}}}"),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (tag, after) = rest.split_once("}}")?;
    Some((before, tag.trim(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_decided_and_html_gets_variables_of_its_own() {
        let template = "{{#if a}}A {{ a }}{{else}}no a{{/if}} {{b}}";
        assert_eq!(decide(template, &|name| name == "a", ""), "A {{a}} {{b}}");
        assert_eq!(decide(template, &|_| false, "_html"), "no a {{b_html}}");
    }

    #[test]
    fn built_in_templates_use_known_variables_and_close_their_conditions() {
        let known = [
            "accept_url",
            "email",
            "expires_on",
            "invitee_name",
            "inviter_name",
            "message",
            "product_name",
            "reminder",
        ];
        for template in &Templates::built_in().all {
            for part in [template.subject, template.text, template.html] {
                let mut rest = part;
                let mut open = false;
                while let Some((_, tag, after)) = next_tag(rest) {
                    match tag.strip_prefix("#if ") {
                        Some(name) => {
                            assert!(!open && known.contains(&name), "{tag}");
                            open = true;
                        }
                        None if tag == "/if" => open = false,
                        None if tag == "else" => assert!(open),
                        None => assert!(known.contains(&tag), "{tag}"),
                    }
                    rest = after;
                }
                assert!(!open && !rest.contains("}}"));
            }
            assert!(!template.subject.trim_end().contains('\n'));
        }
    }

    #[test]
    fn every_built_in_template_is_filed_under_its_own_language() {
        let locales: Vec<_> = Templates::built_in()
            .locales
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(locales, ["en", "de", "ar"]);
    }
}
