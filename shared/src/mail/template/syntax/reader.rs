//! Reads a template tag by tag.

use super::{Place, SyntaxError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    If,
    Unless,
}

impl Block {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "if" => Some(Self::If),
            "unless" => Some(Self::Unless),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
        }
    }
}

/// What stands between the braces.
pub(super) enum Words<'a> {
    Comment,
    Value(&'a str),
    Open(Block, &'a str),
    Else(Option<(Block, &'a str)>),
    Close(Option<Block>),
    Unsupported,
}

pub(super) struct Tag<'a> {
    /// The text before it, and where that begins.
    pub(super) before: &'a str,
    pub(super) before_at: usize,
    /// Where it begins in the source.
    pub(super) start: usize,
    pub(super) inner: &'a str,
}

impl<'a> Tag<'a> {
    pub(super) fn words(&self) -> Words<'a> {
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

pub(super) struct Reader<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0 }
    }

    pub(super) fn next_tag(&mut self) -> Result<Option<Tag<'a>>, (Place, SyntaxError)> {
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

    /// What is left, and where that begins.
    pub(super) fn rest(&self) -> (usize, &'a str) {
        (self.at, &self.source[self.at..])
    }
}

/// The place of a byte.
pub(in crate::mail::template) fn place(source: &str, at: usize) -> Place {
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
