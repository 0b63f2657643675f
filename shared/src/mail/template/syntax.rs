//! The language that templates are written in: what of Handlebars makes sense in a mail, read here so that what SES would
//! refuse, or silently not send, is refused when it is written, with its place.
//!
//! `{{name}}`; `{{#if name}}..{{else if other}}..{{else}}..{{/if}}`; `{{#unless name}}..{{/unless}}`; `{{! a comment }}`. As in
//! Handlebars, a line that has nothing but a condition or a comment leaves none behind.

use std::fmt::Write;

use thiserror::Error;

use super::{VARIABLES, Variable};

/// Conditions in conditions: more than anybody can follow, and less than any stack holds.
const DEEPEST: usize = 16;

/// A part of a mail, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part(Vec<Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// With where it begins in the source.
    Text(usize, String),
    Value(usize, &'static Variable),
    Condition {
        on: &'static Variable,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

/// A piece of a rendered part: text, or a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Where it begins in what was rendered.
    pub(super) begins: usize,
    /// Where it comes from.
    pub(super) source: usize,
    /// What it is the value of.
    pub(super) variable: Option<&'static Variable>,
}

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

impl Part {
    /// Reads a part. The error comes with its place.
    pub(super) fn parse(source: &str) -> Result<Self, (Place, SyntaxError)> {
        let mut reader = Reader { source, at: 0 };
        let mut open: Vec<Open> = vec![];
        let mut nodes: Vec<Node> = vec![];
        while let Some(tag) = reader.next_tag()? {
            let fail = |error| Err((place(source, tag.start), error));
            text(&mut nodes, tag.before_at, tag.before);
            match tag.words() {
                Words::Comment => {}
                Words::Value(name) => match Variable::named(name) {
                    Some(variable) => nodes.push(Node::Value(tag.start, variable)),
                    None => return fail(SyntaxError::UnknownVariable(name.to_owned())),
                },
                Words::Open(kind, name) => {
                    if open.len() == DEEPEST {
                        return fail(SyntaxError::TooDeep);
                    }
                    let Some(on) = Variable::named(name) else {
                        return fail(SyntaxError::UnknownVariable(name.to_owned()));
                    };
                    open.push(Open::new(tag.start, kind, on, std::mem::take(&mut nodes)));
                }
                Words::Else(condition) => {
                    let Some(block) = open.last_mut().filter(|block| block.then.is_none()) else {
                        return fail(SyntaxError::Stray(tag.inner.to_owned()));
                    };
                    block.then = Some(std::mem::take(&mut nodes));
                    if let Some((kind, name)) = condition {
                        if open.len() == DEEPEST {
                            return fail(SyntaxError::TooDeep);
                        }
                        let Some(on) = Variable::named(name) else {
                            return fail(SyntaxError::UnknownVariable(name.to_owned()));
                        };
                        open.push(Open {
                            chained: true,
                            ..Open::new(tag.start, kind, on, vec![])
                        });
                    }
                }
                Words::Close(kind) => loop {
                    let Some(block) = open.pop() else {
                        return fail(SyntaxError::Stray(tag.inner.to_owned()));
                    };
                    if !block.chained && Some(block.kind) != kind {
                        return fail(SyntaxError::WrongEnd {
                            found: tag.inner.to_owned(),
                            open: block.to_string(),
                            wanted: block.kind.name(),
                        });
                    }
                    let chained = block.chained;
                    nodes = block.close(nodes);
                    if !chained {
                        break;
                    }
                },
                Words::Unsupported => {
                    return fail(SyntaxError::Unsupported(tag.inner.to_owned()));
                }
            }
        }
        text(&mut nodes, reader.at, reader.rest());
        match open.iter().rfind(|block| !block.chained) {
            None => Ok(Self(nodes)),
            Some(block) => Err((
                place(source, block.start),
                SyntaxError::OpenBlock(block.to_string()),
            )),
        }
    }

    /// The part for values of which `has` says which are not empty, with nothing but plain variables, to whose names
    /// `suffix` is appended.
    pub(super) fn decide(&self, has: &impl Fn(&str) -> bool, suffix: &str) -> String {
        let mut out = String::new();
        each(&self.0, has, &mut |node| match node {
            Node::Text(_, text) => out.push_str(text),
            // Writing to a String can't fail.
            Node::Value(_, variable) => _ = write!(out, "{{{{{}{suffix}}}}}", variable.name),
            Node::Condition { .. } => {}
        });
        out
    }

    /// The part as [`decide`](Self::decide) has it, with these values, and the pieces that it is made of.
    pub(super) fn traced(
        &self,
        has: &impl Fn(&str) -> bool,
        value: impl Fn(&Variable) -> String,
    ) -> (String, Vec<Piece>) {
        let (mut out, mut pieces) = (String::new(), vec![]);
        each(&self.0, has, &mut |node| {
            let (at, variable) = match node {
                Node::Text(at, _) => (*at, None),
                Node::Value(at, variable) => (*at, Some(*variable)),
                Node::Condition { .. } => return,
            };
            pieces.push(Piece {
                begins: out.len(),
                source: at,
                variable,
            });
            match (node, variable) {
                (Node::Text(_, text), _) => out.push_str(text),
                (_, Some(variable)) => out.push_str(&value(variable)),
                _ => {}
            }
        });
        (out, pieces)
    }

    /// Which variables it prints, and where it does first.
    pub(super) fn values(&self) -> Vec<(usize, &'static Variable)> {
        let mut found = vec![];
        all(&self.0, &mut |node| {
            if let Node::Value(at, variable) = node {
                found.push((*at, *variable));
            }
        });
        found
    }

    /// Which variables it depends on.
    pub(super) fn conditions(&self) -> Vec<&'static Variable> {
        let mut found = vec![];
        all(&self.0, &mut |node| {
            if let Node::Condition { on, .. } = node {
                found.push(*on);
            }
        });
        found
    }
}

/// Every node that is there for such values, in order.
fn each(nodes: &[Node], has: &impl Fn(&str) -> bool, visit: &mut impl FnMut(&Node)) {
    for node in nodes {
        visit(node);
        if let Node::Condition {
            on,
            then,
            otherwise,
        } = node
        {
            each(if has(on.name) { then } else { otherwise }, has, visit);
        }
    }
}

/// Every node.
fn all(nodes: &[Node], visit: &mut impl FnMut(&Node)) {
    for node in nodes {
        visit(node);
        if let Node::Condition {
            then, otherwise, ..
        } = node
        {
            all(then, visit);
            all(otherwise, visit);
        }
    }
}

fn text(nodes: &mut Vec<Node>, at: usize, text: &str) {
    if !text.is_empty() {
        nodes.push(Node::Text(at, text.to_owned()));
    }
}

/// A condition that is not closed yet.
struct Open {
    start: usize,
    kind: Block,
    on: &'static Variable,
    /// What stands before it.
    outside: Vec<Node>,
    /// What stands before its else, once that is read.
    then: Option<Vec<Node>>,
    /// Whether it is an `else if`, which ends with the condition that it continues.
    chained: bool,
}

impl Open {
    fn new(start: usize, kind: Block, on: &'static Variable, outside: Vec<Node>) -> Self {
        Self {
            start,
            kind,
            on,
            outside,
            then: None,
            chained: false,
        }
    }

    /// What stood before it, and the condition.
    fn close(self, nodes: Vec<Node>) -> Vec<Node> {
        let (first, second) = match self.then {
            Some(then) => (then, nodes),
            None => (nodes, vec![]),
        };
        let (then, otherwise) = match self.kind {
            Block::If => (first, second),
            Block::Unless => (second, first),
        };
        let mut all = self.outside;
        all.push(Node::Condition {
            on: self.on,
            then,
            otherwise,
        });
        all
    }
}

impl std::fmt::Display for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.on.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    If,
    Unless,
}

impl Block {
    fn named(name: &str) -> Option<Self> {
        match name {
            "if" => Some(Self::If),
            "unless" => Some(Self::Unless),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
        }
    }
}

/// What stands between the braces.
enum Words<'a> {
    Comment,
    Value(&'a str),
    Open(Block, &'a str),
    Else(Option<(Block, &'a str)>),
    Close(Option<Block>),
    Unsupported,
}

struct Tag<'a> {
    /// The text before it, and where that begins.
    before: &'a str,
    before_at: usize,
    /// Where it begins in the source.
    start: usize,
    inner: &'a str,
}

impl<'a> Tag<'a> {
    fn words(&self) -> Words<'a> {
        let is_name = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let words: Vec<&'a str> = self.inner.split_whitespace().collect();
        match *words.as_slice() {
            _ if self.inner.starts_with('!') => Words::Comment,
            ["else"] => Words::Else(None),
            ["else", block, name] if Block::named(block).is_some() => {
                Words::Else(Block::named(block).map(|block| (block, name)))
            }
            [name] if is_name(name) => Words::Value(name),
            [open, name] => match open.strip_prefix('#').and_then(Block::named) {
                Some(block) => Words::Open(block, name),
                None => Words::Unsupported,
            },
            [close] if close.starts_with('/') => Words::Close(Block::named(&close[1..])),
            _ => Words::Unsupported,
        }
    }

    /// Whether it prints nothing itself.
    fn is_silent(&self) -> bool {
        !matches!(self.words(), Words::Value(_))
    }
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn next_tag(&mut self) -> Result<Option<Tag<'a>>, (Place, SyntaxError)> {
        let rest = &self.source[self.at..];
        let Some(offset) = rest.find("{{") else {
            return Ok(None);
        };
        let start = self.at + offset;
        let fail = |error| Err((place(self.source, start), error));
        let behind = &self.source[start + 2..];
        if behind.starts_with('{') {
            return fail(SyntaxError::ThreeBraces);
        }
        if rest[..offset].ends_with('\\') {
            return fail(SyntaxError::Backslash);
        }
        let end = if behind.starts_with("!--") {
            "--}}"
        } else {
            "}}"
        };
        let Some(length) = behind.find(end) else {
            return fail(SyntaxError::OpenTag);
        };
        let (inner, mut before) = (behind[..length].trim(), &rest[..offset]);
        let before_at = self.at;
        let after = start + 2 + length + end.len();
        self.at = after;
        let tag = Tag {
            before,
            before_at,
            start,
            inner,
        };
        // Alone on its line: then the line is not there. What is looked at here is looked at for no other tag but the next, so
        // that a template of one long line takes no longer than others.
        let fresh = before_at == 0 || self.source[..before_at].ends_with('\n');
        let begun = before.rsplit_once('\n').map(|(_, begun)| begun);
        let begun = begun.or_else(|| fresh.then_some(before));
        let follows = self.source[after..].find(|c: char| c == '\n' || !c.is_whitespace());
        let line_end = follows.map(|at| after + at);
        let ends = line_end.is_none_or(|at| self.source[at..].starts_with('\n'));
        if tag.is_silent() && ends && begun.is_some_and(|begun| begun.trim().is_empty()) {
            before = before.trim_end_matches([' ', '\t']);
            self.at = line_end.map_or(self.source.len(), |at| at + 1);
        }
        Ok(Some(Tag { before, ..tag }))
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }
}

/// The place of a byte.
pub(super) fn place(source: &str, at: usize) -> Place {
    let before = &source[..at];
    Place {
        line: before.matches('\n').count() + 1,
        column: before
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count())
            + 1,
    }
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
