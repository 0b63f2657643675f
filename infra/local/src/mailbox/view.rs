//! What the page shows, ready for its template.

use std::sync::Arc;

use handlebars::{Handlebars, RenderError};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::Mail;

const TEMPLATE: &str = include_str!("mailbox.html");

/// The part of a mail that is shown.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tab {
    #[default]
    Html,
    Text,
    Details,
}

#[derive(Serialize)]
pub(super) struct View<'a> {
    count: usize,
    search: &'a str,
    #[serde(skip)]
    before: Option<usize>,
    nothing_sent: bool,
    nothing_found: bool,
    mails: Vec<Row<'a>>,
    newest_href: Option<String>,
    older_href: Option<String>,
    list_href: String,
    open: Option<OpenMail<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    href: String,
    #[serde(skip)]
    message_id: &'a str,
    subject: &'a str,
    to: &'a str,
    sent_at: String,
    is_open: bool,
}

#[derive(Serialize)]
struct OpenMail<'a> {
    mail: &'a Mail,
    sent_at: String,
    html_src: Option<String>,
    tab: Tab,
    html_href: String,
    text_href: String,
    details_href: String,
}

impl<'a> View<'a> {
    pub(super) fn new(
        count: usize,
        search: &'a str,
        before: Option<usize>,
        mails: &'a [(usize, Arc<Mail>)],
        has_older: bool,
    ) -> Self {
        let oldest = mails
            .last()
            .map(|(number, _)| *number)
            .filter(|_| has_older);
        Self {
            count,
            search,
            before,
            nothing_sent: count == 0,
            nothing_found: count > 0 && mails.is_empty(),
            mails: mails
                .iter()
                .map(|(_, mail)| row(mail, search, before))
                .collect(),
            newest_href: before.map(|_| href(None, search, None, None)),
            older_href: oldest.map(|number| href(None, search, Some(number), None)),
            list_href: href(None, search, before, None),
            open: None,
        }
    }

    /// Shows a mail beside the list. A mail without HTML opens as text.
    pub(super) fn opening(mut self, mail: Option<&'a Mail>, tab: Tab) -> Self {
        let Some(mail) = mail else {
            return self;
        };
        let tab = if tab == Tab::Html && mail.html.is_empty() {
            Tab::Text
        } else {
            tab
        };
        let href = |name| href(Some(&mail.message_id), self.search, self.before, name);
        self.open = Some(OpenMail {
            mail,
            sent_at: mail.sent_at.to_string(),
            html_src: (!mail.html.is_empty())
                .then(|| format!("/_local/mail/{}/html", encode(&mail.message_id))),
            tab,
            html_href: href(None),
            text_href: href(Some("text")),
            details_href: href(Some("details")),
        });
        for row in &mut self.mails {
            row.is_open = row.message_id == mail.message_id;
        }
        self
    }

    pub(super) fn render(&self) -> Result<String, RenderError> {
        Handlebars::new().render_template(TEMPLATE, self)
    }
}

fn row<'a>(mail: &'a Mail, search: &str, before: Option<usize>) -> Row<'a> {
    Row {
        href: href(Some(&mail.message_id), search, before, None),
        message_id: &mail.message_id,
        subject: &mail.subject,
        to: &mail.to,
        sent_at: mail.sent_at.to_string(),
        is_open: false,
    }
}

fn href(
    message_id: Option<&str>,
    search: &str,
    before: Option<usize>,
    tab: Option<&str>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !search.is_empty() {
        query.append_pair("to", search);
    }
    if let Some(before) = before {
        query.append_pair("before", &before.to_string());
    }
    if let Some(tab) = tab {
        query.append_pair("tab", tab);
    }
    let path = message_id.map_or(String::new(), |id| format!("/{}", encode(id)));
    match query.finish() {
        query if query.is_empty() => format!("/_local/mail{path}"),
        query => format!("/_local/mail{path}?{query}"),
    }
}

fn encode(segment: &str) -> String {
    form_urlencoded::byte_serialize(segment.as_bytes()).collect()
}

/// The mail's HTML, whose links leave the frame they are shown in.
///
/// The element goes where a parser would put it anyway, as one before the doctype would change how the mail looks.
pub(super) fn opening_links_in_tabs(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let end_of = |tag: &str| {
        let start = lower.find(tag)?;
        Some(start + lower[start..].find('>')? + 1)
    };
    let at = end_of("<head>")
        .or_else(|| end_of("<head "))
        .or_else(|| end_of("<html"));
    let at = at.or_else(|| end_of("<!doctype")).unwrap_or(0);
    format!("{}<base target=\"_blank\">{}", &html[..at], &html[at..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::tests::mail;

    fn page(mails: Vec<Mail>, open: Option<&Mail>, tab: Tab) -> String {
        let mails: Vec<_> = mails.into_iter().map(Arc::new).enumerate().collect();
        View::new(mails.len(), "", None, &mails, false)
            .opening(open, tab)
            .render()
            .unwrap()
    }

    #[test]
    fn everything_a_mail_brings_is_escaped() {
        let evil = "\"'><script>alert(1)</script>";
        let mail = Mail {
            to: evil.into(),
            from: evil.into(),
            subject: evil.into(),
            text: evil.into(),
            headers: [(evil.to_owned(), evil.to_owned())].into(),
            tags: [(evil.to_owned(), evil.to_owned())].into(),
            message_id: evil.into(),
            ..mail(1)
        };
        for tab in [Tab::Html, Tab::Text, Tab::Details] {
            let html = page(vec![mail.clone()], Some(&mail), tab);
            assert!(!html.contains("<script>alert"), "{html}");
            assert!(!html.contains("\"'>"), "{html}");
        }
    }

    #[test]
    fn an_empty_mailbox_says_what_to_do() {
        assert!(page(vec![], None, Tab::Html).contains("Invite somebody"));
    }

    #[test]
    fn a_mail_without_html_opens_as_text() {
        let mail = Mail {
            html: String::new(),
            ..mail(1)
        };
        let html = page(vec![mail.clone()], Some(&mail), Tab::Html);
        assert!(html.contains("<pre") && !html.contains("<iframe"), "{html}");
    }

    #[test]
    fn links_of_a_mail_open_in_a_tab_and_its_doctype_stays_first() {
        let base = "<base target=\"_blank\">";
        let with = |html| opening_links_in_tabs(html);
        assert_eq!(with("<p>a</p>"), format!("{base}<p>a</p>"));
        assert_eq!(
            with("<!DOCTYPE html><p>a"),
            format!("<!DOCTYPE html>{base}<p>a")
        );
        assert_eq!(
            with("<!doctype html><html lang=\"de\"><HEAD><title>ä</title>"),
            format!("<!doctype html><html lang=\"de\"><HEAD>{base}<title>ä</title>")
        );
        assert_eq!(with("<html><header>a"), format!("<html>{base}<header>a"));
    }
}
