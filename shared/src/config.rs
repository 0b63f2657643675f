//! Configuration from environment variables: read once, at start, and every mistake named in one error.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    fmt::Display,
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_types::SdkConfig;
use jiff::SignedDuration;
use thiserror::Error;
use url::Url;

use crate::domain::{DomainList, Locale, Origins, ProductName, Reminders, TokenKey};

/// What is wrong with the environment: one sentence for each variable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the configuration is incomplete: {}. These are environment variables of the function: most stand in the stack's template, with a parameter of the same name",
    .0.join("; ")
)]
pub struct ConfigError(pub Vec<String>);

/// The variables a function was started with, and the mistakes found in them so far.
#[derive(Debug, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    mistakes: RefCell<Vec<String>>,
    /// Read once, however many clients are made.
    sdk: OnceCell<Option<SdkConfig>>,
    http_client: Option<SharedHttpClient>,
}

impl Environment {
    /// The process's own.
    pub fn process() -> Self {
        // Variables that are no Unicode can't be ours.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The variable as text, if it is set and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    }

    /// The same environment, whose AWS clients send their requests through this client in place of TLS. Tests that go on
    /// virtual time answer the requests in their own process: a socket would not wait for that time.
    #[must_use]
    pub fn with_http_client(self, client: SharedHttpClient) -> Self {
        Self {
            http_client: Some(client),
            ..self
        }
    }

    /// See [`with_http_client`](Self::with_http_client).
    pub(crate) fn http_client(&self) -> Option<&SharedHttpClient> {
        self.http_client.as_ref()
    }

    /// Sets a variable that is not set by itself but follows from others.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Notes what is wrong with a variable, once, however often it is read.
    pub(crate) fn mistake(&self, sentence: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        if !mistakes.contains(&sentence) {
            mistakes.push(sentence);
        }
    }

    /// What the AWS clients of this environment share, made when the first is made.
    pub(crate) fn sdk(&self, make: fn(&Self) -> Option<SdkConfig>) -> Option<&SdkConfig> {
        self.sdk.get_or_init(|| make(self)).as_ref()
    }

    /// A variable without which nothing works. `parse` turns it into what it means.
    pub fn required<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            self.mistake(format!("{name} is not set"));
        }
        self.optional(name, parse)
    }

    /// A variable that may be left out. A malformed one is a mistake all the same.
    pub fn optional<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(self.text(name)?) {
            Ok(value) => Some(value),
            // The value itself is left out: it may be a secret.
            Err(error) => {
                let error = error.to_string();
                self.mistake(format!(
                    "{name} is malformed: {}",
                    error.trim_end_matches('.')
                ));
                None
            }
        }
    }

    /// What was built, unless a variable was missing or malformed.
    pub fn finish<T>(&self, built: Option<T>) -> Result<T, ConfigError> {
        match built {
            Some(built) if self.mistakes.borrow().is_empty() => Ok(built),
            _ => Err(ConfigError(self.mistakes.take())),
        }
    }

    /// A variable that says for how long, in whole seconds from 1 to 3600.
    pub fn seconds(&self, name: &str) -> Option<SignedDuration> {
        self.optional(name, |text| {
            let seconds = text.parse().ok();
            let allowed = seconds.filter(|seconds| (1..=3600).contains(seconds));
            allowed
                .map(SignedDuration::from_secs)
                .ok_or("write a whole number of seconds from 1 to 3600")
        })
    }

    /// `MAIL_SETTLE_SECONDS`: how long a mail of which nobody knows whether it went is left alone before it is sent again;
    /// ten minutes if not set.
    pub fn mail_settle(&self) -> SignedDuration {
        self.seconds("MAIL_SETTLE_SECONDS")
            .unwrap_or(SignedDuration::from_mins(10))
    }

    /// `REMINDER_DAYS`: how many days before the end of an invitation its person is reminded, one number or two; never if
    /// not set.
    pub fn reminders(&self) -> Reminders {
        self.optional("REMINDER_DAYS", str::parse)
            .unwrap_or_default()
    }

    /// `MAIL_IDENTITY`: the address or domain that SES has verified for the sender.
    pub fn mail_identity(&self) -> Option<String> {
        self.required("MAIL_IDENTITY", text)
    }

    /// `MAIL_CONFIGURATION_SET`: which of SES's configuration sets sends, and so reports what becomes of a mail; none if not
    /// set.
    pub fn mail_configuration_set(&self) -> Option<String> {
        self.optional("MAIL_CONFIGURATION_SET", text)
    }

    /// `TABLE_NAME`: the table.
    pub fn table_name(&self) -> Option<String> {
        self.required("TABLE_NAME", text)
    }

    /// `TOKEN_KEY`: the key that tokens are made with, 32 bytes in base64; or what [`with_secrets`](Self::with_secrets)
    /// has read from the secret that `TOKEN_KEY_SECRET` names.
    pub fn token_key(&self) -> Option<TokenKey> {
        match (self.text("TOKEN_KEY"), self.text("TOKEN_KEY_SECRET")) {
            // That the secret could not be read is a mistake that is noted already.
            (None, Some(_)) => None,
            (None, None) => {
                self.mistake("neither TOKEN_KEY_SECRET nor TOKEN_KEY is set".to_owned());
                None
            }
            (Some(_), _) => self.required("TOKEN_KEY", TokenKey::from_base64),
        }
    }

    /// `PUBLIC_URL`: where people reach the pages, and so where the links in mails lead.
    pub fn public_url(&self) -> Option<Url> {
        self.required("PUBLIC_URL", web_address)
    }

    /// `SIGN_IN_URL`: where people sign in once they have registered, if that is known.
    pub fn sign_in_url(&self) -> Option<Url> {
        self.optional("SIGN_IN_URL", web_address)
    }

    /// `PRODUCT_NAME`: what people are invited to, as mails name it.
    pub fn product_name(&self) -> Option<ProductName> {
        self.required("PRODUCT_NAME", ProductName::parse)
    }

    /// `DEFAULT_LOCALE`: the language of mails to people of whom none is known; English if not set.
    pub fn default_locale(&self) -> Locale {
        self.optional("DEFAULT_LOCALE", str::parse)
            .unwrap_or_else(Locale::english)
    }

    /// `REDIRECT_ORIGINS`: where people may be sent after registering, separated by spaces; `PUBLIC_URL`'s origin if
    /// not set.
    pub fn redirect_origins(&self) -> Option<Origins> {
        let urls = |text: &str| {
            text.split_whitespace()
                .map(web_address)
                .collect::<Result<Vec<_>, _>>()
        };
        let named = self.optional("REDIRECT_ORIGINS", urls);
        Some(Origins::of(
            &named.or_else(|| Some(vec![self.public_url()?]))?,
        ))
    }

    /// `ALLOWED_EMAIL_DOMAINS`: the only domains whose addresses are invited, separated by spaces; all if not set.
    pub fn allowed_email_domains(&self) -> DomainList {
        self.optional("ALLOWED_EMAIL_DOMAINS", str::parse)
            .unwrap_or_default()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// One line of text.
pub fn text(value: &str) -> Result<String, &'static str> {
    let text = value.trim();
    if text.contains(char::is_control) {
        Err("write one line without control characters")
    } else {
        Ok(text.to_owned())
    }
}

/// Reads a whole `http` or `https` address.
pub fn web_address(value: &str) -> Result<Url, &'static str> {
    Url::parse(value.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.host_str().is_some_and(|host| !host.contains('*')))
        .ok_or("write a whole web address like https://example.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_missing_or_malformed_variable_is_named_at_once() {
        let env = environment(&[
            ("TOKEN_KEY", "c2VjcmV0"),
            ("PUBLIC_URL", "example.com"),
            ("TABLE_NAME", " "),
        ]);
        let built = Some((env.table_name(), env.token_key(), env.public_url()));
        // Two parts may read the same variable.
        assert_eq!(env.table_name(), None);
        let error = env.finish(built).unwrap_err().to_string();
        assert_eq!(error.matches("TABLE_NAME is not set").count(), 1, "{error}");
        assert!(error.contains("TOKEN_KEY is malformed"), "{error}");
        assert!(error.contains("PUBLIC_URL is malformed"), "{error}");
        assert!(!error.contains("c2VjcmV0"), "{error}");
    }

    #[tokio::test]
    async fn a_secret_out_of_reach_is_named_with_everything_else_that_is_wrong() {
        let env = environment(&[
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            // Nobody listens there.
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9"),
            (
                "TOKEN_KEY_SECRET",
                "arn:aws:secretsmanager:us-east-1:1:secret:s",
            ),
        ]);
        let env = env.with_secrets().await;
        let error = env.finish(env.token_key().zip(env.table_name()));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("TOKEN_KEY_SECRET names can't be read (no connection)"),
            "{error}"
        );
        assert!(error.contains("TABLE_NAME is not set"), "{error}");
    }

    #[test]
    fn redirects_go_to_the_public_url_unless_other_origins_are_named() {
        let env = environment(&[("PUBLIC_URL", "https://a.example/x")]);
        assert!(
            env.redirect_origins()
                .unwrap()
                .check("https://a.example/welcome")
                .is_ok()
        );
        let env = environment(&[
            ("PUBLIC_URL", "https://a.example"),
            ("REDIRECT_ORIGINS", "https://b.example"),
        ]);
        let origins = env.redirect_origins().unwrap();
        assert!(origins.check("https://a.example/").is_err());
        assert!(origins.check("https://b.example/").is_ok());
        for nothing in ["https://*.b.example", "b.example", "ftp://b.example"] {
            assert!(web_address(nothing).is_err(), "{nothing}");
        }
    }
}
