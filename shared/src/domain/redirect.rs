//! Where a person may be sent after registering: only to origins that the tenant, or else the operator, has named. It is asked
//! when they are invited, and once more when they get there.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// A web address that was checked against the allowed [`Origins`] when the invitation was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUrl(Url);

/// Why an address is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedirectError {
    /// No absolute `http` or `https` address of at most 2,000 characters.
    #[error(
        "must be a whole web address like https://app.example.com/welcome, at most 2000 characters long"
    )]
    Malformed,
    /// Its origin is not among those allowed.
    #[error("must be within the allowed origins")]
    NotAllowed,
}

/// The origins (scheme, host, port) that redirects may go to, as browsers write them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Origins(Vec<String>);

/// How many origins there may be.
const MOST: usize = 20;

/// Why they are no origins. The sentence begins after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "must be web addresses like https://app.example.com, without a path or *, at most 20 of them"
)]
pub struct OriginsError;

impl Origins {
    /// Takes the origins of these addresses.
    pub fn of(urls: &[Url]) -> Self {
        Self(
            urls.iter()
                .map(|url| url.origin().ascii_serialization())
                .collect(),
        )
    }

    /// Reads origins: addresses of nothing but scheme, host and port.
    pub fn parse_all(texts: &[String]) -> Result<Self, OriginsError> {
        let read = |text: &String| {
            let url = Url::parse(text.trim()).map_err(|_| OriginsError)?;
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let plain = url.username().is_empty() && url.password().is_none();
            let web = matches!(url.scheme(), "http" | "https");
            // To who writes it, it stands for every name; here it would stand for none.
            let host = url.host_str().is_some_and(|host| !host.contains('*'));
            if bare && plain && web && host {
                Ok(url)
            } else {
                Err(OriginsError)
            }
        };
        if texts.len() > MOST {
            return Err(OriginsError);
        }
        let urls: Vec<Url> = texts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self::of(&urls))
    }

    /// Checks `text` against these origins.
    pub fn check(&self, text: &str) -> Result<RedirectUrl, RedirectError> {
        let url = Url::parse(text).map_err(|_| RedirectError::Malformed)?;
        // A user name in the address serves only to disguise its host.
        let plain = url.username().is_empty() && url.password().is_none();
        if text.len() > 2000 || !matches!(url.scheme(), "http" | "https") || !plain {
            return Err(RedirectError::Malformed);
        }
        if self.0.contains(&url.origin().ascii_serialization()) {
            Ok(RedirectUrl(url))
        } else {
            Err(RedirectError::NotAllowed)
        }
    }
}

impl RedirectUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_nothing_could_match_is_refused() {
        for bad in ["https://*.example.com", "https://*", "http://a.*.example"] {
            let parsed = Origins::parse_all(&[bad.to_owned()]);
            assert_eq!(parsed, Err(OriginsError), "{bad}");
        }
        assert!(Origins::parse_all(&["https://app.example.com".to_owned()]).is_ok());
    }

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let origins = Origins::of(&["https://app.example.com".parse().unwrap()]);
        assert!(origins.check("https://app.example.com/welcome?x=1").is_ok());
        for bad in [
            "https://app.example.com.evil.com/",
            "http://app.example.com/",
            "https://app.example.com:444/",
            "https://example.com/",
        ] {
            assert_eq!(origins.check(bad), Err(RedirectError::NotAllowed), "{bad}");
        }
        for bad in [
            "",
            "/welcome",
            "javascript:alert(1)",
            "https://app.example.com@evil.com/",
            "//app.example.com",
        ] {
            assert_eq!(origins.check(bad), Err(RedirectError::Malformed), "{bad}");
        }
    }
}
