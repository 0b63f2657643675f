//! Compresses what the pages load, so that no request has to, and names it all by its content, so that browsers may keep it
//! for ever. A language's catalogue becomes one file for each page, and one for each dialog that comes on demand.

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The parts of a catalogue that are loaded as one, and the areas whose sentences are in them: the first words of their keys.
const PARTS: [(&str, &[&str]); 6] = [
    ("accept", &["accept", "common", "problem"]),
    (
        "users",
        &[
            "common", "delivery", "history", "outcome", "problem", "state", "users",
        ],
    ),
    ("health", &["health"]),
    ("invite", &["invite"]),
    ("mail", &["decided", "mail"]),
    ("settings", &["decided", "settings"]),
];

const PAGES: [&str; 2] = ["accept.html", "users.html"];

/// What the documents themselves say, before or without a script: no part of a catalogue has it.
const DOCUMENT: [&str; 6] = [
    "common.loading",
    "common.retry",
    "page.no_script.accept",
    "page.no_script.title",
    "page.no_script.users",
    "page.unreached",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=web");
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("web");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = fs::read_dir(web)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    // The pages themselves are made for each language and stack; a document that a page shows within itself is a file like others.
    let is_page = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| PAGES.iter().any(|page| *page == name))
    };
    files.retain(|path| !is_page(path));
    files.sort();
    let mut sent: Vec<(String, String)> = vec![];
    let mut documents = String::new();
    for path in &files {
        let (name, text) = (name(path)?, fs::read_to_string(path)?);
        let language = name
            .strip_prefix("texts.")
            .and_then(|rest| rest.strip_suffix(".json"));
        match language {
            Some(language) => {
                let texts: Catalogue = serde_json::from_str(&text)?;
                let parts = parts(language, &texts).map_err(|error| format!("{name}: {error}"))?;
                sent.extend(parts);
                let said = DOCUMENT.map(|key| (key, texts.get(key).cloned().unwrap_or_default()));
                writeln!(documents, "({language:?}, {said:?}),")?;
            }
            None => sent.push((name.to_owned(), without_comments(&text)?)),
        }
    }
    let mut version = Sha256::new();
    let mut assets = String::new();
    for (name, plain) in &sent {
        version.update(name.len().to_be_bytes());
        version.update(name);
        version.update(plain.len().to_be_bytes());
        version.update(plain);
        let compressed = out.join(format!("{name}.gz"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain.as_bytes())?;
        fs::write(&compressed, encoder.finish()?)?;
        let content_type = content_type(name).ok_or_else(|| format!("what is {name}?"))?;
        let gzip = literal(&compressed)?;
        writeln!(
            assets,
            "Asset {{ name: {name:?}, content_type: {content_type:?}, gzip: include_bytes!({gzip}) }},"
        )?;
    }
    let version: String = version
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(
        out.join("assets.rs"),
        format!(
            "const VERSION: &str = {version:?};\nstatic ASSETS: [Asset; {}] = [\n{assets}];\n\
             static DOCUMENTS: &[(&str, [(&str, &str); {}])] = &[\n{documents}];\n",
            sent.len(),
            DOCUMENT.len()
        ),
    )?;
    Ok(())
}

/// A language's sentences by their keys.
type Catalogue = BTreeMap<String, String>;

/// The files that a language's catalogue is sent as.
fn parts(language: &str, texts: &Catalogue) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let area = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
    let said = |key: &str| {
        let mut parts = PARTS.iter();
        DOCUMENT.contains(&key) || parts.any(|(_, areas)| areas.contains(&&*area(key)))
    };
    if let Some(key) = texts.keys().find(|key| !said(key)) {
        return Err(format!("{key} belongs to none of PARTS, so no page would say it").into());
    }
    let part = |(part, areas): &(&str, &[&str])| {
        let said: BTreeMap<_, _> = texts
            .iter()
            .filter(|(key, _)| areas.contains(&&*area(key)))
            .collect();
        Ok((
            format!("{part}.{language}.json"),
            serde_json::to_string(&said)?,
        ))
    };
    PARTS.iter().map(part).collect()
}

/// The text without the lines that are nothing but comments. They are for who reads the source, and an eighth of what the
/// pages would send.
fn without_comments(text: &str) -> Result<String, String> {
    let mut kept = String::with_capacity(text.len());
    let mut inside = false;
    for line in text.lines() {
        let words = line.trim();
        inside |= words.starts_with("/*");
        if !inside && !words.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
        if inside && let Some((_, after)) = words.split_once("*/") {
            if !after.is_empty() {
                return Err(format!(
                    "put on a line of its own what follows the comment: {line}"
                ));
            }
            inside = false;
        }
    }
    Ok(kept)
}

/// The path as a literal of Rust.
fn literal(path: &Path) -> Result<String, String> {
    let path = path.to_str().map(|path| format!("{path:?}"));
    path.ok_or_else(|| "the way to this folder has to be Unicode".to_owned())
}

fn name(path: &Path) -> Result<&str, String> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| format!("{} has no name in Unicode", path.display()))
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}
