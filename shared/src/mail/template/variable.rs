//! What a template can name.

use serde::Serialize;

/// A variable of the templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// How templates call it.
    pub name: &'static str,
    /// What it holds, for whoever writes a template.
    pub meaning: &'static str,
    /// Whether it may be empty, so that a template has to reckon with that.
    pub optional: bool,
    /// What it may be used for.
    pub kind: Kind,
}

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What people have written: text, and nothing else.
    Text,
    /// An address of the web: a link, or an image.
    Url,
    /// A colour as CSS writes it.
    Color,
    /// Nothing to print: templates ask whether it is there.
    Flag,
}

/// All there are, by name.
pub const VARIABLES: [Variable; 13] = [
    variable(
        "accept_url",
        "the link with which the person registers",
        false,
        Kind::Url,
    ),
    variable("brand_color", "the product's colour", false, Kind::Color),
    variable(
        "brand_color_dark",
        "the product's colour, on a dark background",
        false,
        Kind::Color,
    ),
    variable(
        "decline_url",
        "the link with which the person says that this is not them",
        false,
        Kind::Url,
    ),
    variable("email", "the address that is invited", false, Kind::Text),
    variable(
        "expires_on",
        "until when the link is valid, as the language writes it",
        false,
        Kind::Text,
    ),
    variable("invitee_name", "the person's name", true, Kind::Text),
    variable(
        "inviter_name",
        "the name of who invites them",
        true,
        Kind::Text,
    ),
    variable("logo_url", "the product's logo", true, Kind::Url),
    variable(
        "message",
        "what who invites them has written to them",
        true,
        Kind::Text,
    ),
    variable(
        "product_name",
        "what the person is invited to",
        false,
        Kind::Text,
    ),
    variable(
        "reminder",
        "there if the mail reminds of an invitation that ends soon",
        true,
        Kind::Flag,
    ),
    variable("support_address", "where people can ask", true, Kind::Text),
];

const fn variable(
    name: &'static str,
    meaning: &'static str,
    optional: bool,
    kind: Kind,
) -> Variable {
    Variable {
        name,
        meaning,
        optional,
        kind,
    }
}

impl Variable {
    /// The variable of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        VARIABLES.iter().find(|variable| variable.name == name)
    }
}
