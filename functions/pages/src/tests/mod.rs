//! What holds the pages' files together, none of which a compiler looks at.

mod documents;
mod texts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use crate::assets::{self, Asset};

/// The pages, as they lie in the folder.
const PAGES: [(&str, &str); 2] = [
    ("accept.html", include_str!("../../web/accept.html")),
    ("users.html", include_str!("../../web/users.html")),
];

/// Whether it is a file of this kind.
fn is(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

fn asset(name: &str) -> &'static str {
    static ASSETS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
        let plain = |asset: &Asset| String::from_utf8(asset.plain().unwrap()).unwrap();
        let all = assets::all().iter();
        all.map(|asset| (asset.name, plain(asset))).collect()
    });
    let asset = ASSETS.get(name);
    asset.unwrap_or_else(|| panic!("there is no {name}"))
}

/// What stands between each `before` and the `after` that follows it.
fn between<'a>(text: &'a str, before: &'a str, after: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = text;
    iter::from_fn(move || {
        let (_, found) = rest.split_once(before)?;
        let (inner, left) = found.split_once(after)?;
        rest = left;
        Some(inner)
    })
}

/// The modules that a page's script leads to, the script among them; with those that are only loaded on demand, or without.
fn modules(page: &str, on_demand: bool) -> BTreeSet<&str> {
    reached(
        between(page, "<script type=\"module\" src=\"{{assets}}/", "\"").collect(),
        on_demand,
    )
}

/// The modules that these lead to, with them.
fn reached(mut open: Vec<&str>, on_demand: bool) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    while let Some(module) = open.pop() {
        if found.insert(module) {
            let text = asset(module);
            open.extend(between(text, "from \"./", "\""));
            open.extend(between(text, "import \"./", "\""));
            if on_demand {
                open.extend(between(text, "import(\"./", "\""));
            }
        }
    }
    found
}

/// The part of the catalogues that a page loads first, and those that come on demand.
fn parts(page: &str) -> (&str, BTreeSet<&str>) {
    let first = between(page, "<meta name=\"usher:texts\" content=\"", "\"").next();
    let later = modules(page, true);
    let later = later
        .iter()
        .flat_map(|module| between(asset(module), "need(\"", "\""));
    (first.unwrap(), later.collect())
}

/// The path in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
