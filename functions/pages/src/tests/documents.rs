//! The documents, and what they load.

use std::collections::BTreeSet;

use super::{PAGES, asset, between, is, modules, parts, reached};
use crate::{assets, page::Page};

#[test]
fn whatever_a_page_loads_is_there() {
    for (name, html) in PAGES {
        let files: Vec<_> = between(html, "{{assets}}/", "\"").collect();
        assert!(files.len() > 1, "{name}");
        for file in files {
            assert!(assets::find(file).is_some(), "{name} names {file}");
        }
        // Where a module names one that there is not, following it fails.
        modules(html, true);
    }
}

#[test]
fn no_module_waits_for_another_to_be_read() {
    for (name, html) in PAGES {
        let named: BTreeSet<_> =
            between(html, "<link rel=\"modulepreload\" href=\"{{assets}}/", "\"")
                .chain(between(html, "src=\"{{assets}}/", "\""))
                .filter(|file| is(file, "js"))
                .collect();
        for module in modules(html, false) {
            assert!(named.contains(module), "{name} does not preload {module}");
        }
        for file in named {
            assert!(
                modules(html, true).contains(file),
                "{name} preloads {file} for nothing"
            );
        }
    }
}

#[test]
fn every_file_is_used_by_a_page() {
    let mut used: BTreeSet<&str> = PAGES
        .iter()
        .flat_map(|(_, html)| {
            let mut used = modules(html, true);
            used.extend(between(html, "{{assets}}/", "\""));
            used
        })
        .collect();
    // A page that is opened on demand brings its own style.
    let on_demand: Vec<_> = used.iter().copied().filter(|name| is(name, "js")).collect();
    for module in on_demand {
        used.extend(between(asset(module), "\"./", "\"").filter(|name| is(name, "css")));
    }
    let parts: BTreeSet<&str> = PAGES
        .iter()
        .map(|(_, html)| parts(html))
        .flat_map(|(first, later)| later.into_iter().chain([first]))
        .collect();
    for file in assets::all() {
        let part = file.name.split('.').next().unwrap_or_default();
        let catalogue = is(file.name, "json") && parts.contains(part);
        assert!(
            catalogue || used.contains(file.name),
            "nobody uses {}",
            file.name
        );
    }
}

#[test]
fn a_page_has_no_script_style_or_handler_in_itself() {
    for (name, html) in PAGES {
        assert!(!html.contains("<style"), "{name}");
        for tag in between(html, "<", ">") {
            assert!(
                !tag.starts_with("script") || tag.contains(" src="),
                "{name}: {tag}"
            );
            assert!(!tag.contains(" style="), "{name}: {tag}");
            assert!(!tag.contains("javascript:"), "{name}: {tag}");
            let handler = tag
                .split_whitespace()
                .skip(1)
                .find(|part| part.starts_with("on"));
            assert_eq!(handler, None, "{name}: {tag}");
        }
    }
}

#[test]
fn no_module_turns_text_into_html() {
    for (name, html) in PAGES {
        for module in modules(html, true) {
            for danger in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(
                    !asset(module).contains(danger),
                    "{name}: {danger} in {module}"
                );
            }
        }
    }
}

/// How many bytes go over the wire until the page is there, and how many more at most when the person reaches for something
/// that comes on demand.
fn weight(html: &str) -> (usize, usize) {
    let size = |file: &&str| assets::find(file).unwrap().gzip.len();
    let largest = |part: &str| {
        let of_part = assets::all()
            .iter()
            .filter(|file| is(file.name, "json") && file.name.split('.').next() == Some(part));
        of_part.map(|file| file.gzip.len()).max().unwrap()
    };
    let (part, on_demand) = parts(html);
    let mut first = modules(html, false);
    first.extend(between(html, "{{assets}}/", "\""));
    let entries = first
        .iter()
        .filter(|file| is(file, "js"))
        .flat_map(|module| between(asset(module), "import(\"./", "\""));
    let later = entries.map(|entry| {
        let more = reached(vec![entry], true);
        more.difference(&first).map(size).sum::<usize>()
    });
    let later = later.max().unwrap_or_default();
    let page = Page::new(html, &[]).unwrap().gzip.len();
    let first: usize = first.iter().map(size).sum();
    (
        page + largest(part) + first,
        later + on_demand.into_iter().map(largest).sum::<usize>(),
    )
}

#[test]
fn a_page_is_small_and_so_is_what_it_loads_on_demand() {
    for (name, html) in PAGES {
        let (first, later) = weight(html);
        assert!(first < 60 * 1024, "{name} is {first} bytes");
        assert!(later < 30 * 1024, "{name} loads {later} bytes later");
    }
}
