//! What people really paste: lists from Outlook, spreadsheets and chats, split into one entry a person.
//!
//! Nothing is dropped. What is no address becomes an entry too, so that its row can say what is wrong with it.

/// One person's piece of a pasted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The piece as it was pasted, for showing it again.
    pub input: String,
    /// The name beside the address, if there was one.
    pub name: Option<String>,
    /// What should be an address; it is not checked yet.
    pub address: String,
}

/// Splits at line breaks, semicolons, commas and spaces. Understands `Name <a@b>`, `"Lname, Fname" <a@b>`,
/// `Lname, Fname <a@b>` and `mailto:`.
///
/// Stops soon after `most` entries, so that a text of nothing but separate letters is no danger to whoever splits it.
pub fn split_paste(text: &str, most: usize) -> Vec<Pasted> {
    let mut entries = Vec::new();
    for line in text.split(['\n', '\r']) {
        for chunk in chunks(line) {
            split_chunk(chunk, most, &mut entries);
            if entries.len() > most {
                return entries;
            }
        }
    }
    entries
}

/// Cuts a line at semicolons outside quotes and brackets. A quote that the line does not close is plain text.
fn chunks(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    // Where the next `>` or `;` is. Looked for once, not at every bracket before it.
    let mut delimiter = 0;
    while let Some(c) = line[at..].chars().next() {
        let next = at + c.len_utf8();
        at = match c {
            ';' => {
                pieces.push(&line[start..at]);
                start = next;
                next
            }
            '"' => line[next..].find('"').map_or(next, |end| next + end + 1),
            '<' => {
                if delimiter < next {
                    delimiter = line[next..]
                        .find(['>', ';'])
                        .map_or(line.len(), |end| next + end);
                }
                // An address never holds a semicolon, so a bracket that is not closed before one is plain text.
                if line[delimiter..].starts_with('>') {
                    delimiter + 1
                } else {
                    next
                }
            }
            _ => next,
        };
    }
    pieces.push(&line[start..]);
    pieces
}

/// One chunk is a row of `name <address>` with separators between, or of bare addresses, or of both.
fn split_chunk(chunk: &str, most: usize, entries: &mut Vec<Pasted>) {
    let mut rest = chunk;
    while let Some((before, address, after)) = next_bracket(rest) {
        let name = split_bare_before_name(before, most, entries);
        let input = format!("{name}<{address}>");
        entries.push(Pasted {
            input: input.trim().to_owned(),
            name: clean_name(name),
            address: clean_address(address),
        });
        rest = after;
        if entries.len() > most {
            return;
        }
    }
    split_bare(rest, most, entries);
}

/// Finds the next `<...>` outside quotes.
fn next_bracket(text: &str) -> Option<(&str, &str, &str)> {
    let mut at = 0;
    loop {
        at += text[at..].find(['"', '<'])?;
        let rest = &text[at + 1..];
        if text[at..].starts_with('<') {
            // If this one is not closed, none after it is.
            let end = rest.find('>')?;
            return Some((&text[..at], &rest[..end], &rest[end + 1..]));
        }
        at += rest.find('"').map_or(1, |end| end + 2);
    }
}

/// Before a bracket stand bare addresses, if any, and then the name: everything after the last word with an `@`.
fn split_bare_before_name<'a>(before: &'a str, most: usize, entries: &mut Vec<Pasted>) -> &'a str {
    let quoted_from = before.find('"').unwrap_or(before.len());
    let name_from = before[..quoted_from].rfind('@').map_or(0, |at| {
        before[at..]
            .find(is_separator)
            .map_or(before.len(), |end| at + end)
    });
    split_bare(&before[..name_from], most, entries);
    before[name_from..].trim_start_matches(is_separator)
}

/// Words between separators. Neighbouring words without an `@` are one entry: "Ann Lee" is one mistake, not two.
fn split_bare(text: &str, most: usize, entries: &mut Vec<Pasted>) {
    for part in text.split([',', ';']) {
        let mut mistake = String::new();
        for word in part.split_whitespace() {
            if entries.len() > most {
                return;
            }
            if looks_like_address(word) {
                push_mistake(std::mem::take(&mut mistake), entries);
                entries.push(Pasted {
                    input: word.to_owned(),
                    name: None,
                    address: clean_address(word),
                });
            } else {
                mistake.extend((!mistake.is_empty()).then_some(' '));
                mistake.push_str(word);
            }
        }
        push_mistake(mistake, entries);
    }
}

fn push_mistake(text: String, entries: &mut Vec<Pasted>) {
    // A lone quote, bullet or dash left over between two addresses names nobody.
    if text.chars().any(char::is_alphanumeric) {
        entries.push(Pasted {
            input: text.clone(),
            name: None,
            address: text,
        });
    }
}

fn looks_like_address(word: &str) -> bool {
    word.contains(['@', '\u{FF20}', '\u{FE6B}'])
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';')
}

/// Drops what mail programs and sentences put around an address; what is left is checked by whoever reads it.
fn clean_address(text: &str) -> String {
    let around = |c: char| c.is_whitespace() || "\"'()[]<>\u{200B}\u{FEFF}".contains(c);
    let text = text
        .trim_matches(around)
        .trim_end_matches(['.', ':'])
        .trim_matches(around);
    let scheme = text
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    match scheme {
        Some(_) => text[7..].split('?').next().unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}

fn clean_name(text: &str) -> Option<String> {
    let name = text.trim().trim_matches(['"', '\'', ',']).trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<(Option<String>, String)> {
        split_paste(text, 100)
            .into_iter()
            .map(|entry| (entry.name, entry.address))
            .collect()
    }

    fn bare(address: &str) -> (Option<String>, String) {
        (None, address.to_owned())
    }

    fn named(name: &str, address: &str) -> (Option<String>, String) {
        (Some(name.to_owned()), address.to_owned())
    }

    #[test]
    fn spaces_commas_semicolons_and_line_breaks_separate() {
        let expected: Vec<_> = ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"]
            .map(bare)
            .into();
        assert_eq!(
            split("a@x.org b@x.org,c@x.org;d@x.org\r\n\te@x.org\n\n;,"),
            expected
        );
    }

    #[test]
    fn names_are_read_as_outlook_writes_them() {
        assert_eq!(
            split(
                "\"Lee, Ann\" <ann@x.org>; Berg, Bo <bo@x.org>; Cy <cy@x.org>, Di Dee <di@x.org>;"
            ),
            [
                named("Lee, Ann", "ann@x.org"),
                named("Berg, Bo", "bo@x.org"),
                named("Cy", "cy@x.org"),
                named("Di Dee", "di@x.org"),
            ]
        );
    }

    #[test]
    fn bare_addresses_before_a_name_stay_their_own_entries() {
        assert_eq!(
            split("a@x.org, Bo Berg <bo@x.org> c@x.org"),
            [
                bare("a@x.org"),
                named("Bo Berg", "bo@x.org"),
                bare("c@x.org")
            ]
        );
        assert_eq!(
            split("<a@x.org>,<b@x.org>"),
            [bare("a@x.org"), bare("b@x.org")]
        );
    }

    #[test]
    fn a_quoted_name_may_hold_separators_and_an_at() {
        assert_eq!(
            split("\"Lee; Ann @ work\" <ann@x.org>"),
            [named("Lee; Ann @ work", "ann@x.org")]
        );
    }

    #[test]
    fn mailto_and_what_surrounds_an_address_are_dropped() {
        assert_eq!(
            split("mailto:a@x.org?subject=Hi <MAILTO:b@x.org> (c@x.org) 'd@x.org' e@x.org."),
            ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"].map(bare)
        );
    }

    #[test]
    fn what_is_no_address_is_kept_as_an_entry() {
        assert_eq!(
            split("Ann Lee, bo@x.org"),
            [bare("Ann Lee"), bare("bo@x.org")]
        );
        assert_eq!(split("Ann <>"), [named("Ann", "")]);
        assert_eq!(split("Ann <ann@x.org"), [bare("Ann"), bare("ann@x.org")]);
    }

    #[test]
    fn a_long_text_of_open_brackets_takes_no_longer_than_any_other() {
        for bad in ["<", "<\"", "<a@", "a ", ";<"] {
            let text = bad.repeat(1_000_000);
            assert!(split_paste(&text, 100).len() <= 102);
            assert!(split_paste(&format!("{text};>"), 100).len() <= 102);
        }
    }

    #[test]
    fn an_open_quote_ends_with_its_line() {
        assert_eq!(
            split("\"Ann <ann@x.org>\nbo@x.org"),
            [named("Ann", "ann@x.org"), bare("bo@x.org")]
        );
    }

    proptest! {
        #[test]
        fn every_address_pasted_comes_out_once_and_in_order(
            people in prop::collection::vec(("[a-z]{1,8}@[a-z]{1,8}\\.org", 0_usize..5), 1..20),
            separator in prop::sample::select(vec!["\n", "; ", ";\r\n"]),
        ) {
            let text: Vec<_> = people.iter().map(|(address, style)| match style {
                0 => address.clone(),
                1 => format!("Ann Lee <{address}>"),
                2 => format!("\"Lee, Ann\" <{address}>"),
                3 => format!("Lee, Ann <{address}>"),
                _ => format!("mailto:{address}"),
            }).collect();
            let found: Vec<_> = split_paste(&text.join(separator), 100).into_iter().map(|entry| entry.address).collect();
            let pasted: Vec<_> = people.into_iter().map(|(address, _)| address).collect();
            prop_assert_eq!(found, pasted);
        }

        #[test]
        fn no_word_with_an_at_is_ever_lost(text in "[a-c@<>\"',; \n.]{0,60}") {
            let ats = |text: &str| text.matches('@').count();
            let kept: usize = split_paste(&text, 100).iter().map(|entry| ats(&entry.input)).sum();
            prop_assert_eq!(kept, ats(&text));
        }
    }
}
