//! A part of a mail, and what is made of it for values that are there or not.

use std::fmt::Write;

use super::{
    Place, SyntaxError, Variable,
    reader::{Block, Reader, Words, place},
};

/// Conditions in conditions: more than anybody can follow, and less than any stack holds.
const DEEPEST: usize = 16;

/// How many bytes of text are in a piece at the least: a smaller one is read no faster.
const LEAST_PIECE: usize = 200;

/// A part of a mail, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mail::template) struct Part(Vec<Node>);

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
pub(in crate::mail::template) struct Piece {
    /// Where it begins in what was rendered.
    pub(in crate::mail::template) begins: usize,
    /// Where it comes from.
    pub(in crate::mail::template) source: usize,
    /// What it is the value of.
    pub(in crate::mail::template) variable: Option<&'static Variable>,
}

impl Part {
    /// Reads a part. The error comes with its place.
    pub(in crate::mail::template) fn parse(source: &str) -> Result<Self, (Place, SyntaxError)> {
        let mut reader = Reader::new(source);
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
        let (at, rest) = reader.rest();
        text(&mut nodes, at, rest);
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
    pub(in crate::mail::template) fn decide(
        &self,
        has: &impl Fn(&str) -> bool,
        suffix: &str,
    ) -> String {
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
    pub(in crate::mail::template) fn traced(
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

    /// The part in pieces, cut before conditions, where what stands before is `closed`: so few conditions are in each.
    pub(in crate::mail::template) fn pieces(&self, closed: impl Fn(&Self) -> bool) -> Vec<Self> {
        let (mut cut, mut piece) = (vec![], Self(vec![]));
        let (mut bytes, mut enough) = (0, LEAST_PIECE);
        for node in &self.0 {
            if bytes >= enough && matches!(node, Node::Condition { .. }) {
                if closed(&piece) {
                    cut.push(std::mem::replace(&mut piece, Self(vec![])));
                    (bytes, enough) = (0, LEAST_PIECE);
                } else {
                    enough = bytes * 2;
                }
            }
            all(std::slice::from_ref(node), &mut |node| {
                if let Node::Text(_, text) = node {
                    bytes += text.len();
                }
            });
            piece.0.push(node.clone());
        }
        cut.push(piece);
        cut
    }

    /// Which variables it prints, and where it does first.
    pub(in crate::mail::template) fn values(&self) -> Vec<(usize, &'static Variable)> {
        let mut found = vec![];
        all(&self.0, &mut |node| {
            if let Node::Value(at, variable) = node {
                found.push((*at, *variable));
            }
        });
        found
    }

    /// Which variables it depends on.
    pub(in crate::mail::template) fn conditions(&self) -> Vec<&'static Variable> {
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
