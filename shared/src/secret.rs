//! Secrets that the environment only names: read once, at start, so that no variable holds them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{aws, config::Environment};

/// The shortest secret that is taken: 32 random letters and digits are 190 bits.
const SHORTEST: usize = 32;

impl Environment {
    /// Reads the secret that `TOKEN_KEY_SECRET` names, if it names one and there is no `TOKEN_KEY`: one call of
    /// `GetSecretValue`. What is wrong with it is named with the other mistakes.
    ///
    /// The key is SHA-256 of the secret's text, so that the text may be whatever Secrets Manager generates.
    pub async fn with_secrets(mut self) -> Self {
        let Some(name) = self.text("TOKEN_KEY_SECRET") else {
            return self;
        };
        if self.text("TOKEN_KEY").is_some() {
            return self;
        }
        // Without a client, the variables that it lacks are mistakes already.
        let Some(client) = aws::secrets(&self) else {
            return self;
        };
        let asked = json!({"SecretId": name});
        match client.json("secretsmanager", "GetSecretValue", &asked).await {
            Ok(secret) => match secret["SecretString"].as_str() {
                Some(text) if text.len() >= SHORTEST => {
                    self.set("TOKEN_KEY", STANDARD.encode(Sha256::digest(text)));
                }
                _ => self.mistake(format!(
                    "the secret that TOKEN_KEY_SECRET names is malformed: write at least {SHORTEST} random characters of text into it"
                )),
            },
            Err(error) => self.mistake(format!(
                "the secret that TOKEN_KEY_SECRET names can't be read ({}): check that it exists and that the function's role may read it",
                aws::cause(&error)
            )),
        }
        self
    }
}
