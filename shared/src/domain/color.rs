//! The product's colour, and whether people can read what stands in it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How much text must stand out from its background: WCAG 2.2, success criterion 1.4.3.
const READABLE: f64 = 4.5;
/// What the mail and the pages stand on where people want it dark.
const DARK: Color = Color([0x1c, 0x20, 0x1e]);
const WHITE: Color = Color([0xff; 3]);
/// Usher's own colour on a dark background: livelier than mixing with white would make it.
const USHER_ON_DARK: Color = Color([0x5c, 0xc9, 0xab]);

/// A colour that white text can be read on, and that can be read on white: `#0b6b54`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color([u8; 3]);

/// Why a text is no such colour. The sentence begins after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ColorError {
    /// It is no colour in six hexadecimal digits.
    #[error("must be a colour in six hexadecimal digits, like #0b6b54")]
    Malformed,
    /// White on it can't be read.
    #[error(
        "must have a contrast of at least 4.5 to white, or the button in the mail can't be read: this one has {contrast:.1}, and {instead} would do"
    )]
    TooLight {
        /// Its contrast to white, rounded down to a tenth.
        contrast: f64,
        /// The same colour, as dark as it has to be.
        instead: Color,
    },
}

impl Color {
    /// The colour of Usher's own pages, where nobody has chosen another.
    pub const USHER: Self = Self([0x0b, 0x6b, 0x54]);

    /// The colour as light as it has to be to be read on a dark background, and to read dark text on.
    #[must_use]
    pub fn on_dark(self) -> Self {
        if self == Self::USHER {
            return USHER_ON_DARK;
        }
        self.towards(WHITE, |color| color.contrast(DARK) >= READABLE + 2.5)
    }

    /// How much two colours differ, from 1 to 21: WCAG's contrast ratio.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG's relative luminance.
    fn luminance(self) -> f64 {
        let linear = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The first on the way to the other colour that is good enough.
    fn towards(self, other: Self, good: impl Fn(Self) -> bool) -> Self {
        let mix = |step: u16| {
            let channel = |at: usize| {
                let (from, to) = (u16::from(self.0[at]), u16::from(other.0[at]));
                u8::try_from((from * (255 - step) + to * step) / 255).unwrap_or(u8::MAX)
            };
            Self([channel(0), channel(1), channel(2)])
        };
        (0..=255)
            .map(mix)
            .find(|color| good(*color))
            .unwrap_or(other)
    }
}

impl FromStr for Color {
    type Err = ColorError;

    fn from_str(text: &str) -> Result<Self, ColorError> {
        let digits = text.trim().strip_prefix('#').ok_or(ColorError::Malformed)?;
        if digits.len() != 6 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(ColorError::Malformed);
        }
        let channel = |at| u8::from_str_radix(&digits[at..at + 2], 16);
        let read =
            || Ok::<_, std::num::ParseIntError>(Self([channel(0)?, channel(2)?, channel(4)?]));
        let color = read().map_err(|_| ColorError::Malformed)?;
        let contrast = color.contrast(WHITE);
        if contrast < READABLE {
            let black = Self([0; 3]);
            let instead = color.towards(black, |color| color.contrast(WHITE) >= READABLE);
            // Rounded down: what is not enough must not look as if it were.
            let contrast = (contrast * 10.0).floor() / 10.0;
            return Err(ColorError::TooLight { contrast, instead });
        }
        Ok(color)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Color {
    type Error = ColorError;

    fn try_from(text: String) -> Result<Self, ColorError> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        let contrast = |one: [u8; 3], other: [u8; 3]| Color(one).contrast(Color(other));
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        // #777 on white is the known near miss.
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for bad in [
            "",
            "0b6b54",
            "#0b6",
            "#0b6b5g",
            "red",
            "#0b6b54ff",
            "#ß1111",
        ] {
            assert_eq!(bad.parse::<Color>(), Err(ColorError::Malformed), "{bad:?}");
        }
        assert_eq!("#0B6B54".parse(), Ok(Color::USHER));
    }

    #[test]
    fn a_colour_that_is_too_light_comes_with_one_that_would_do() {
        let error = "#ffcc00".parse::<Color>().unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains("has 1.5, and #"), "{sentence}");
        let close = "#777777".parse::<Color>().unwrap_err().to_string();
        assert!(close.contains("has 4.4, and #"), "{close}");
        let ColorError::TooLight { instead, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(instead.to_string().parse(), Ok(instead));
    }

    #[test]
    fn ushers_own_colour_can_be_read_in_the_dark() {
        assert!(Color::USHER.on_dark().contrast(DARK) >= READABLE + 2.5);
    }

    proptest! {
        #[test]
        fn every_colour_can_be_read_in_the_dark(channels: [u8; 3]) {
            let light = Color(channels).on_dark();
            prop_assert!(light.contrast(DARK) >= READABLE);
            prop_assert!(light.contrast(Color([0x10, 0x14, 0x13])) >= READABLE);
        }
    }
}
