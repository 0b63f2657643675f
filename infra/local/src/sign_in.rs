//! The stack's own issuer of sign-in tokens, and their check as API Gateway's JWT authorizer does it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Map, Value, json};

/// What the tokens are for: API Gateway's audience.
const AUDIENCE: &str = "usher";
/// For how long a token is valid. Sign-in lives on the machine's clock: moving the stack's signs nobody out.
pub(crate) const TOKEN_SECONDS: i64 = 12 * 60 * 60;

/// Signs and checks tokens.
pub(crate) struct SignIn {
    issuer: String,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
}

/// The key could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the sign-in key is unusable: {0}")]
pub(crate) struct KeyUnusable(String);

impl SignIn {
    /// A new key, in PKCS #8.
    pub(crate) fn new_key() -> Result<Vec<u8>, KeyUnusable> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(|key| key.as_ref().to_vec())
            .map_err(|error| KeyUnusable(error.to_string()))
    }

    /// The issuer of this address, with a key in PKCS #8.
    pub(crate) fn new(issuer: &str, key: &[u8]) -> Result<Self, KeyUnusable> {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &SystemRandom::new())
                .map_err(|error| KeyUnusable(error.to_string()))?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Ok(Self {
            issuer: issuer.to_owned(),
            signing: EncodingKey::from_ec_der(key),
            checking: DecodingKey::from_ec_der(pair.public_key().as_ref()),
            validation,
        })
    }

    /// A token with these claims, issued `now` (seconds since 1970) for so many seconds.
    pub(crate) fn issue(
        &self,
        mut claims: Map<String, Value>,
        now: i64,
        seconds: i64,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("aud", json!(AUDIENCE)),
            ("iat", json!(now)),
            ("exp", json!(now + seconds)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        encode(&Header::new(Algorithm::ES256), &claims, &self.signing)
    }

    /// The claims of a genuine token in an `Authorization` header, as API Gateway hands them on; none if there is no
    /// such token.
    pub(crate) fn check(&self, authorization: Option<&str>) -> Option<Map<String, Value>> {
        let authorization = authorization?.trim();
        let token = match authorization.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => authorization[7..].trim(),
            _ => authorization,
        };
        let claims = decode::<Map<String, Value>>(token, &self.checking, &self.validation)
            .ok()?
            .claims;
        Some(
            claims
                .into_iter()
                .map(|(name, value)| (name, Value::String(flat(&value))))
                .collect(),
        )
    }
}

/// API Gateway hands every claim on as text: a list becomes `[a b]`.
fn flat(claim: &Value) -> String {
    match claim {
        Value::String(text) => text.clone(),
        Value::Array(values) => format!(
            "[{}]",
            values.iter().map(flat).collect::<Vec<_>>().join(" ")
        ),
        other => other.to_string(),
    }
}

/// Whether the text is shaped like a token at all, for a better hint.
pub(crate) fn looks_like_token(authorization: &str) -> bool {
    authorization.rsplit(' ').next().is_some_and(|token| {
        token.split('.').count() == 3
            && token
                .split('.')
                .all(|part| URL_SAFE_NO_PAD.decode(part).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 4_000_000_000;

    fn issuer() -> SignIn {
        SignIn::new("http://localhost:8080", &SignIn::new_key().unwrap()).unwrap()
    }

    fn claims() -> Map<String, Value> {
        json!({"sub": "adm", "groups": ["a", "b"]})
            .as_object()
            .unwrap()
            .clone()
    }

    #[test]
    fn a_genuine_token_is_accepted_and_its_claims_become_text() {
        let issuer = issuer();
        let token = issuer.issue(claims(), NOW, 60).unwrap();
        let found = issuer.check(Some(&format!("Bearer {token}"))).unwrap();
        assert_eq!(found["sub"], "adm");
        assert_eq!(found["groups"], "[a b]");
    }

    #[test]
    fn a_token_that_is_forged_expired_or_for_somebody_else_is_not() {
        let issuer = issuer();
        let good = issuer.issue(claims(), NOW, 60).unwrap();
        let (head, rest) = good.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let other_body = URL_SAFE_NO_PAD.encode(r#"{"sub":"root","exp":4000000060}"#);
        let foreign = SignIn::new("http://evil", &SignIn::new_key().unwrap())
            .unwrap()
            .issue(claims(), NOW, 60)
            .unwrap();
        let same_name = self::issuer().issue(claims(), NOW, 60).unwrap();
        let mut for_others = claims();
        for_others.insert("aud".into(), json!("other"));
        let for_others =
            encode(&Header::new(Algorithm::ES256), &for_others, &issuer.signing).unwrap();
        for bad in [
            format!("{none}.{body}."),
            format!("{hmac}.{body}.{signature}"),
            format!("{head}.{other_body}.{signature}"),
            format!("{head}.{body}."),
            foreign,
            same_name,
            for_others,
            issuer.issue(claims(), 1_000_000_000, 60).unwrap(),
            String::new(),
            "x.y.z".to_owned(),
        ] {
            assert!(
                issuer.check(Some(&format!("Bearer {bad}"))).is_none(),
                "{bad}"
            );
        }
        assert!(issuer.check(None).is_none());
    }
}
