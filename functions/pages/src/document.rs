//! A page in the languages there are. A script says nearly everything in it; but what it says before or without one, it says in
//! the browser's language.

use std::{io, sync::OnceLock};

use lambda_http::http::{HeaderMap, header};
use usher::domain::Locale;

use crate::{assets, page::Page, sign_in::SignIn};

/// A page, made in a language when it is first asked for in it.
#[derive(Debug)]
pub(crate) struct Document {
    template: &'static str,
    values: Vec<(&'static str, String)>,
    languages: Vec<Locale>,
    pages: Vec<OnceLock<Page>>,
}

impl Document {
    /// The page for a product, and for those who sign in somewhere.
    pub(crate) fn new(
        template: &'static str,
        product_name: &str,
        sign_in: Option<&SignIn>,
    ) -> Self {
        let documents = assets::documents().iter();
        let languages: Vec<Locale> = documents.filter_map(|(tag, _)| tag.parse().ok()).collect();
        let tags: Vec<_> = languages.iter().map(ToString::to_string).collect();
        let mut values = vec![
            ("assets", assets::root()),
            ("product_name", product_name.to_owned()),
            ("languages", tags.join(" ")),
        ];
        if let Some(sign_in) = sign_in {
            let logout_url = sign_in.logout_url.as_ref();
            values.extend([
                ("authorize_url", sign_in.authorize_url.to_string()),
                ("token_url", sign_in.token_url.to_string()),
                ("client_id", sign_in.client_id.clone()),
                ("scopes", sign_in.scopes.clone()),
                (
                    "logout_url",
                    logout_url.map_or_else(String::new, ToString::to_string),
                ),
            ]);
        }
        Self {
            template,
            values,
            pages: languages.iter().map(|_| OnceLock::new()).collect(),
            languages,
        }
    }

    /// The page in the language that the browser asks for.
    pub(crate) fn page(&self, headers: &HeaderMap) -> io::Result<&Page> {
        let nth = self.language(headers);
        let (Some(page), Some((tag, said))) = (self.pages.get(nth), assets::documents().get(nth))
        else {
            return Err(io::Error::other("there is no page in any language"));
        };
        if let Some(page) = page.get() {
            return Ok(page);
        }
        let from_right = self
            .languages
            .get(nth)
            .is_some_and(Locale::is_right_to_left);
        let mut values: Vec<_> = self
            .values
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        values.extend(said);
        values.push(("language", tag));
        values.push(("direction", if from_right { "rtl" } else { "ltr" }));
        let made = Page::new(self.template, &values)?;
        Ok(page.get_or_init(|| made))
    }

    /// Which of the languages comes nearest to what the browser wants most; English if none does.
    fn language(&self, headers: &HeaderMap) -> usize {
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        let accepted = accepted
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut wanted: Vec<(f32, Locale)> = accepted
            .split(',')
            .filter_map(|range| {
                let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
                Some((quality.trim().parse().ok()?, tag.trim().parse().ok()?))
            })
            .collect();
        // Browsers list them in order; a stable sort keeps it where they are wanted alike.
        wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let english = Locale::english();
        let mut wanted = wanted.iter().map(|(_, locale)| locale).chain([&english]);
        let found = wanted.find_map(|locale| locale.nearest(&self.languages));
        let place = found.and_then(|found| self.languages.iter().position(|one| one == found));
        place.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_speaks_the_browsers_language_before_any_script_does() {
        let html = include_str!("../web/accept.html");
        let document = Document::new(html, "Acme", None);
        let language = |accepted: &'static str| {
            let headers = [(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted))];
            let page = document.page(&headers.into_iter().collect()).unwrap();
            let (_, rest) = page.plain.split_once("<html lang=\"").unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        for (accepted, found) in [
            ("de-CH, en;q=0.8", "de"),
            ("en;q=0.5, ar-EG;q=0.9", "ar"),
            ("tlh, de;q=0.3", "de"),
            ("*", "en"),
            ("", "en"),
            (";;q=x,,", "en"),
        ] {
            assert_eq!(language(accepted), found, "{accepted}");
        }
    }

    #[test]
    fn every_language_has_what_a_document_says() {
        for (tag, said) in assets::documents() {
            for (key, words) in said {
                assert!(!words.is_empty(), "{tag}: {key}");
            }
        }
    }
}
