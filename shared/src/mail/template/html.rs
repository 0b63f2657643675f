//! The HTML of a template as mail programs read it: what must not be in it, and whether it has a link to register with.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use super::{
    Kind,
    check::{Flaw, HOSTILE, HOSTILE_ESCAPED, LINK},
    syntax::Piece,
};

/// What mail programs take out, what would run, what would take people elsewhere, and what some programs take for text and
/// others for HTML.
const ELEMENTS: [&str; 18] = [
    "applet",
    "base",
    "embed",
    "form",
    "frame",
    "frameset",
    "iframe",
    "math",
    "noembed",
    "noframe",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "portal",
    "script",
    "svg",
    "xmp",
];
/// Elements whose text nobody sees.
const UNSEEN: [&str; 2] = ["style", "title"];
/// Attributes that lead somewhere.
const LEADING: [&str; 5] = ["action", "background", "formaction", "href", "src"];
/// What a link must not begin with.
const SCHEMES: [&str; 4] = ["javascript:", "vbscript:", "data:text", "file:"];
/// What a link may begin with that has no host.
const WITHOUT_HOST: [&str; 3] = ["mailto", "tel", "sms"];

/// What must not be there, and where it comes from.
type Found = (usize, Flaw);

/// Whether somebody who reads the HTML finds the link; or the first thing in it that must not be there.
///
/// It is read twice: as most programs do, and as Outlook does, to which a conditional comment is what stands in it.
pub(super) fn shows_link(html: &str, pieces: &[Piece]) -> Result<bool, Found> {
    let shows = read(html, pieces)?;
    if let Some(opened) = opened(html) {
        read(&opened, pieces)?;
    }
    Ok(shows)
}

/// Whether all programs read what follows as if it stood at the beginning: no element, attribute, comment, style or condition of
/// Outlook's is open.
pub(super) fn is_closed(html: &str) -> bool {
    // To Outlook a condition ends where it says so, to others with its comment.
    let conditions = html.split("<!--").skip(1);
    let condition_ends = |comment: &str| comment.contains("]>") || !comment.contains('[');
    conditions.into_iter().all(condition_ends)
        && ends_in_text(html)
        && opened(html).is_none_or(|opened| ends_in_text(&opened))
}

/// Whether what would end anything that is open is text and nothing else, and an element after it is one.
fn ends_in_text(html: &str) -> bool {
    const END: &str = "zb>\"'-->";
    let mut last = [None, None];
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let with_end = format!("{html}{END}<b>");
    for token in Tokenizer::new_with_emitter(&with_end, emitter) {
        let Ok(token) = token;
        last = [last[1].take(), Some(token)];
    }
    let [Some(Token::String(text)), Some(Token::StartTag(tag))] = last else {
        return false;
    };
    text.ends_with(END.as_bytes()) && *tag.name == b"b"
}

fn read(html: &str, pieces: &[Piece]) -> Result<bool, Found> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut shows = false;
    let mut within = String::new();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                within = String::from_utf8_lossy(&tag.name).into_owned();
                shows |= check_element(&within, &tag, pieces)?;
            }
            Token::EndTag(tag) if tag.name.windows(3).any(|part| part == b"zzz") => {
                return Err(loose(pieces, tag.span.start, tag.span.end));
            }
            Token::EndTag(_) => within.clear(),
            Token::String(text) => {
                let (from, to) = (text.span.start, text.span.end);
                let text = String::from_utf8_lossy(&text);
                // In a style nothing is escaped as HTML is.
                if within == "style" && text.contains("onzzz=1 ") {
                    return Err(loose(pieces, from, to));
                }
                shows |= !UNSEEN.contains(&&*within) && text.contains(LINK);
            }
            _ => {}
        }
    }
    Ok(shows)
}

/// The HTML as Outlook reads it, each byte at its place; none if it reads it as all others do.
fn opened(html: &str) -> Option<String> {
    let blank = |bytes: usize| " ".repeat(bytes);
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut conditional = false;
    while let Some((before, comment)) = rest.split_once("<!--") {
        out.push_str(before);
        let word = comment.trim_start().as_bytes();
        if !word
            .get(..3)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"[if"))
        {
            out.push_str("<!--");
            rest = comment;
            continue;
        }
        let Some((condition, inside)) = comment.split_once("]>") else {
            rest = &rest[before.len()..];
            break;
        };
        conditional = true;
        out.push_str(&blank("<!--]>".len() + condition.len()));
        rest = inside;
    }
    out.push_str(rest);
    // To Outlook it is nothing, and around its own settings it is usual. Everywhere else it was refused before.
    let nothing = |out: String, tag: &str| out.replace(tag, &blank(tag.len()));
    conditional.then(|| nothing(nothing(out, "<noscript>"), "</noscript>"))
}

/// Whether the element is the link; or why it can't be there.
fn check_element(name: &str, tag: &StartTag<usize>, pieces: &[Piece]) -> Result<bool, Found> {
    let (from, to) = (tag.span.start, tag.span.end);
    let refuse = |flaw| Err((source(pieces, from), flaw));
    if name.contains("zzz") {
        return Err(loose(pieces, from, to));
    }
    if ELEMENTS.contains(&name) {
        return refuse(Flaw::Element(name.to_owned()));
    }
    let mut leads = false;
    for (attribute, value) in &tag.attributes {
        let attribute = String::from_utf8_lossy(attribute);
        let value = String::from_utf8_lossy(value);
        if attribute.contains("zzz") {
            return Err(loose(pieces, from, to));
        }
        if attribute.starts_with("on") || attribute == "srcdoc" {
            return refuse(Flaw::Handler(attribute.into_owned()));
        }
        if name == "meta" && attribute == "http-equiv" && value.eq_ignore_ascii_case("refresh") {
            return refuse(Flaw::Element("meta http-equiv=refresh".to_owned()));
        }
        if attribute == "style" && value.contains(HOSTILE) {
            return Err(loose(pieces, from, to));
        }
        if LEADING.contains(&&*attribute) {
            let compact = compact(&value);
            if let Some(scheme) = SCHEMES.iter().find(|scheme| compact.starts_with(**scheme)) {
                return refuse(Flaw::Scheme((*scheme).to_owned()));
            }
            if host(&compact).contains(&self::compact(HOSTILE)) {
                let (at, name) = text_value(pieces, from, to);
                return Err((at, Flaw::NotALink(name)));
            }
            leads |=
                ["a", "area"].contains(&name) && attribute == "href" && compact.starts_with(LINK);
        }
    }
    Ok(leads)
}

/// A link as programs read it, who leave out what is not seen.
fn compact(link: &str) -> String {
    let seen = link
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control());
    seen.collect::<String>().to_lowercase()
}

/// What decides where a link leads: all before its path. Of one that has no host it is nothing.
fn host(link: &str) -> &str {
    let scheme = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    };
    let rest = match link.split_once(':') {
        Some((before, _)) if WITHOUT_HOST.contains(&before) => "",
        Some((before, rest)) if scheme(before) => rest,
        _ => link,
    };
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

/// Where this place of what was rendered comes from.
fn source(pieces: &[Piece], at: usize) -> usize {
    let piece = pieces.iter().rfind(|piece| piece.begins <= at);
    piece.map_or(0, |piece| match piece.variable {
        Some(_) => piece.source,
        None => piece.source + (at - piece.begins),
    })
}

/// The text that people have written which stands between these places, and where.
fn text_value(pieces: &[Piece], from: usize, to: usize) -> (usize, &'static str) {
    let written = |piece: &&Piece| {
        let text = piece
            .variable
            .is_some_and(|variable| variable.kind == Kind::Text);
        text && (from.saturating_sub(HOSTILE_ESCAPED.len())..to).contains(&piece.begins)
    };
    let found = pieces.iter().find(written);
    let name = found
        .and_then(|piece| piece.variable)
        .map_or("?", |variable| variable.name);
    (
        found.map_or_else(|| source(pieces, from), |piece| piece.source),
        name,
    )
}

fn loose(pieces: &[Piece], from: usize, to: usize) -> Found {
    let (at, name) = text_value(pieces, from, to);
    (at, Flaw::Loose(name))
}
