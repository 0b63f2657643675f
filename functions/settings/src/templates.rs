//! `/v1/templates`: the words of the mail in every language, a tenant's own or those that Usher comes with.

use lambda_http::{Body as HttpBody, Request, RequestExt, Response, http::StatusCode};
use serde::{Deserialize, Serialize};
use usher::{
    domain::{Locale, TemplateSource},
    function::introduce,
    http::{Answer, Caller, Problem, check_parameters, field, json, json_body, required_field},
    mail::{
        Flaw, SyntaxError, TemplateRefusal, Templates, VARIABLES, Variable, built_in_source, check,
        english_source, variable_names,
    },
    store::{Decided, DecisionWritten, OwnTemplate},
};

use crate::{
    Settings,
    versions::{Stamp, changed_meanwhile, expected, with_version},
};

#[derive(Serialize)]
struct List<'a> {
    variables: &'static [Variable],
    templates: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    locale: &'a Locale,
    source: &'static str,
    #[serde(flatten)]
    stamp: Stamp<'a>,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    #[serde(flatten)]
    words: &'a TemplateSource,
    built_in: Option<&'a TemplateSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Body {
    subject: String,
    text: String,
    html: String,
}

impl<'a> Entry<'a> {
    fn of(locale: &'a Locale, own: Option<&'a Decided<OwnTemplate>>) -> Self {
        Self {
            locale,
            source: own.map_or("built_in", |_| "own"),
            stamp: Stamp::of(own),
        }
    }
}

/// Every language that there is a template in, by its tag, and what templates can name.
pub(crate) async fn list(state: &Settings, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &[])?;
    let own = state.store.decisions(&caller.tenant).await?.templates;
    let all = Templates::with_locales(own.iter().map(|own| own.value.locale.clone()));
    let mut locales: Vec<_> = all.locales().iter().collect();
    locales.sort_by_key(ToString::to_string);
    let entry = |locale| Entry::of(locale, own.iter().find(|own| own.value.locale == *locale));
    json(&List {
        variables: &VARIABLES,
        templates: locales.into_iter().map(entry).collect(),
    })
}

/// One template, beside the one that it stands in place of. Where there is none, on request what to begin one with.
pub(crate) async fn show(state: &Settings, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &["or"])?;
    let locale = path_locale(request)?;
    let parameters = request.query_string_parameters();
    let or_english = field("or", parameters.first("or"), |or| match or {
        "english" => Ok(()),
        _ => Err("must be english"),
    })?;
    let own = state.store.template(&caller.tenant, &locale).await?;
    match (or_english.and_then(|()| english_source(&locale)), &own) {
        (Some(words), None) if built_in_source(&locale).is_none() => {
            let view = View {
                entry: Entry {
                    source: "none",
                    ..Entry::of(&locale, None)
                },
                words: &words,
                built_in: None,
            };
            with_version(json(&view), 0)
        }
        _ => answer(&locale, own.as_ref()),
    }
}

/// Gives the tenant a template of its own, once nothing in it would fail at sending.
pub(crate) async fn change(state: &Settings, request: &Request, mut caller: Caller) -> Answer {
    check_parameters(request, &[])?;
    let locale = path_locale(request)?;
    let expected = expected(request)?;
    let Body {
        subject,
        text,
        html,
    } = json_body(request)?;
    let source = TemplateSource {
        subject,
        text,
        html,
    };
    check(&locale, &source).map_err(|refusal| refused(&refusal))?;
    introduce(&state.store, &mut caller).await?;
    let by = (caller.identity, state.clock.now());
    let template = OwnTemplate {
        locale: locale.clone(),
        source,
    };
    let written = state
        .store
        .put_template(&caller.tenant, template, expected, by)
        .await?;
    match written {
        DecisionWritten::Done(own) => answer(&locale, own.as_ref()),
        DecisionWritten::Refused(found) => Err(changed_meanwhile(version(found.as_ref()))),
    }
}

/// Takes the tenant's own template away: mails go out in the one that Usher comes with, or in another language.
pub(crate) async fn take_away(state: &Settings, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &[])?;
    let locale = path_locale(request)?;
    let expected = expected(request)?;
    let deleted = state
        .store
        .delete_template(&caller.tenant, &locale, expected)
        .await?;
    match deleted {
        DecisionWritten::Done(_) => {
            let mut response = Response::new(HttpBody::Empty);
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        DecisionWritten::Refused(None) => Err(not_found()),
        DecisionWritten::Refused(found) => Err(changed_meanwhile(version(found.as_ref()))),
    }
}

fn version(found: Option<&Decided<OwnTemplate>>) -> u64 {
    found.map_or(0, |found| found.version)
}

fn answer(locale: &Locale, own: Option<&Decided<OwnTemplate>>) -> Answer {
    let built_in = built_in_source(locale);
    let words = own.map(|own| &own.value.source).or(built_in.as_ref());
    let view = View {
        entry: Entry::of(locale, own),
        words: words.ok_or_else(not_found)?,
        built_in: built_in.as_ref(),
    };
    with_version(json(&view), version(own))
}

/// The language in the path.
pub(crate) fn path_locale(request: &Request) -> Result<Locale, Problem> {
    let parameters = request.path_parameters_ref();
    let tag = parameters.and_then(|parameters| parameters.first("locale"));
    required_field("locale", tag.unwrap_or_default(), str::parse)
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "template_not_found",
        "There is no template of your own in this language.",
        "See GET /v1/templates for those that there are. PUT makes a new one.",
    )
}

/// What is wrong with a template, and where.
pub(crate) fn refused(refusal: &TemplateRefusal) -> Problem {
    let part = match refusal.part {
        "html" => "HTML",
        part => part,
    };
    let (line, column) = refusal
        .place
        .map(|place| (place.line, place.column))
        .unzip();
    let place = match (line, column) {
        (Some(line), Some(column)) => format!(" (line {line}, column {column})"),
        _ => String::new(),
    };
    let names: Vec<_> = variable_names().collect();
    let hint = match &refusal.flaw {
        Flaw::Syntax(SyntaxError::UnknownVariable(_)) => {
            format!("Use one of these: {}.", names.join(", "))
        }
        _ => "Correct it and send it again. Nothing was saved, and nothing was sent.".to_owned(),
    };
    Problem::bad_request(
        "template_refused",
        format!("In the {part}{place}: {}.", refusal.flaw),
        hint,
    )
    .with("part", refusal.part)
    .with("line", line)
    .with("column", column)
    .with("variables", names)
}
