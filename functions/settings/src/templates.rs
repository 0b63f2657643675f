//! `/v1/templates`: the words of the mail in every language, a tenant's own or those that Usher comes with.

use std::slice;

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
    store::{DecisionWritten, OwnTemplate, Standing},
};

use crate::{
    Deciding,
    versions::{self, Version, changed_meanwhile, expected},
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
    version: Version<'a>,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    #[serde(flatten)]
    words: &'a TemplateSource,
    /// There is one that can't be read: it can be written over, or taken away.
    unreadable: bool,
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
    fn of<T>(locale: &'a Locale, found: &'a Standing<T>) -> Self {
        Self {
            locale,
            source: if found.is_decided() {
                "own"
            } else {
                "built_in"
            },
            version: Version::of(found),
        }
    }
}

/// Every language that there is a template in, by its tag, and what templates can name.
pub(crate) async fn list(state: &Deciding, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &[])?;
    let known = state.store.standing_templates(&caller.tenant).await?;
    let own = known.iter().filter(|(_, found)| found.is_decided());
    let all = Templates::with_locales(own.map(|(locale, _)| locale.clone()));
    let mut locales: Vec<_> = all.locales().iter().collect();
    locales.sort_by_key(ToString::to_string);
    let entry = |locale| {
        let found = known.iter().find(|(known, _)| known == locale);
        Entry::of(locale, found.map_or(&Standing::Nothing, |(_, found)| found))
    };
    json(&List {
        variables: &VARIABLES,
        templates: locales.into_iter().map(entry).collect(),
    })
}

/// One template, beside the one that it stands in place of. Where there is none, on request what to begin one with.
pub(crate) async fn show(state: &Deciding, request: &Request, caller: &Caller) -> Answer {
    check_parameters(request, &["or"])?;
    let locale = path_locale(request)?;
    let parameters = request.query_string_parameters();
    let or_english = field("or", parameters.first("or"), |or| match or {
        "english" => Ok(()),
        _ => Err("must be english"),
    })?;
    let found = state
        .store
        .standing_template(&caller.tenant, &locale)
        .await?;
    match or_english.and_then(|()| english_source(&locale)) {
        Some(words) if !found.is_decided() && built_in_source(&locale).is_none() => {
            let view = View {
                entry: Entry {
                    source: "none",
                    ..Entry::of(&locale, &found)
                },
                words: &words,
                unreadable: false,
                built_in: None,
            };
            versions::answer(&view, &found)
        }
        _ => answer(&locale, &found),
    }
}

/// Gives the tenant a template of its own, once nothing in it would fail at sending.
pub(crate) async fn change(state: &Deciding, request: &Request, mut caller: Caller) -> Answer {
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
        DecisionWritten::Done(written) => answer(&locale, &written),
        DecisionWritten::Refused(found) => Err(changed_meanwhile(&found)),
    }
}

/// Takes the tenant's own template away: mails go out in the one that Usher comes with, or in another language.
pub(crate) async fn take_away(state: &Deciding, request: &Request, mut caller: Caller) -> Answer {
    check_parameters(request, &[])?;
    let locale = path_locale(request)?;
    let expected = expected(request)?;
    refuse_default(state, &caller, &locale).await?;
    introduce(&state.store, &mut caller).await?;
    let by = (caller.identity, state.clock.now());
    let taken = state
        .store
        .take_template_away(&caller.tenant, &locale, expected, by)
        .await?;
    match taken {
        DecisionWritten::Done(_) => {
            let mut response = Response::new(HttpBody::Empty);
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        DecisionWritten::Refused(found) if found.is_decided() => Err(changed_meanwhile(&found)),
        // What is not there can't be taken away.
        DecisionWritten::Refused(_) => Err(not_found()),
    }
}

/// Refuses to take away the only mail in the tenant's default language: whoever no language is known of would get another's.
async fn refuse_default(state: &Deciding, caller: &Caller, locale: &Locale) -> Result<(), Problem> {
    let (own, settings) = tokio::join!(
        state.store.template_locales(&caller.tenant),
        state.store.standing_settings(&caller.tenant)
    );
    let (own, settings) = (own?, settings?);
    let default = settings.value().and_then(|it| it.default_locale.as_ref());
    let Some(default) = default.filter(|_| own.contains(locale)) else {
        return Ok(());
    };
    let left = Templates::with_locales(own.into_iter().filter(|one| one != locale));
    if default.nearest(left.locales()).is_some()
        || default.nearest(slice::from_ref(locale)).is_none()
    {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "default_language",
        "This is the only mail in your default language, which people get of whom no language is known.",
        "Choose another default_locale in the settings first (PUT /v1/settings), or change the words of this template.",
    ))
}

/// The template; the one that Usher comes with where there is none, or none that can be read.
fn answer(locale: &Locale, found: &Standing<OwnTemplate>) -> Answer {
    let built_in = built_in_source(locale);
    let nothing = found.is_unreadable().then(TemplateSource::default);
    let own = found.value().map(|own| &own.source);
    let words = own.or(built_in.as_ref()).or(nothing.as_ref());
    let view = View {
        entry: Entry::of(locale, found),
        words: words.ok_or_else(not_found)?,
        unreadable: found.is_unreadable(),
        built_in: built_in.as_ref(),
    };
    versions::answer(&view, found)
}

/// The language in the path.
pub(crate) fn path_locale(request: &Request) -> Result<Locale, Problem> {
    required_field("locale", path_tag(request), str::parse)
}

/// What stands there for one.
pub(crate) fn path_tag(request: &Request) -> &str {
    request
        .path_parameters_ref()
        .and_then(|parameters| parameters.first("locale"))
        .unwrap_or_default()
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
