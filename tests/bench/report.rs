//! Figures, and how they are shown: as a table for a person, as JSON for a program, and against the limits for CI.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    fs,
    path::Path,
};

use serde::Serialize;
use thiserror::Error;

/// What could not be measured, and what the person can do about it.
#[derive(Debug, Error)]
#[error("{what}; {remedy}")]
pub(crate) struct Trouble {
    what: String,
    remedy: String,
}

impl Trouble {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    /// The section: `start`, `operations`, ...
    pub(crate) section: &'static str,
    /// The function or the operation.
    pub(crate) subject: String,
    /// What was measured of it.
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    /// What it should be at most.
    pub(crate) goal: Option<f64>,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Calls to AWS, handshakes, records.
    Calls,
    /// `DynamoDB`'s read or write units.
    Units,
    /// Of a program, or of what goes over the wire.
    Bytes,
    /// Connections, where their number depends on which answers happen to overlap.
    Connections,
    /// Of memory, which differs a little from run to run.
    Memory,
    Instructions,
    Milliseconds,
    PerSecond,
    /// How many times another figure.
    Times,
    Dollars,
}

impl Unit {
    /// By how much a figure may exceed what it was when its limit was set; none if it is no matter for limits.
    fn margin(self) -> Option<f64> {
        match self {
            Self::Calls | Self::Units => Some(1.0),
            Self::Bytes => Some(1.05),
            Self::Instructions => Some(1.1),
            Self::Connections
            | Self::Memory
            | Self::Milliseconds
            | Self::PerSecond
            | Self::Times
            | Self::Dollars => None,
        }
    }

    /// The figure as a person reads it.
    fn show(self, value: f64) -> String {
        let precise = |value: f64| match value.abs() {
            size if size >= 100.0 => format!("{value:.0}"),
            size if size >= 10.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        let scaled = |big: f64, small: f64, names: [&str; 3]| match value {
            value if value >= big => format!("{} {}", precise(value / big), names[0]),
            value if value >= small => format!("{} {}", precise(value / small), names[1]),
            value => format!(
                "{value:.0}{}{}",
                if names[2].is_empty() { "" } else { " " },
                names[2]
            ),
        };
        match self {
            Self::Calls | Self::Connections | Self::Units if value.fract() == 0.0 => {
                format!("{value:.0}")
            }
            Self::Calls | Self::Connections | Self::Units => precise(value),
            Self::Bytes | Self::Memory => scaled(1e6, 1e3, ["MB", "kB", "B"]),
            Self::Instructions => scaled(1e6, 1e3, ["M", "k", ""]),
            Self::Milliseconds => format!("{} ms", precise(value)),
            Self::PerSecond => format!("{}/s", precise(value)),
            Self::Times => format!("{} x", precise(value)),
            Self::Dollars => format!("${value:.2}"),
        }
    }
}

impl Figure {
    /// A figure without a goal.
    pub(crate) fn new(
        section: &'static str,
        subject: impl Into<String>,
        name: &'static str,
        value: f64,
        unit: Unit,
    ) -> Self {
        Self {
            section,
            subject: subject.into(),
            name,
            value,
            unit,
            goal: None,
        }
    }

    /// The figure with what it should be at most.
    #[must_use]
    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    fn key(&self) -> String {
        format!("{}.{}.{}", self.section, self.subject, self.name)
    }

    fn met(&self) -> bool {
        self.goal.is_none_or(|goal| self.value <= goal)
    }

    /// The value, and its goal if it has one.
    fn cell(&self) -> String {
        let value = self.unit.show(self.value);
        match self.goal {
            None => value,
            Some(goal) => {
                let verdict = if self.met() { "met" } else { "NOT MET" };
                format!("{value} ({verdict}: {})", self.unit.show(goal))
            }
        }
    }
}

/// A section's figures: a line for each subject, a column for each name.
pub(crate) fn table(section: &str, figures: &[Figure]) -> String {
    let (mut subjects, mut names) = (Vec::new(), Vec::new());
    for figure in figures {
        if !subjects.contains(&figure.subject.as_str()) {
            subjects.push(figure.subject.as_str());
        }
        if !names.contains(&figure.name) {
            names.push(figure.name);
        }
    }
    let cell = |subject: &str, name: &str| {
        let figure = figures
            .iter()
            .find(|figure| figure.subject == subject && figure.name == name);
        figure.map_or_else(|| "-".to_owned(), Figure::cell)
    };
    let mut rows = vec![vec![section.to_owned()]];
    rows[0].extend(names.iter().map(|name| (*name).to_owned()));
    for subject in subjects {
        let cells = names.iter().map(|name| cell(subject, name));
        rows.push(std::iter::once(subject.to_owned()).chain(cells).collect());
    }
    aligned(&rows)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..rows[0].len())
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let mut text = String::from("\n");
    for row in rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "  {cell:>width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Which goals are met, and which are not.
pub(crate) fn goals(figures: &[Figure]) -> String {
    let (met, missed): (Vec<_>, Vec<_>) = figures
        .iter()
        .filter(|figure| figure.goal.is_some())
        .partition(|figure| figure.met());
    let mut text = format!("\n{} goals are met, {} are not.\n", met.len(), missed.len());
    for figure in missed {
        let _ = writeln!(text, "  {}: {}", figure.key(), figure.cell());
    }
    text
}

/// Writes the figures as an array of objects.
pub(crate) fn write_json(file: &Path, figures: &[Figure]) -> Result<(), Trouble> {
    write(file, figures)
}

fn write(file: &Path, value: &(impl Serialize + ?Sized)) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(value).map_err(|error| unusable(file, error))?;
    fs::write(file, text + "\n").map_err(|error| unusable(file, error))
}

fn unusable(file: &Path, error: impl Display) -> Trouble {
    Trouble::new(format!("{}: {error}", file.display()), "name another file")
}

/// What figures may be at most, by `section.subject.name`. Every stable figure has one: a new one asks for its own.
pub(crate) struct Limits(BTreeMap<String, f64>);

impl Limits {
    pub(crate) fn read(file: &Path) -> Result<Self, Trouble> {
        let text = fs::read_to_string(file).map_err(|error| unusable(file, error))?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|error| unusable(file, error))
    }

    /// What is wrong: a figure over its limit, one without a limit, a limit whose figure was not measured.
    pub(crate) fn check(&self, sections: &[String], figures: &[Figure]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut known: Vec<String> = Vec::new();
        for figure in figures
            .iter()
            .filter(|figure| figure.unit.margin().is_some())
        {
            let (key, value) = (figure.key(), figure.unit.show(figure.value));
            match self.0.get(&key) {
                None => wrong.push(format!(
                    "{key} is {value} and has no limit: --set-limits gives it one"
                )),
                Some(limit) if figure.value > *limit => {
                    wrong.push(format!(
                        "{key} is {value}, at most {} is allowed",
                        figure.unit.show(*limit)
                    ));
                }
                Some(_) => {}
            }
            known.push(key);
        }
        let missing = self
            .0
            .keys()
            .filter(|key| in_sections(key, sections) && !known.contains(key));
        wrong.extend(missing.map(|key| format!("{key} was not measured")));
        wrong
    }

    /// Sets the limits of these sections anew, and keeps those of the others.
    pub(crate) fn set(file: &Path, sections: &[String], figures: &[Figure]) -> Result<(), Trouble> {
        let mut limits = if file.exists() {
            Self::read(file)?.0
        } else {
            BTreeMap::new()
        };
        limits.retain(|key, _| !in_sections(key, sections));
        for figure in figures {
            if let Some(margin) = figure.unit.margin() {
                let limit = if margin > 1.0 {
                    (figure.value * margin).ceil()
                } else {
                    figure.value
                };
                limits.insert(figure.key(), limit);
            }
        }
        write(file, &limits)
    }
}

fn in_sections(key: &str, sections: &[String]) -> bool {
    sections
        .iter()
        .any(|section| key.split('.').next() == Some(section))
}
