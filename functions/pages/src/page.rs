//! A page of HTML with the stack's configuration in it, and what no site and no script may do with it.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A whole page, ready to be sent.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) plain: String,
    pub(crate) gzip: Vec<u8>,
    /// Changes whenever the page does.
    pub(crate) etag: String,
}

impl Page {
    /// Replaces each `{{name}}` by its value, in which nothing is HTML. A name without a value is replaced by nothing.
    pub(crate) fn new(template: &str, values: &[(&str, &str)]) -> io::Result<Self> {
        let mut plain = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap_or((after, ""));
            let value = values.iter().find(|(known, _)| *known == name);
            plain.push_str(before);
            plain.push_str(&escaped(value.map_or("", |(_, value)| value)));
            rest = after;
        }
        plain.push_str(rest);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain.as_bytes())?;
        let hash = Sha256::digest(&plain);
        let hash: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            plain,
            gzip: encoder.finish()?,
            etag: format!("\"{hash}\""),
        })
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_wherever_it_stands() {
        let page = Page::new(
            r#"<meta content="{{a}}"><p>{{b}}{{c}}</p>"#,
            &[("a", r#""><script>"#), ("b", "{{a}} & 'x'")],
        );
        assert_eq!(
            page.unwrap().plain,
            r#"<meta content="&quot;&gt;&lt;script&gt;"><p>{{a}} &amp; &#39;x&#39;</p>"#
        );
    }
}
