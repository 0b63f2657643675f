//! Short texts that people write and others read: each with a limit, none with anything a mail could be bent with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Why a text is refused. The sentence begins after the field's name: "The field name must ...".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Nothing but characters that are not seen.
    #[error("must have a character that can be seen")]
    Unseen,
    /// Longer than the limit, in characters.
    #[error("must be at most {0} characters long")]
    TooLong(usize),
    /// A line break where only one line may be, or another control character.
    #[error("must not contain control characters or line breaks")]
    Control,
    /// A control character in a text that may have several lines.
    #[error("must not contain control characters other than line breaks and tabs")]
    ControlInLines,
    /// A web address where a name belongs: the classic way to send spam through invitations.
    #[error("must be a name, without a web address in it")]
    WebAddress,
    /// A character outside what the field allows.
    #[error("may only contain letters, digits and the symbols . _ : / @ + = -")]
    Symbol,
    /// More of them than there may be.
    #[error("must not have more than {0} entries")]
    TooMany(usize),
    /// Metadata beyond 4,096 bytes of JSON.
    #[error("must be at most 4096 bytes as JSON")]
    MetadataTooLarge,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the text, in Unicode's composed form and without white space around it.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let text: String = text.trim().nfc().collect();
                let check: fn(&str) -> Result<(), TextError> = $check;
                check(&text).map(|()| Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

text!(
    /// A person's name: one line of at most 100 characters. HTML in it is just text, and is escaped where it is shown.
    PersonName,
    |text| {
        line(text, 100)?;
        let lower = text.to_lowercase();
        if lower.contains("://") || lower.contains("www.") {
            return Err(TextError::WebAddress);
        }
        Ok(())
    }
);
text!(
    /// What people are invited to: one line of at most 100 characters.
    ProductName,
    |text| line(text, 100)
);
text!(
    /// A personal note in the invitation: at most 1,000 characters, line breaks allowed.
    Message,
    |text| length(text, 1000).and_then(|()| {
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.contains(control) { Err(TextError::ControlInLines) } else { Ok(()) }
    })
);
text!(
    /// A group the person is to join, as the product names it: at most 64 characters, no spaces.
    Group,
    |text| line(text, 64).and_then(|()| symbols(text))
);
text!(
    /// The person's id in the product's own system: one line of at most 255 characters.
    ExternalId,
    |text| line(text, 255)
);
text!(
    /// What a client sends as `Idempotency-Key`: one line of at most 255 characters.
    IdempotencyKey,
    |text| line(text, 255)
);

/// The group whose members may do everything, in the sign-in as in an invitation.
const ADMINISTRATORS: &str = "administrators";
/// How many groups a person may be invited into.
const MOST_GROUPS: usize = 20;

impl Group {
    /// The group of the administrators: whoever accepts an invitation into it may do everything from then on.
    pub fn administrators() -> Self {
        Self(ADMINISTRATORS.to_owned())
    }

    /// The groups of these names: at most 20 a person, which is more than products use and keeps rows small.
    pub fn parse_all(names: &[String]) -> Result<Vec<Self>, TextError> {
        if names.len() > MOST_GROUPS {
            return Err(TextError::TooMany(MOST_GROUPS));
        }
        names.iter().map(|name| Self::parse(name)).collect()
    }

    /// Whether it is the administrators' group.
    pub fn is_administrators(&self) -> bool {
        self.0 == ADMINISTRATORS
    }
}

fn length(text: &str, limit: usize) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().count() > limit {
        return Err(TextError::TooLong(limit));
    }
    if !is_seen(text) {
        return Err(TextError::Unseen);
    }
    Ok(())
}

/// Whether anything of the text is seen: white space is not, nor what Unicode has only to change what stands beside it
/// (`Default_Ignorable_Code_Point`), nor the braille pattern without dots.
pub fn is_seen(text: &str) -> bool {
    text.chars().any(|c| {
        let unseen = matches!(
            c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
                | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        );
        !(c.is_whitespace() || c.is_control() || unseen)
    })
}

fn line(text: &str, limit: usize) -> Result<(), TextError> {
    length(text, limit)?;
    // U+2028 and U+2029 break lines without being control characters; the directional overrides disguise what follows.
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(bad) {
        Err(TextError::Control)
    } else {
        Ok(())
    }
}

fn symbols(text: &str) -> Result<(), TextError> {
    let allowed = |c: char| c.is_alphanumeric() || "._:/@+=-".contains(c);
    if text.chars().all(allowed) {
        Ok(())
    } else {
        Err(TextError::Symbol)
    }
}

/// What the product wants to remember with the user and get back: a JSON object of at most 4,096 bytes.
///
/// The table keeps it as its JSON text, so that numbers and empty values come back exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    const LIMIT: usize = 4096;

    /// Takes the object if it is small enough.
    pub fn new(object: Map<String, Value>) -> Result<Self, TextError> {
        let metadata = Self(object);
        if String::from(metadata.clone()).len() > Self::LIMIT {
            return Err(TextError::MetadataTooLarge);
        }
        Ok(metadata)
    }

    /// The object.
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl TryFrom<String> for Metadata {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

impl From<Metadata> for String {
    fn from(metadata: Metadata) -> Self {
        Value::Object(metadata.0).to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_line_without_a_web_address() {
        assert_eq!(
            PersonName::parse("  Zoë <b>Lee</b> ").unwrap().as_str(),
            "Zoë <b>Lee</b>"
        );
        assert_eq!(PersonName::parse("Zoe\u{308}").unwrap().as_str(), "Zoë");
        for (bad, error) in [
            (" ", TextError::Empty),
            ("Ann\r\nBcc: z@example.com", TextError::Control),
            ("Ann\u{202E}eel", TextError::Control),
            ("Win at HTTPS://spam.example", TextError::WebAddress),
            ("www.spam.example", TextError::WebAddress),
        ] {
            assert_eq!(PersonName::parse(bad), Err(error), "{bad:?}");
        }
        assert_eq!(
            PersonName::parse(&"ü".repeat(101)),
            Err(TextError::TooLong(100))
        );
        assert!(PersonName::parse(&"ü".repeat(100)).is_ok());
    }

    #[test]
    fn what_nobody_could_see_is_no_name() {
        for nothing in [
            "\u{200b}",
            "\u{feff}",
            "\u{61c}",
            "\u{200f}",
            "\u{ad} \u{200d}",
            "\u{2800}",
            "\u{3164}",
            "\u{fe0f}",
        ] {
            let unseen = TextError::Unseen;
            assert_eq!(PersonName::parse(nothing), Err(unseen.clone()));
            assert_eq!(ProductName::parse(nothing), Err(unseen.clone()));
            assert_eq!(Message::parse(nothing), Err(unseen));
        }
        // Persian is written with joiners, and marks of direction stand beside names in Hebrew.
        for name in [
            "می\u{200c}خواهم",
            "דנה\u{200f}",
            "👩\u{200d}🚀",
            "❤\u{fe0f}",
            ".",
        ] {
            assert_eq!(PersonName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_message_may_have_lines_but_no_other_control_character() {
        assert!(Message::parse("Hello,\r\n\tjoin us.").is_ok());
        assert_eq!(Message::parse("bell\u{7}"), Err(TextError::ControlInLines));
    }

    #[test]
    fn metadata_has_a_limit_and_comes_back_exactly() {
        let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let metadata =
            Metadata::new(object(r#"{"n":12345678901234567,"e":"","x":[1.5,null]}"#)).unwrap();
        assert_eq!(
            Metadata::try_from(String::from(metadata.clone())).unwrap(),
            metadata
        );
        let large = object(&format!(r#"{{"a":"{}"}}"#, "x".repeat(4096)));
        assert_eq!(Metadata::new(large), Err(TextError::MetadataTooLarge));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(text in ".{0,120}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
