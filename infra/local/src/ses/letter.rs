//! What a call sends: the content, and what may vary from one recipient to the next.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    error::Refusal,
    render::{Compiled, RenderingFailure},
    wire::{Message, NameValue, Template, TemplateContent},
};

/// A mail's subject and bodies, ready to be read.
#[derive(Clone, Default)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) html: String,
    pub(super) text: String,
}

pub(super) enum Letter {
    Simple(Rendered),
    Inline(Box<InlineTemplate>),
    /// A template stored in SES. None are stored here.
    Stored(String),
}

impl Letter {
    pub(super) fn simple(message: &Message) -> Result<Self, Refusal> {
        let data = |content: &Option<_>| {
            content
                .as_ref()
                .map(|c: &super::wire::Content| c.data.clone())
        };
        if message.body.html.is_none() && message.body.text.is_none() {
            return Err(Refusal::InvalidParameter(
                "A message needs a body: Html, Text or both.".into(),
            ));
        }
        Ok(Self::Simple(Rendered {
            subject: message.subject.data.clone(),
            html: data(&message.body.html).unwrap_or_default(),
            text: data(&message.body.text).unwrap_or_default(),
        }))
    }

    pub(super) fn templated(template: &Template) -> Result<Self, Refusal> {
        let stored = template.name.as_ref().or(template.arn.as_ref());
        match (&template.content, stored) {
            (Some(content), None) => Ok(Self::Inline(Box::new(InlineTemplate::parse(content)?))),
            (None, Some(name)) => Ok(Self::Stored(name.clone())),
            _ => Err(Refusal::InvalidParameter(
                "A template needs exactly one of TemplateName, TemplateArn and TemplateContent."
                    .into(),
            )),
        }
    }

    /// A rendering failure is no refusal: SES takes the mail and fails afterwards.
    pub(super) fn render(
        &self,
        data: Map<String, Value>,
    ) -> Result<Result<Rendered, RenderingFailure>, Refusal> {
        match self {
            Self::Simple(rendered) => Ok(Ok(rendered.clone())),
            Self::Inline(template) => Ok(template.render(&Value::Object(data))),
            Self::Stored(name) => Err(Refusal::TemplateNotFound(name.clone())),
        }
    }
}

pub(super) struct InlineTemplate {
    subject: Result<Compiled, RenderingFailure>,
    html: Option<Result<Compiled, RenderingFailure>>,
    text: Option<Result<Compiled, RenderingFailure>>,
}

impl InlineTemplate {
    fn parse(content: &TemplateContent) -> Result<Self, Refusal> {
        let Some(subject) = &content.subject else {
            return Err(Refusal::InvalidParameter(
                "TemplateContent needs a Subject.".into(),
            ));
        };
        if content.html.is_none() && content.text.is_none() {
            return Err(Refusal::InvalidParameter(
                "TemplateContent needs Html, Text or both.".into(),
            ));
        }
        Ok(Self {
            subject: Compiled::parse(subject),
            html: content.html.as_deref().map(Compiled::parse),
            text: content.text.as_deref().map(Compiled::parse),
        })
    }

    fn render(&self, data: &Value) -> Result<Rendered, RenderingFailure> {
        let part = |part: &Result<Compiled, RenderingFailure>| match part {
            Ok(template) => template.render(data),
            Err(failure) => Err(failure.clone()),
        };
        Ok(Rendered {
            subject: part(&self.subject)?,
            html: self.html.as_ref().map_or(Ok(String::new()), part)?,
            text: self.text.as_ref().map_or(Ok(String::new()), part)?,
        })
    }
}

/// Template data travels as JSON inside a string.
pub(super) fn data(json: Option<&str>) -> Result<Map<String, Value>, Refusal> {
    match json {
        None => Ok(Map::new()),
        Some(json) => serde_json::from_str(json).map_err(|error| {
            Refusal::InvalidParameter(format!("The template data is not a JSON object: {error}."))
        }),
    }
}

pub(super) fn tags(tags: &[NameValue]) -> Result<BTreeMap<String, String>, Refusal> {
    tags.iter()
        .map(|tag| {
            let name = is_tag(&tag.name, "_-");
            let value = is_tag(&tag.value, "_-.@");
            if name && value {
                Ok((tag.name.clone(), tag.value.clone()))
            } else {
                Err(Refusal::InvalidParameter(format!(
                    "Invalid tag <{}>: only alphanumeric ASCII characters, '_' and '-' are allowed, \
                     in a value also '.' and '@', at most 256.",
                    tag.name
                )))
            }
        })
        .collect()
}

fn is_tag(text: &str, also: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    (1..=256).contains(&text.len()) && text.chars().all(allowed)
}

/// Adds headers to a mail. A header it already has is replaced, whatever the case of its name.
pub(super) fn add_headers(
    headers: &mut BTreeMap<String, String>,
    more: &[NameValue],
) -> Result<(), Refusal> {
    for NameValue { name, value } in more {
        let name_fits = (1..=126).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_graphic() && c != ':');
        let value_fits =
            value.len() <= 995 && value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if !name_fits || !value_fits {
            return Err(Refusal::InvalidParameter(
                "Invalid header: name and value must be printable ASCII, at most 126 and 995 characters.".into(),
            ));
        }
        headers.retain(|existing, _| !existing.eq_ignore_ascii_case(name));
        headers.insert(name.clone(), value.clone());
    }
    Ok(())
}
