//! What keeps a template from being saved: whatever would fail at sending, reach nobody, or let others write into the mail.
//!
//! It is rendered for every combination of values that are there and not, with values that nobody could wish worse, and the
//! HTML is read as a mail program reads it. So nothing depends on how the author has written it.

use thiserror::Error;

use super::{
    Kind, Place, SyntaxError, Template, Variable, html,
    syntax::{Part, Piece, place},
};
use crate::domain::{Locale, TemplateSource, is_seen};

/// All parts together, in bytes: a row of DynamoDB has 400 KB, and of a mail over 102 KB Gmail shows the beginning only.
const MOST_BYTES: usize = 350_000;
/// A part with the longest values in it, in bytes: beyond that SES sends no mail.
const MOST_RENDERED: usize = 1_000_000;
/// The longest subject in bytes, without its values. Programs show 60 to 80 characters of it.
const LONGEST_SUBJECT: usize = 500;

/// Why a template is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{flaw}")]
pub struct TemplateRefusal {
    /// Which part: `subject`, `text` or `html`.
    pub part: &'static str,
    /// Where, if it is anywhere.
    pub place: Option<Place>,
    /// What.
    pub flaw: Flaw,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// It can't be read.
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    /// Its parts are too large.
    #[error("the parts together have {0} bytes, and may have 350000")]
    TooLarge(usize),
    /// The subject is too long.
    #[error("the subject has {0} bytes, and may have 500")]
    LongSubject(usize),
    /// A mail would be too large.
    #[error(
        "with the longest values it has up to {0} bytes{1}, and may have {MOST_RENDERED}: name {{{{message}}}} and the like less often"
    )]
    LargeMail(usize, Without),
    /// A character that is none to be seen.
    #[error("control characters can't be in a mail, but for tabs and line breaks")]
    Control,
    /// The subject is empty, at least for some.
    #[error("there is nothing in it{0}")]
    Empty(Without),
    /// The subject has more than one line.
    #[error("the subject must be one line, without control characters")]
    Lines,
    /// Something in the subject that may have several lines, or that is secret.
    #[error("{{{{{0}}}}} can't stand in the subject")]
    NotInSubject(&'static str),
    /// Nobody could register.
    #[error("{{{{accept_url}}}} is missing{0}: the person could not register")]
    NoLink(Without),
    /// Nobody would find how to register.
    #[error(
        "{{{{accept_url}}}} stands only where nobody sees it{0}: make it the href of an <a>, or write it as text"
    )]
    UnseenLink(Without),
    /// A part of HTML that mail programs take out, read each in their own way, or take the mail for an attack because of.
    #[error("<{0}> can't be in a mail")]
    Element(String),
    /// An attribute that runs a script.
    #[error("{0} can't be in a mail: it would be a script")]
    Handler(String),
    /// A link that runs a script.
    #[error("a link can't begin with {0}")]
    Scheme(String),
    /// A value that could leave the place where it stands.
    #[error(
        "{{{{{0}}}}} has to stand in text, or in quotes: here it could become part of the HTML"
    )]
    Loose(&'static str),
    /// Something that people have written, as a link.
    #[error("{{{{{0}}}}} can't be where a link leads: people have written it")]
    NotALink(&'static str),
    /// A flag has nothing to print.
    #[error("{{{{{0}}}}} has nothing to print: ask for it with {{{{#if {0}}}}}")]
    NothingToPrint(&'static str),
}

/// Of which values a mail has none where something is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without(Vec<&'static str>);

impl std::fmt::Display for Without {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " in mails without {}", self.0.join(" and without "))
    }
}

/// What nobody could wish worse: it would be an element, and an attribute.
pub(super) const HOSTILE: &str = "\"' onzzz=1 ><zzz>";
/// The same as it stands in HTML, after what would be the name of an element, or of an attribute.
pub(super) const HOSTILE_ESCAPED: &str = "zzz&quot;&#39; onzzz=1 &gt;&lt;zzz&gt;";

/// Reads a template, and refuses what must not be saved.
pub fn check(locale: &Locale, source: &TemplateSource) -> Result<Template, TemplateRefusal> {
    let refuse = |part, place, flaw| Err(TemplateRefusal { part, place, flaw });
    let bytes = source.subject.len() + source.text.len() + source.html.len();
    if bytes > MOST_BYTES {
        return refuse("html", None, Flaw::TooLarge(bytes));
    }
    let template = Template::parse(locale, source).map_err(|error| TemplateRefusal {
        part: error.part,
        place: Some(error.place),
        flaw: error.error.into(),
    })?;
    check_subject(&template.subject, &source.subject)?;
    for (part, text) in [("text", &source.text), ("html", &source.html)] {
        let control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
        if let Some(at) = text.find(control) {
            return refuse(part, Some(place(text, at)), Flaw::Control);
        }
    }
    for (part, read, source) in [
        ("text", &template.text, &source.text),
        ("html", &template.html, &source.html),
    ] {
        let printed = read.values();
        if let Some((at, flag)) = printed.iter().find(|(_, one)| one.kind == Kind::Flag) {
            let flaw = Flaw::NothingToPrint(flag.name);
            return refuse(part, Some(place(source, *at)), flaw);
        }
        let pieces = match part {
            // In each of them a program reads on as if it began there: what stands in one does not depend on the others.
            "html" => read.pieces(is_closed),
            _ => read.pieces(|_| false),
        };
        let readings = pieces.iter().map(|piece| readings(part, piece, source));
        let readings: Vec<_> = readings.collect::<Result<_, _>>()?;
        for has in combinations(read.conditions()) {
            let there = || readings.iter().filter_map(|piece| has.among(piece));
            let most = there().map(|reading| reading.most).sum();
            if most > MOST_RENDERED {
                return refuse(part, None, Flaw::LargeMail(most, has.without()));
            }
            if !there().any(|reading| reading.has_link) {
                return refuse(part, None, Flaw::NoLink(has.without()));
            }
            if !there().any(|reading| reading.shows_link) {
                return refuse(part, None, Flaw::UnseenLink(has.without()));
            }
        }
    }
    Ok(template)
}

/// What a piece of a part is for one combination.
struct Reading {
    has: Combination,
    /// How many bytes it has with the longest values.
    most: usize,
    has_link: bool,
    shows_link: bool,
}

/// The piece for every combination; or the first thing in it that must not be there.
fn readings(
    part: &'static str,
    piece: &Part,
    source: &str,
) -> Result<Vec<Reading>, TemplateRefusal> {
    let read = |has: Combination| {
        let (out, pieces) = rendered(part, piece, &has);
        let values = pieces.iter().filter_map(|piece| piece.variable);
        let most = out.len() + values.map(longest).sum::<usize>();
        let has_link = out.contains(LINK);
        let shows_link = match part {
            // It is refused for its size.
            _ if most > MOST_RENDERED => has_link,
            "html" => html::shows_link(&out, &pieces).map_err(|(at, flaw)| TemplateRefusal {
                part,
                place: Some(place(source, at)),
                flaw,
            })?,
            _ => has_link,
        };
        Ok(Reading {
            has,
            most,
            has_link,
            shows_link,
        })
    };
    combinations(piece.conditions()).map(read).collect()
}

/// Whether mail programs read what follows this HTML as if it stood at the beginning, whatever is there and what is not.
fn is_closed(piece: &Part) -> bool {
    combinations(piece.conditions()).all(|has| html::is_closed(&rendered("html", piece, &has).0))
}

/// The piece with values that nobody could wish worse.
fn rendered(part: &str, piece: &Part, has: &Combination) -> (String, Vec<Piece>) {
    let text = if part == "html" {
        HOSTILE_ESCAPED
    } else {
        HOSTILE
    };
    piece.traced(&|name| has.of(name), |variable| probe(variable, text))
}

fn check_subject(subject: &Part, source: &str) -> Result<(), TemplateRefusal> {
    let refuse = |place, flaw| {
        Err(TemplateRefusal {
            part: "subject",
            place,
            flaw,
        })
    };
    if source.len() > LONGEST_SUBJECT {
        return refuse(None, Flaw::LongSubject(source.len()));
    }
    if let Some((at, _)) = source.char_indices().find(|(_, c)| c.is_control()) {
        return refuse(Some(place(source, at)), Flaw::Lines);
    }
    // A note has lines, and whoever looks at a phone's lock screen must not see the link.
    let bad = |variable: &Variable| variable.name == "message" || variable.kind != Kind::Text;
    if let Some((at, variable)) = subject.values().iter().find(|(_, one)| bad(one)) {
        let flaw = Flaw::NotInSubject(variable.name);
        return refuse(Some(place(source, *at)), flaw);
    }
    let printed = subject.values().into_iter().map(|(_, variable)| variable);
    for has in combinations(subject.conditions().into_iter().chain(printed)) {
        let value = |variable: &Variable| "x".repeat(has.of(variable.name).into());
        let (out, _) = subject.traced(&|name| has.of(name), value);
        if !is_seen(&out) {
            return refuse(None, Flaw::Empty(has.without()));
        }
    }
    Ok(())
}

/// Stands for the link.
pub(super) const LINK: &str = "https://link.invalid/";

/// What is put in a variable's place to see where it gets.
fn probe(variable: &Variable, text: &str) -> String {
    match variable.kind {
        Kind::Url if variable.name == "accept_url" => LINK.to_owned(),
        Kind::Url => "https://other.invalid/".to_owned(),
        Kind::Color => "#0b6b54".to_owned(),
        Kind::Flag => String::new(),
        Kind::Text => text.to_owned(),
    }
}

/// How many bytes the variable's value has at the most, escaped.
pub(in crate::mail) fn longest(variable: &Variable) -> usize {
    match variable.name {
        "message" => 6_010,
        "logo_url" => 10_000,
        _ => 1_600,
    }
}

/// One of the ways in which values may be there and not.
struct Combination {
    optional: Vec<&'static str>,
    there: u32,
}

impl Combination {
    fn of(&self, name: &str) -> bool {
        let nth = self.optional.iter().position(|known| *known == name);
        nth.is_none_or(|nth| self.there & (1 << nth) != 0)
    }

    /// The reading of what is there and what is not as in this one.
    fn among<'a>(&self, readings: &'a [Reading]) -> Option<&'a Reading> {
        let same = |has: &Combination| {
            has.optional
                .iter()
                .all(|name| has.of(name) == self.of(name))
        };
        readings.iter().find(|reading| same(&reading.has))
    }

    fn without(&self) -> Without {
        let missing = self.optional.iter().filter(|name| !self.of(name));
        Without(missing.copied().collect())
    }
}

/// Every combination of those of these that are there or not, that of which everything is there first.
fn combinations(
    variables: impl IntoIterator<Item = &'static Variable>,
) -> impl Iterator<Item = Combination> {
    let variables = variables.into_iter().filter(|one| one.optional);
    let mut optional: Vec<_> = variables.map(|one| one.name).collect();
    optional.sort_unstable();
    optional.dedup();
    let all = 0..1_u32 << optional.len();
    all.rev().map(move |there| Combination {
        optional: optional.clone(),
        there,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rustix::time::{ClockId, clock_gettime};

    use super::*;
    use crate::mail::template::built_in;

    fn source(subject: &str, text: &str, html: &str) -> TemplateSource {
        let [subject, text, html] = [subject, text, html].map(ToOwned::to_owned);
        TemplateSource {
            subject,
            text,
            html,
        }
    }

    fn refusal(source: &TemplateSource) -> (&'static str, Option<(usize, usize)>, String) {
        let refusal = check(&Locale::english(), source).unwrap_err();
        let place = refusal.place.map(|place| (place.line, place.column));
        (refusal.part, place, refusal.to_string())
    }

    /// What parts are made of that could go wrong where they are cut.
    const FRAGMENTS: [&str; 30] = [
        "Long words. Long words. Long words. Long words. Long words. Long words. Long words. Long words. Long words. Long words. \
         Long words. Long words. Long words. Long words. Long words. Long words. Long words. Long words. Long words. ",
        "{{#if message}}x{{/if}}",
        "{{#if message}}\"{{/if}}",
        "{{#if reminder}}<!--{{else}}-->{{/if}}",
        "{{#if inviter_name}}<p>{{/if}}",
        "{{#if logo_url}}",
        "{{email}}",
        "{{accept_url}}",
        "<a href=\"{{accept_url}}\">",
        "<a href=\"",
        "<p title='",
        "<p title=",
        "'",
        "\"",
        ">",
        "<",
        "</",
        "<!--",
        "-->",
        "<!",
        "<!--[if mso]>",
        "<!--[if mso",
        "]>",
        "<![endif]-->",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
        "&lt",
        " onclick=x ",
    ];

    fn html(html: &str) -> TemplateSource {
        source(
            "Hi",
            "{{accept_url}}",
            &format!("{html}<a href=\"{{{{accept_url}}}}\">x</a>"),
        )
    }

    #[test]
    fn every_built_in_template_can_be_saved() {
        for locale in built_in::locales() {
            let (locale, source) = built_in::source(&locale).unwrap();
            check(&locale, &source).unwrap_or_else(|refusal| panic!("{locale}: {refusal:?}"));
        }
    }

    #[test]
    fn what_would_fail_at_sending_is_refused_with_its_place() {
        let link = "{{accept_url}}";
        for (wrong, part, place, words) in [
            (source("", link, link), "subject", None, "nothing in it"),
            (
                source("{{#if message}}x{{/if}}", link, link),
                "subject",
                None,
                "without message",
            ),
            (
                source("a\nb", link, link),
                "subject",
                Some((1, 2)),
                "one line",
            ),
            (
                source("a\u{85}b", link, link),
                "subject",
                Some((1, 2)),
                "one line",
            ),
            (
                source("x {{message}}", link, link),
                "subject",
                Some((1, 3)),
                "{{message}} can't",
            ),
            (
                source("{{accept_url}}", link, link),
                "subject",
                Some((1, 1)),
                "can't stand",
            ),
            (
                source(&"x".repeat(501), link, link),
                "subject",
                None,
                "501 bytes",
            ),
            (
                source("x", "Hi", link),
                "text",
                None,
                "{{accept_url}} is missing: ",
            ),
            (
                source("x", link, "{{#if message}}{{accept_url}}{{/if}}"),
                "html",
                None,
                "missing in mails without message",
            ),
            (
                source(
                    "x",
                    link,
                    "{{#if message}}{{accept_url}}{{else if reminder}}{{accept_url}}{{/if}}",
                ),
                "html",
                None,
                "without message and without reminder",
            ),
            (
                source("x", "{{accept_ulr}}", link),
                "text",
                Some((1, 1)),
                "accept_ulr",
            ),
            (
                source("x", link, "\n <b>{{#if message}}"),
                "html",
                Some((2, 5)),
                "never closed",
            ),
            (
                source("x", "{{reminder}}{{accept_url}}", link),
                "text",
                Some((1, 1)),
                "nothing to print",
            ),
            (
                source("x", link, &"x".repeat(350_001)),
                "html",
                None,
                "350016 bytes",
            ),
        ] {
            let (found, at, said) = refusal(&wrong);
            assert_eq!((found, at), (part, place), "{wrong:?}: {said}");
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_subject_of_which_somebody_would_see_nothing_is_refused() {
        let link = "{{accept_url}}";
        for (subject, words) in [
            (
                "{{inviter_name}}{{invitee_name}}",
                "nothing in it in mails without invitee_name and without inviter_name",
            ),
            (
                "\u{200b}{{#if inviter_name}}Hi{{/if}}\u{ad} ",
                "nothing in it in mails without inviter_name",
            ),
        ] {
            assert_eq!(
                refusal(&source(subject, link, link)),
                (
                    "subject",
                    None,
                    words.replace("nothing", "there is nothing")
                )
            );
        }
    }

    #[test]
    fn what_makes_more_of_itself_in_a_mail_is_refused() {
        let link = "{{accept_url}}";
        for (wrong, part, place, words) in [
            // Small as it is written, and larger than SES sends.
            (
                source(
                    "x",
                    link,
                    &format!("{link}{}", "{{message}}".repeat(30_000)),
                ),
                "html",
                None,
                "and may have 1000000",
            ),
            (
                source("x", &format!("{link}\na\u{7}"), link),
                "text",
                Some((2, 2)),
                "control characters",
            ),
            (
                source("x", link, &format!("{link}\u{9c}")),
                "html",
                Some((1, 15)),
                "control characters",
            ),
        ] {
            let (found, at, said) = refusal(&wrong);
            assert_eq!((found, at), (part, place), "{said}");
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn what_would_run_or_let_others_write_html_is_refused_with_its_place() {
        for (wrong, place, words) in [
            ("<p>\n<ScRiPt src=x>", (2, 1), "<script>"),
            ("<iframe>", (1, 1), "<iframe>"),
            // Text to who runs scripts, HTML to mail programs, and the other way round.
            ("<noscript><p onclick=x></noscript>", (1, 1), "<noscript>"),
            ("<noframes>", (1, 1), "<noframes>"),
            ("<noembed>", (1, 1), "<noembed>"),
            ("<xmp>", (1, 1), "<xmp>"),
            ("<p><plaintext>", (1, 4), "<plaintext>"),
            // Outlook reads what stands in these.
            (
                "<!--[if mso]><script>x</script><![endif]-->",
                (1, 14),
                "<script>",
            ),
            (
                "<!-- [IF gte mso 9]>\n<p onclick=x><![endif]-->",
                (2, 1),
                "onclick",
            ),
            (
                "<!--[if mso]><noscript><p onclick=x></noscript><![endif]-->",
                (1, 24),
                "onclick",
            ),
            (
                "<!--[if mso]><noscript class=x><p onclick=x></noscript><![endif]-->",
                (1, 14),
                "<noscript>",
            ),
            (
                "<!--[if !mso]><!--><b><!--<![endif]--><!--[if mso]><p title={{email}}><![endif]-->",
                (1, 61),
                "{{email}} has to stand",
            ),
            ("<svg/onload=x>", (1, 1), "<svg>"),
            ("<p onclick=\"x()\">", (1, 1), "onclick"),
            ("<meta http-equiv=Refresh content=1>", (1, 1), "refresh"),
            ("<a href=\" java\tscript:x\">", (1, 1), "javascript:"),
            (
                "<p title={{invitee_name}}>",
                (1, 10),
                "{{invitee_name}} has to stand",
            ),
            (
                "<p {{product_name}}>",
                (1, 4),
                "{{product_name}} has to stand",
            ),
            ("<{{email}}>", (1, 2), "{{email}} has to stand"),
            (
                "<style>p { color: {{message}} }</style>",
                (1, 19),
                "{{message}} has to stand",
            ),
            (
                "<p style=\"color: {{message}}\">",
                (1, 18),
                "{{message}} has to stand",
            ),
            (
                "<a href=\"{{message}}\">",
                (1, 10),
                "{{message}} can't be where",
            ),
            (
                "<a href=\"https://{{invitee_name}}\">",
                (1, 18),
                "{{invitee_name}} can't be where",
            ),
            (
                "<a href=\" HTTPS:\\example.{{product_name}}/x\">",
                (1, 26),
                "{{product_name}} can't be where",
            ),
            (
                "<img src=\"//{{email}}.example/x.png\">",
                (1, 13),
                "{{email}} can't be where",
            ),
            (
                "<a href=\"java{{message}}\">",
                (1, 14),
                "{{message}} can't be where",
            ),
            // In each of the two it stands in quotes; together it does not.
            (
                "<p title={{#if message}}\"{{else}}x {{/if}}{{email}}\">",
                (1, 43),
                "{{email}} has to stand",
            ),
        ] {
            let (part, at, said) = refusal(&html(wrong));
            assert_eq!((part, at), ("html", Some(place)), "{wrong}: {said}");
            assert!(said.contains(words), "{wrong}: {said}");
        }
    }

    #[test]
    fn the_largest_template_of_one_line_is_checked_in_no_time() {
        let spaces = " ".repeat(100_000);
        for (before, repeated, after) in [
            ("", "{{!}}", ""),
            ("", "{{#if message}}{{/if}}", ""),
            ("", "x{{!}} ", ""),
            (&*spaces, "{{!}}", &*spaces),
            ("", "<b>{{!}}", ""),
            ("", "<!--[if x", ""),
        ] {
            let times = (340_000 - before.len() - after.len()) / repeated.len();
            let filling = format!("{before}{}{after}", repeated.repeat(times));
            let link = "<a href=\"{{accept_url}}\">x</a>";
            let large = source("Hi", "{{accept_url}}", &format!("{link}{filling}"));
            let busy = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
            let began = busy();
            let checked = check(&Locale::english(), &large);
            let took = busy().checked_sub(began).unwrap();
            assert!(checked.is_ok(), "{repeated}: {checked:?}");
            assert!(took < Duration::from_secs(1), "{repeated}: {took:?}");
        }
    }

    #[test]
    fn a_mail_with_every_condition_is_checked_in_the_time_of_a_few_readings() {
        let (locale, mut source) = built_in::source(&Locale::english()).unwrap();
        let more =
            "<p style=\"margin:0\">Words.</p>{{#if message}}<b>Words.</b>{{/if}}\n".repeat(1_500);
        source.html = source.html.replace("</body>", &format!("{more}</body>"));
        assert!(source.html.len() > 100_000);
        let busy = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
        let began = busy();
        let checked = check(&locale, &source);
        let took = busy().checked_sub(began).unwrap();
        assert!(checked.is_ok(), "{checked:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
    }

    proptest! {
        #[test]
        fn a_part_in_pieces_is_read_as_the_whole_is(
            parts in prop::collection::vec(prop::sample::select(FRAGMENTS.to_vec()), 1..14),
        ) {
            let source = parts.concat();
            let conditions = parts.iter().filter(|part| part.starts_with("{{#") && !part.ends_with("{{/if}}")).count();
            let source = format!("{source}{}", "{{/if}}".repeat(conditions));
            let whole = Part::parse(&source).unwrap();
            let pieces = whole.pieces(is_closed);
            let found = readings("html", &whole, &source);
            let in_pieces: Result<Vec<_>, _> =
                pieces.iter().map(|piece| readings("html", piece, &source)).collect();
            prop_assert_eq!(found.is_err(), in_pieces.is_err(), "{}", source);
            for reading in found.into_iter().flatten() {
                let shown = in_pieces.iter().flatten();
                let mut shown = shown.filter_map(|piece| reading.has.among(piece));
                prop_assert_eq!(reading.shows_link, shown.any(|piece| piece.shows_link), "{}", source);
            }
        }
    }

    #[test]
    fn a_link_that_nobody_sees_is_none() {
        let link = "{{accept_url}}";
        for unseen in [
            "<p>Hi</p><!-- {{accept_url}} -->",
            "<title>{{accept_url}}</title>",
            "<style>a { content: '{{accept_url}}' }</style>",
            "<p title=\"{{accept_url}}\">Hi</p>",
            "<img src=\"{{accept_url}}\">",
            "<a href=\"https://x.example/{{accept_url}}\">Hi</a>",
            "<!--[if mso]><a href=\"{{accept_url}}\">Hi</a><![endif]-->",
        ] {
            let (part, place, said) = refusal(&source("Hi", link, unseen));
            assert_eq!((part, place), ("html", None), "{unseen}: {said}");
            assert!(
                said.contains("where nobody sees it: make"),
                "{unseen}: {said}"
            );
        }
        let some = "{{#if message}}<!--{{/if}}{{accept_url}}{{#if message}}-->{{/if}}";
        let without = "{{#unless message}}<!--{{/unless}}{{accept_url}}<!-- -->";
        for (sometimes, when) in [(some, "it: make"), (without, "it in mails without message")] {
            let said = refusal(&source("Hi", link, sometimes)).2;
            assert!(said.contains(when), "{sometimes}: {said}");
        }
    }

    #[test]
    fn what_mails_are_made_of_is_not_refused() {
        for good in [
            "<style>p { color: {{brand_color}} } a > b { }</style>",
            "<p style=\"color:{{brand_color}}\" title='{{product_name}}'>{{message}}</p>",
            "<!--[if mso]><v:roundrect href=\"{{accept_url}}\"><![endif]-->",
            "<!--[if !mso]><!--><b>x</b><!--<![endif]--><!-- note [if] -->",
            "<!--[if mso]><noscript><xml></xml></noscript><![endif]-->",
            "<a href=\"mailto:{{support_address}}\">{{support_address}}</a>",
            "<p>\r\n\t</p>",
            "{{message}} {{message}} {{#if logo_url}}{{logo_url}}{{/if}}",
            "<a href=\"#{{email}}\"><a href=\"https://x.example/{{email}}\">",
            "<img src=\"{{logo_url}}\" alt=\"{{product_name}}\">",
            "<a href=\"https://x.example/?from={{email}}\">x</a>",
        ] {
            check(&Locale::english(), &html(good))
                .unwrap_or_else(|refusal| panic!("{good}: {refusal:?}"));
        }
    }
}
