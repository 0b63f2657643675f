//! AWS's list prices, and what has to be assumed with them: prices.json says where each is from.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use crate::{count::Counts, report::Trouble, root};

/// Prices, and what has to be assumed with them. The file says where each is from.
#[derive(Deserialize)]
pub(crate) struct Prices {
    pub(crate) date: String,
    #[serde(rename = "prices")]
    list: Each<Price>,
    assumptions: Each<Assumption>,
}

type Each<T> = BTreeMap<String, T>;

#[derive(Deserialize)]
struct Price {
    usd: f64,
}

#[derive(Deserialize)]
struct Assumption {
    value: f64,
}

impl Prices {
    pub(crate) fn read() -> Result<Self, Trouble> {
        let file = root().join("tests/bench/prices.json");
        let unusable = |error: String| {
            Trouble::new(
                format!("{}: {error}", file.display()),
                "mend the price file",
            )
        };
        let text = fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
    }

    /// A price by its name.
    pub(crate) fn of(&self, name: &str) -> f64 {
        self.list.get(name).map_or(f64::NAN, |price| price.usd)
    }

    /// What has to be assumed, by its name.
    pub(crate) fn assumed(&self, name: &str) -> f64 {
        self.assumptions
            .get(name)
            .map_or(f64::NAN, |assumption| assumption.value)
    }

    /// What a million times these units cost.
    pub(crate) fn table(&self, counts: &Counts) -> f64 {
        (counts.written + counts.written_to_indexes()) * self.of("dynamodb_write_million")
            + counts.read * self.of("dynamodb_read_million")
    }
}

/// The memory that the template gives a function, in MB.
pub(crate) fn memory(function: &str) -> Result<f64, Trouble> {
    let file = root().join("infra/template.yaml");
    let unusable = |why: String| {
        Trouble::new(
            format!("{}: {why}", file.display()),
            "say in tests/bench/prices.rs how the template is read now",
        )
    };
    let template = fs::read_to_string(&file).map_err(|error| unusable(error.to_string()))?;
    let resource = format!(
        "  {}Function:",
        function[..1].to_uppercase() + &function[1..]
    );
    let size = |line: &str| line.trim().strip_prefix("MemorySize:")?.trim().parse().ok();
    let own = template
        .lines()
        .skip_while(|line| *line != resource)
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("   "))
        .find_map(size);
    // The first in the template is what holds for all.
    own.or_else(|| template.lines().find_map(size))
        .ok_or_else(|| unusable("it names no MemorySize".to_owned()))
}
