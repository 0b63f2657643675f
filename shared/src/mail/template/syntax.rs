//! The language that templates are written in: what of Handlebars makes sense in a mail, read here so that what SES would
//! refuse, or silently not send, is refused when it is written, with its place.
//!
//! `{{name}}`; `{{#if name}}..{{else if other}}..{{else}}..{{/if}}`; `{{#unless name}}..{{/unless}}`; `{{! a comment }}`. As in
//! Handlebars, a line that has nothing but a condition or a comment leaves none behind.

mod part;
mod reader;

use thiserror::Error;

pub(super) use self::{
    part::{Part, Piece},
    reader::place,
};
use super::{VARIABLES, Variable};

/// Where something stands: both are counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// It names what there is not.
    #[error("there is no variable {0:?}")]
    UnknownVariable(String),
    /// A tag has no end.
    #[error("{{{{ has no }}}} after it")]
    OpenTag,
    /// A condition has no end.
    #[error("{{{{#{0}}}}} is never closed")]
    OpenBlock(String),
    /// An end, or an else, of no condition.
    #[error("{{{{{0}}}}} has no condition before it that it could belong to")]
    Stray(String),
    /// The wrong end.
    #[error("{{{{{found}}}}} closes {{{{#{open}}}}}, which ends with {{{{/{wanted}}}}}")]
    WrongEnd {
        /// What closes.
        found: String,
        /// What is open.
        open: String,
        /// What would close it.
        wanted: &'static str,
    },
    /// A part of Handlebars that mails have no use for.
    #[error(
        "{{{{{0}}}}} is nothing that a mail can have: only variables, if, else, unless and comments"
    )]
    Unsupported(String),
    /// More braces than a variable has.
    #[error("a variable has two braces: {{{{name}}}}. Its value is escaped where it has to be")]
    ThreeBraces,
    /// A backslash before a variable, with which Handlebars means something else.
    #[error("there is a backslash right before {{{{: put a space between them")]
    Backslash,
    /// Too many conditions in each other.
    #[error("conditions stand in each other more than 16 deep")]
    TooDeep,
}

/// The names of all variables, for whoever has written another.
pub fn variable_names() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|variable| variable.name)
}

#[cfg(test)]
mod tests {
    use handlebars::{Handlebars, no_escape};
    use proptest::{collection::vec, prelude::*, sample::select};
    use serde_json::{Map, Value};

    use super::*;

    fn decide(template: &str, has: &str) -> String {
        let has: Vec<_> = has.split(' ').collect();
        Part::parse(template)
            .unwrap()
            .decide(&|name| has.contains(&name), "")
    }

    fn refused(template: &str) -> (usize, usize, String) {
        let (place, error) = Part::parse(template).unwrap_err();
        (place.line, place.column, error.to_string())
    }

    #[test]
    fn conditions_are_decided_and_html_gets_variables_of_its_own() {
        let template = "{{#if message}}A {{ message }}{{else}}none{{/if}} {{email}}";
        assert_eq!(decide(template, "message"), "A {{message}} {{email}}");
        let html = Part::parse(template).unwrap().decide(&|_| false, "_html");
        assert_eq!(html, "none {{email_html}}");
    }

    #[test]
    fn conditions_stand_in_each_other_and_one_after_the_other() {
        let template = "{{#if message}}m{{#unless reminder}}n{{/unless}}{{else if reminder}}r{{else if logo_url}}l{{else}}x{{/if}}.";
        for (has, said) in [
            ("message", "mn."),
            ("message reminder", "m."),
            ("reminder", "r."),
            ("logo_url", "l."),
            ("", "x."),
        ] {
            assert_eq!(decide(template, has), said, "{has}");
        }
    }

    #[test]
    fn a_line_with_nothing_but_a_condition_leaves_none_behind() {
        let template =
            "a\n  {{#if message}}\nb\n{{! why }}\n{{/if}}  \nc\n{{#if reminder}} d {{/if}}\n";
        assert_eq!(decide(template, "message"), "a\nb\nc\n\n");
        assert_eq!(decide(template, "reminder"), "a\nc\n d \n");
        assert_eq!(decide("{{!-- a }} b --}}x", ""), "x");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (template, line, column, words) in [
            ("a\nü {{emial}}", 2, 3, "emial"),
            ("{{#if mesage}}{{/if}}", 1, 1, "mesage"),
            ("a {{email", 1, 3, "no }} after it"),
            (
                "{{#if message}}\n{{#if reminder}}{{/if}}",
                1,
                1,
                "{{#if message}} is never closed",
            ),
            ("{{#if message}}{{else if reminder}}", 1, 1, "never closed"),
            ("{{/if}}", 1, 1, "no condition before"),
            ("{{else}}", 1, 1, "no condition before"),
            (
                "{{#if message}}{{else}}{{else}}{{/if}}",
                1,
                24,
                "no condition before",
            ),
            ("{{#if message}}{{/unless}}", 1, 16, "{{/if}}"),
            ("{{{email}}}", 1, 1, "two braces"),
            ("\\{{email}}", 1, 2, "backslash"),
            ("{{#each email}}{{/each}}", 1, 1, "only variables"),
            ("{{> part}}", 1, 1, "only variables"),
            ("{{&email}}", 1, 1, "only variables"),
            ("{{~email}}", 1, 1, "only variables"),
            ("{{user.email}}", 1, 1, "only variables"),
            ("{{}}", 1, 1, "only variables"),
        ] {
            let (at_line, at_column, said) = refused(template);
            assert_eq!((at_line, at_column), (line, column), "{template}: {said}");
            assert!(said.contains(words), "{template}: {said}");
        }
        assert!(refused(&"{{#if message}}".repeat(17)).2.contains("16 deep"));
    }

    /// Templates as people might write them: text, line breaks of all kinds, variables, comments, and conditions in each other.
    fn template() -> impl Strategy<Value = String> {
        let texts = [
            "a", " ", "\t", "\n", "\r\n", "\n\n", " \n ", "ü", "}", "{ ", "<b>", "漢字",
        ];
        let names = || select(VARIABLES.map(|variable| variable.name).to_vec());
        let leaf = prop_oneof![
            4 => select(texts.to_vec()).prop_map(ToOwned::to_owned),
            2 => names().prop_map(|name| format!("{{{{{name}}}}}")),
            1 => select(vec!["{{! why }}", "{{!-- }} --}}"]).prop_map(ToOwned::to_owned),
        ];
        let tree = leaf.prop_recursive(4, 32, 6, move |inner| {
            let many = vec(inner, 0..6).prop_map(|parts| parts.concat()).boxed();
            let parts = (names(), names(), many.clone(), many.clone(), many);
            (select(vec!["if", "unless"]), 0..4_u8, parts).prop_map(
                |(open, kind, (on, or, first, second, third))| {
                    let rest = match kind {
                        0 => String::new(),
                        1 => format!("{{{{else}}}}{second}"),
                        2 => format!("{{{{else if {or}}}}}{second}"),
                        _ => format!("{{{{else if {or}}}}}{second}{{{{else}}}}{third}"),
                    };
                    format!("{{{{#{open} {on}}}}}{first}{rest}{{{{/{open}}}}}")
                },
            )
        });
        // At the very end the crate keeps spaces behind a condition, unlike Handlebars itself.
        vec(tree, 1..6).prop_map(|parts| format!("{}.", parts.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn conditions_are_decided_as_handlebars_decides_them(template in template(), bits: u16) {
            let has = |name: &str| {
                let nth = VARIABLES.iter().position(|variable| variable.name == name);
                nth.is_some_and(|nth| bits & (1 << nth) != 0)
            };
            let value = |name: &str| if has(name) { format!("<{name}>") } else { String::new() };
            let values = VARIABLES.map(|one| (one.name.to_owned(), Value::from(value(one.name))));
            let values: Map<_, _> = values.into_iter().collect();
            let mut handlebars = Handlebars::new();
            handlebars.register_escape_fn(no_escape);
            let decided = Part::parse(&template).unwrap().decide(&has, "");
            let shown = handlebars.render_template(&decided, &values).unwrap();
            prop_assert_eq!(shown, handlebars.render_template(&template, &values).unwrap());
        }
    }
}
