//! What the author of a mail has written.

use serde::{Deserialize, Serialize};

/// One mail in one language, as its author wrote it, in the templates' language: see [`crate::mail`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateSource {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}
