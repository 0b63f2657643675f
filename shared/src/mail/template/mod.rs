//! Templates of mails, and what is made of them before SES sees them.
//!
//! Authors write `{{inviter_name}}` everywhere, and conditions around what depends on a value. SES gets only plain variables:
//! conditions are decided here, because SES documents them for stored templates alone; and the HTML part gets variables of
//! its own, with escaped values, because SES escapes nothing.

mod built_in;
mod check;
mod html;
mod syntax;
mod variable;

use std::sync::Arc;

use thiserror::Error;

#[cfg(test)]
pub(super) use self::check::longest;
use self::syntax::Part;
pub use self::{
    check::{Flaw, TemplateRefusal, check},
    syntax::{Place, SyntaxError, variable_names},
    variable::{Kind, VARIABLES, Variable},
};
use crate::domain::{Locale, LocaleSource, TemplateSource, resolve_locale};

/// What is appended to a variable's name in the HTML part.
pub(super) const HTML_SUFFIX: &str = "_html";

/// One mail in one language, read.
#[derive(Clone, Debug)]
pub struct Template {
    locale: Locale,
    subject: Part,
    text: Part,
    html: Part,
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

/// Why a template can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part}, line {line}, column {column}: {error}", line = place.line, column = place.column)]
pub struct TemplateError {
    /// Which part: `subject`, `text` or `html`.
    pub part: &'static str,
    /// Where.
    pub place: Place,
    /// What.
    pub error: SyntaxError,
}

/// The languages there are templates in, and the templates.
#[derive(Clone, Debug)]
pub struct Templates {
    locales: Vec<Locale>,
    own: Vec<Arc<Template>>,
}

impl Templates {
    /// The invitation in the languages Usher comes with.
    pub fn built_in() -> Self {
        Self {
            locales: built_in::locales(),
            own: vec![],
        }
    }

    /// The same, and a tenant's own: each stands in place of the one that Usher comes with. One that can't be read any more is
    /// left out, so that mail goes out all the same.
    pub fn with_own(own: impl IntoIterator<Item = (Locale, TemplateSource)>) -> Self {
        let mut all = Self::built_in();
        for (locale, source) in own {
            match Template::parse(&locale, &source) {
                Ok(template) => all.own.push(template.into()),
                Err(error) => {
                    tracing::error!(%locale, %error, "a tenant's own template can't be read");
                    continue;
                }
            }
            all.know(locale);
        }
        all
    }

    /// The languages Usher comes with and these, to choose from. Of the latter there are no templates here.
    pub fn with_locales(own: impl IntoIterator<Item = Locale>) -> Self {
        let mut all = Self::built_in();
        for locale in own {
            all.know(locale);
        }
        all
    }

    fn know(&mut self, locale: Locale) {
        if !self.locales.contains(&locale) {
            self.locales.push(locale);
        }
    }

    /// The languages there are.
    pub fn locales(&self) -> &[Locale] {
        &self.locales
    }

    /// In which language a person is written to, and why in that one.
    pub fn resolve(&self, wanted: &[(&Locale, LocaleSource)]) -> (Locale, LocaleSource) {
        resolve_locale(wanted, &self.locales)
    }

    /// What to remember of a person's language: the one that was asked for, else that of the template.
    pub fn choose(
        &self,
        asked: Option<(Locale, LocaleSource)>,
        defaults: &[(&Locale, LocaleSource)],
    ) -> (Locale, LocaleSource) {
        let Some((asked, source)) = asked else {
            return self.resolve(defaults);
        };
        let wanted: Vec<_> = [(&asked, source)]
            .into_iter()
            .chain(defaults.iter().copied())
            .collect();
        let (_, source) = self.resolve(&wanted);
        (asked, source)
    }

    /// The template for a locale that [`resolve`](Self::resolve) gave; the English one for any other. None only if Usher was
    /// built with a template that can't be read, which a test prevents.
    pub fn get(&self, locale: &Locale) -> Option<Arc<Template>> {
        let own = self.own.iter().find(|own| own.locale == *locale);
        own.cloned().or_else(|| built_in::template(locale))
    }
}

/// The template of exactly this language that Usher comes with, as its author wrote it.
pub fn built_in_source(locale: &Locale) -> Option<TemplateSource> {
    let (found, source) = built_in::source(locale)?;
    (found == *locale).then_some(source)
}

/// What somebody begins with in a language that Usher has no words in: the English ones, laid out as the language runs.
pub fn english_source(locale: &Locale) -> Option<TemplateSource> {
    built_in::english(locale)
}

impl Template {
    /// Reads a template.
    pub fn parse(locale: &Locale, source: &TemplateSource) -> Result<Self, TemplateError> {
        let parse = |part, text| {
            Part::parse(text).map_err(|(place, error)| TemplateError { part, place, error })
        };
        Ok(Self {
            locale: locale.clone(),
            subject: parse("subject", &source.subject)?,
            text: parse("text", &source.text)?,
            html: parse("html", &source.html)?,
        })
    }

    /// The template's language.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }

    /// The content for mails of which `has` says which variables have a value.
    pub fn content(&self, has: impl Fn(&str) -> bool) -> Content {
        Content {
            subject: self.subject.decide(&has, ""),
            text: self.text.decide(&has, ""),
            html: self.html.decide(&has, HTML_SUFFIX),
        }
    }
}
