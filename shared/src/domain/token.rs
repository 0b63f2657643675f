//! The secret in the link: made from a key, kept only as a hash.

use std::{fmt, str::FromStr};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{TenantId, UserId};

/// The version of the token's layout; part of what is signed.
const VERSION: u8 = 1;
const PREFIX: &str = "inv_";
const DECLINE_PREFIX: &str = "dec_";
const USER: usize = 16;
const NONCE: usize = 16;
const MAC: usize = 32;

/// The key that tokens are made with. Who has it can make a link for any user, so only the functions that issue
/// links are given it.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

/// The key is not 32 bytes in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the token key must be 32 random bytes in base64, as `openssl rand -base64 32` prints them"
)]
pub struct TokenKeyError;

/// What makes two tokens of one user differ. The table keeps it, so that the mailer can derive the token again.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce([u8; NONCE]);

/// A token as it stands in a link: `inv_` and base64url of user id, nonce and MAC.
///
/// Neither `Debug` nor `Display` shows it; [`secret`](Self::secret) is the only way to its text.
#[derive(Clone)]
pub struct InvitationToken {
    user_id: UserId,
    nonce: Nonce,
    mac: [u8; MAC],
}

/// The text is not shaped like a token. Whether a well-shaped one is genuine, only its hash can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this is not an invitation token")]
pub struct TokenError;

/// What lets its holder decline the invitation, and nothing else: `dec_` and base64url of the user id and the SHA-256 of the
/// token. It stands in links that mail programs follow, and so in places that the token itself must never be in.
///
/// Neither `Debug` nor `Display` shows it; [`secret`](Self::secret) is the only way to its text.
#[derive(Clone)]
pub struct DeclineToken {
    user_id: UserId,
    digest: [u8; 32],
}

/// SHA-256 of a token's SHA-256: what the table keeps of it, and what both the token and its [`DeclineToken`] lead to. Who
/// reads it has neither.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash([u8; 32]);

impl TokenKey {
    /// Reads a key of 32 bytes in standard base64.
    pub fn from_base64(text: &str) -> Result<Self, TokenKeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| TokenKeyError)?;
        Ok(Self(bytes.try_into().map_err(|_| TokenKeyError)?))
    }

    /// A key of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The token of this user and nonce: the same every time.
    pub fn issue(&self, tenant: &TenantId, user_id: UserId, nonce: Nonce) -> InvitationToken {
        let mac = self
            .mac(tenant, user_id, nonce)
            .finalize()
            .into_bytes()
            .into();
        InvitationToken {
            user_id,
            nonce,
            mac,
        }
    }

    fn mac(&self, tenant: &TenantId, user_id: UserId, nonce: Nonce) -> Hmac<Sha256> {
        // The tenant comes last, as the only part whose length varies: no two inputs share an encoding.
        self.keyed()
            .chain_update([VERSION])
            .chain_update(user_id.to_bytes())
            .chain_update(nonce.0)
            .chain_update(tenant.as_str())
    }

    /// HMAC-SHA-256 of these parts, one after the other. What the first begins with must say what it is for.
    pub(super) fn hmac(&self, parts: &[&[u8]]) -> [u8; MAC] {
        let all = parts
            .iter()
            .fold(self.keyed(), |mac, part| mac.chain_update(part));
        all.finalize().into_bytes().into()
    }

    fn keyed(&self) -> Hmac<Sha256> {
        // HMAC fills a shorter key with zeros up to the hash's block (RFC 2104), which is what stands here.
        let mut block = [0; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        Hmac::<Sha256>::new(&block.into())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

impl Nonce {
    /// A nonce of these random bytes.
    pub fn new(random: [u8; NONCE]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

impl TryFrom<String> for Nonce {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        decode(&text).map(Self)
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        URL_SAFE_NO_PAD.encode(nonce.0)
    }
}

impl InvitationToken {
    /// Whose token this claims to be.
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The token's text, for a link or an answer to whoever may have it. Never log it.
    pub fn secret(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.bytes()))
    }

    /// What the table keeps of this token.
    pub fn hash(&self) -> TokenHash {
        self.decline().hash()
    }

    /// The token that can only decline.
    pub fn decline(&self) -> DeclineToken {
        DeclineToken {
            user_id: self.user_id,
            digest: Sha256::digest(self.bytes()).into(),
        }
    }

    fn bytes(&self) -> [u8; USER + NONCE + MAC] {
        let mut bytes = [0; USER + NONCE + MAC];
        bytes[..USER].copy_from_slice(&self.user_id.to_bytes());
        bytes[USER..USER + NONCE].copy_from_slice(&self.nonce.0);
        bytes[USER + NONCE..].copy_from_slice(&self.mac);
        bytes
    }
}

impl FromStr for InvitationToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes: [u8; USER + NONCE + MAC] = decode(text.strip_prefix(PREFIX).ok_or(TokenError)?)?;
        let part = |at: usize| bytes[at..at + 16].try_into().map_err(|_| TokenError);
        Ok(Self {
            user_id: UserId::from_bytes(part(0)?),
            nonce: Nonce(part(USER)?),
            mac: bytes[USER + NONCE..].try_into().map_err(|_| TokenError)?,
        })
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(..)")
    }
}

impl DeclineToken {
    /// Whose token this claims to be.
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The token's text, for a link. Never log it.
    pub fn secret(&self) -> String {
        let bytes = [self.user_id.to_bytes().as_slice(), &self.digest].concat();
        format!("{DECLINE_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What the table keeps of the token that this was made from.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.digest).into())
    }
}

impl FromStr for DeclineToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.strip_prefix(DECLINE_PREFIX).ok_or(TokenError)?;
        let bytes: [u8; USER + 32] = decode(text)?;
        Ok(Self {
            user_id: UserId::from_bytes(bytes[..USER].try_into().map_err(|_| TokenError)?),
            digest: bytes[USER..].try_into().map_err(|_| TokenError)?,
        })
    }
}

impl fmt::Debug for DeclineToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeclineToken(..)")
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl TryFrom<String> for TokenHash {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        decode(&text).map(Self)
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
    bytes.try_into().map_err(|_| TokenError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(key: [u8; 32], tenant: &str, user: [u8; 16], nonce: [u8; 16]) -> InvitationToken {
        TokenKey(key).issue(
            &tenant.parse().unwrap(),
            UserId::from_bytes(user),
            Nonce(nonce),
        )
    }

    #[test]
    fn neither_token_nor_key_can_be_printed() {
        let token = token([1; 32], "acme", [2; 16], [3; 16]);
        assert_eq!(
            format!("{token:?} {:?}", token.hash()),
            "InvitationToken(..) TokenHash(..)"
        );
        assert_eq!(
            format!("{:?} {:?}", TokenKey([1; 32]), Nonce([2; 16])),
            "TokenKey(..) Nonce(..)"
        );
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        assert!(TokenKey::from_base64(&STANDARD.encode([9; 32])).is_ok());
        for bad in ["", "short", &STANDARD.encode([9; 31])] {
            assert!(TokenKey::from_base64(bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_token_survives_its_text(key: [u8; 32], user: [u8; 16], nonce: [u8; 16]) {
            let token = token(key, "acme", user, nonce);
            let read: InvitationToken = token.secret().parse().unwrap();
            prop_assert_eq!(read.hash(), token.hash());
            prop_assert_eq!(read.user_id(), token.user_id());
        }

        #[test]
        fn one_changed_bit_makes_another_token_or_none(key: [u8; 32], user: [u8; 16], nonce: [u8; 16], at in 0_usize..90, bit in 0_u8..7) {
            let token = token(key, "acme", user, nonce);
            let mut text = token.secret().into_bytes();
            text[at] ^= 1 << bit;
            let changed = String::from_utf8(text).ok().and_then(|text| text.parse::<InvitationToken>().ok());
            prop_assert!(changed.is_none_or(|changed| changed.hash() != token.hash()));
        }

        #[test]
        fn key_tenant_user_and_nonce_each_make_another_mac(key: [u8; 32], user: [u8; 16], nonce: [u8; 16]) {
            let base = token(key, "acme", user, nonce);
            let other = |mut bytes: [u8; 16]| { bytes[0] ^= 1; bytes };
            let mut other_key = key;
            other_key[0] ^= 1;
            prop_assert_ne!(base.mac, token(other_key, "acme", user, nonce).mac);
            prop_assert_ne!(base.mac, token(key, "acme2", user, nonce).mac);
            prop_assert_ne!(base.mac, token(key, "acme", other(user), nonce).mac);
            prop_assert_ne!(base.mac, token(key, "acme", user, other(nonce)).mac);
        }

        #[test]
        fn any_text_is_a_token_or_refused(text in ".{0,120}") {
            let _ = text.parse::<InvitationToken>();
        }
    }
}
