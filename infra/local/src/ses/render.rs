//! Templates as SES renders them: Handlebars without HTML escaping, and no mail at all where a variable is missing.

use handlebars::{Handlebars, RenderErrorReason, TemplateError, no_escape};
use serde_json::Value;
use thiserror::Error;

/// Why a mail that was accepted never left.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RenderingFailure {
    /// The template uses a variable that its data doesn't have.
    #[error("Attribute '{0}' is not present in the rendering data.")]
    MissingVariable(String),
    /// The template is not Handlebars.
    #[error("The template can't be parsed: {0}.")]
    BadTemplate(String),
    /// The template and its data don't fit in some other way.
    #[error("The template can't be rendered: {0}.")]
    Unrenderable(String),
}

/// One subject or body, with its variables filled in.
///
/// A condition on a missing variable, `{{#if x}}`, is false and not an error.
pub fn render(template: &str, data: &Value) -> Result<String, RenderingFailure> {
    Compiled::parse(template)?.render(data)
}

/// A template parsed once and rendered for every recipient of a call.
pub(super) struct Compiled(Handlebars<'static>);

const NAME: &str = "mail";

impl Compiled {
    pub(super) fn parse(template: &str) -> Result<Self, RenderingFailure> {
        let mut handlebars = Handlebars::new();
        handlebars.register_escape_fn(no_escape);
        handlebars.set_strict_mode(true);
        match handlebars.register_template_string(NAME, template) {
            Ok(()) => Ok(Self(handlebars)),
            Err(error) => Err(bad_template(&error)),
        }
    }

    pub(super) fn render(&self, data: &Value) -> Result<String, RenderingFailure> {
        self.0
            .render(NAME, data)
            .map_err(|error| match error.reason() {
                RenderErrorReason::MissingVariable(Some(name)) => {
                    RenderingFailure::MissingVariable(name.clone())
                }
                RenderErrorReason::TemplateError(error) => bad_template(error),
                reason => RenderingFailure::Unrenderable(reason.to_string()),
            })
    }
}

/// The reason and the place, without the drawing of the template that the error's own text has.
fn bad_template(error: &TemplateError) -> RenderingFailure {
    let reason = error.reason().to_string();
    let reason = reason.lines().next().unwrap_or_default().trim();
    RenderingFailure::BadTemplate(match error.pos() {
        Some((line, column)) => format!("{reason} in line {line}, column {column}"),
        None => reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn html_is_not_escaped() {
        let rendered = render("<b>{{name}}</b>", &json!({ "name": "<i>\"Ada\" & Co</i>" }));
        assert_eq!(rendered.unwrap(), "<b><i>\"Ada\" & Co</i></b>");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let failure = render("Hello {{inviter.name}}", &json!({})).unwrap_err();
        assert_eq!(
            failure,
            RenderingFailure::MissingVariable("inviter.name".into())
        );
        assert_eq!(
            failure.to_string(),
            "Attribute 'inviter.name' is not present in the rendering data."
        );
    }

    #[test]
    fn names_are_case_sensitive() {
        assert!(render("{{Name}}", &json!({ "name": "Ada" })).is_err());
    }

    #[test]
    fn a_condition_on_an_empty_or_missing_variable_is_false() {
        let template = "{{#if message}}said {{message}}{{else}}said nothing{{/if}}";
        assert_eq!(
            render(template, &json!({ "message": "" })).unwrap(),
            "said nothing"
        );
        assert_eq!(render(template, &json!({})).unwrap(), "said nothing");
        assert_eq!(
            render(template, &json!({ "message": "hi" })).unwrap(),
            "said hi"
        );
    }

    #[test]
    fn a_missing_variable_behind_a_false_condition_does_no_harm() {
        assert_eq!(
            render("{{#if a}}{{b}}{{/if}}.", &json!({ "a": false })).unwrap(),
            "."
        );
        assert!(render("{{#if a}}{{b}}{{/if}}.", &json!({ "a": true })).is_err());
    }

    #[test]
    fn a_list_is_repeated() {
        let data = json!({ "teams": [{ "name": "Red" }, { "name": "Blue" }] });
        assert_eq!(
            render("{{#each teams}}{{name}} {{/each}}", &data).unwrap(),
            "Red Blue "
        );
    }

    #[test]
    fn a_template_that_is_not_handlebars_says_where() {
        let failure = render("Hello\n{{#if x}} there", &json!({})).unwrap_err();
        assert!(
            matches!(failure, RenderingFailure::BadTemplate(_)),
            "{failure}"
        );
        assert!(failure.to_string().contains("line"), "{failure}");
        assert_eq!(failure.to_string().lines().count(), 1, "{failure}");
    }
}
