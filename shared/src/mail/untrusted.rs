//! What people have written, made harmless where a mail shows it. Escaping for HTML is not enough: mail programs make links of
//! plain text, and letters that run from the right turn the sentence around them.

use std::borrow::Cow;

use crate::domain::Locale;

/// What keeps a text apart from the sentence around it: FIRST STRONG ISOLATE before it, and POP DIRECTIONAL ISOLATE after it.
pub(super) const ISOLATES: [char; 2] = ['\u{2068}', '\u{2069}'];
/// Nothing that is seen, between what a mail program would make a link of.
const BREAK: char = '\u{200b}';

/// The text with whatever looks like an address of the web or a mailbox broken by a space of no width, so that no mail program
/// makes a link of it. All else is as it was.
pub(super) fn disarmed(text: &str) -> Cow<'_, str> {
    let breaks = |at: usize, c: char| {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let follows = |good: fn(char) -> bool| after.chars().next().is_some_and(good);
        match c {
            ':' => after.starts_with("//"),
            '@' => follows(char::is_alphanumeric),
            '.' => before.ends_with(char::is_alphanumeric) && follows(char::is_alphabetic),
            _ => false,
        }
    };
    if !text.char_indices().any(|(at, c)| breaks(at, c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        out.push(c);
        if breaks(at, c) {
            out.push(BREAK);
        }
    }
    Cow::Owned(out)
}

/// The text with plain line breaks, and without what would turn letters around, those after it too: the directional overrides,
/// embeddings and isolates.
pub(super) fn in_order(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|c| !turns(*c));
    kept.map(|c| match c {
        '\r' | '\u{2028}' | '\u{2029}' => '\n',
        c => c,
    })
    .collect()
}

/// The text as it stands in a sentence of the language: kept apart where one of the two runs from the
/// right and the other may not.
pub(super) fn isolated(text: &str, locale: &Locale) -> String {
    if !text.is_empty() && (locale.is_right_to_left() || text.contains(runs_from_right)) {
        let [open, close] = ISOLATES;
        format!("{open}{text}{close}")
    } else {
        text.to_owned()
    }
}

/// Whether a character is of a block of letters that run from the right: Hebrew to Arabic, and their presentation forms.
fn runs_from_right(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mail_program_would_make_a_link_of_is_broken_and_nothing_else() {
        for (text, shown) in [
            (
                "https://evil.example/x?y=1.5",
                "https:|//evil.|example/x?y=1.5",
            ),
            ("www.evil.com", "www.|evil.|com"),
            ("ann@evil.com", "ann@|evil.|com"),
            ("münchen.рф", "münchen.|рф"),
            (
                "See you. Soon... 3.14, 9:30, e.g. me @ home!",
                "See you. Soon... 3.14, 9:30, e.|g. me @ home!",
            ),
        ] {
            assert_eq!(disarmed(text).replace(BREAK, "|"), shown);
            assert_eq!(disarmed(text).replace(BREAK, ""), text);
        }
        assert!(matches!(disarmed("See you soon!"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_message_turns_no_letters_around() {
        let text = "a\r\nb\rc\u{2028}d \u{202e}evil\u{202c} \u{2067}x\u{2069} שלום";
        assert_eq!(in_order(text), "a\nb\nc\nd evil x שלום");
    }

    #[test]
    fn a_name_that_runs_the_other_way_is_kept_apart() {
        let (english, arabic) = (Locale::english(), "ar".parse().unwrap());
        assert_eq!(isolated("Zoë", &english), "Zoë");
        assert_eq!(isolated("نور", &english), "\u{2068}نور\u{2069}");
        assert_eq!(isolated("Zoë", &arabic), "\u{2068}Zoë\u{2069}");
        assert_eq!(isolated("", &arabic), "");
    }
}
