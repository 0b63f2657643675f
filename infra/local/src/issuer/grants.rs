//! What the issuer has given out: codes that work once, sessions, and tokens that renew a sign-in. Gone with the process.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use usher::clock::Entropy;

use crate::tools::TokenRequest;

/// For how long a code works, in seconds.
const CODE_SECONDS: i64 = 60;

/// Somebody on their way back to the page.
pub(super) struct Journey {
    pub(super) person: TokenRequest,
    pub(super) redirect_uri: String,
    pub(super) code_challenge: String,
    pub(super) at: Timestamp,
}

impl Journey {
    /// The person, if it is the page that sent them which asks now: PKCE (RFC 7636) with S256.
    pub(super) fn person_if(
        self,
        redirect_uri: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Option<TokenRequest> {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let young = now.as_second() - self.at.as_second() <= CODE_SECONDS;
        let right = young && challenge == self.code_challenge && redirect_uri == self.redirect_uri;
        right.then_some(self.person)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Grants {
    codes: HashMap<String, Journey>,
    sessions: HashMap<String, TokenRequest>,
    refresh_tokens: HashMap<String, TokenRequest>,
}

impl Grants {
    pub(super) fn code(&mut self, journey: Journey) -> String {
        let code = random();
        self.codes.insert(code.clone(), journey);
        code
    }

    pub(super) fn take_code(&mut self, code: &str) -> Option<Journey> {
        self.codes.remove(code)
    }

    pub(super) fn open_session(&mut self, person: &TokenRequest) -> String {
        let session = random();
        self.sessions.insert(session.clone(), person.clone());
        session
    }

    pub(super) fn session(&self, session: &str) -> Option<TokenRequest> {
        self.sessions.get(session).cloned()
    }

    pub(super) fn close_session(&mut self, session: &str) {
        self.sessions.remove(session);
    }

    pub(super) fn refresh_token(&mut self, person: &TokenRequest) -> String {
        let token = random();
        self.refresh_tokens.insert(token.clone(), person.clone());
        token
    }

    pub(super) fn take_refresh_token(&mut self, token: &str) -> Option<TokenRequest> {
        self.refresh_tokens.remove(token)
    }
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(Entropy::system().bytes::<24>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_worth_something_to_the_page_that_asked_for_it_once_and_for_a_minute() {
        let mut grants = Grants::default();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let later = |seconds: i64| Timestamp::from_second(start.as_second() + seconds).unwrap();
        let mut code = || {
            grants.code(Journey {
                person: TokenRequest::default(),
                redirect_uri: "http://localhost/".to_owned(),
                // RFC 7636, appendix B.
                code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
                at: start,
            })
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let codes = [code(), code(), code(), code()];
        let mut works = |code: &str, page: &str, verifier: &str, now: Timestamp| {
            let journey = grants.take_code(code);
            journey.is_some_and(|journey| journey.person_if(page, verifier, now).is_some())
        };
        let page = "http://localhost/";
        assert!(works(&codes[0], page, verifier, later(60)));
        assert!(!works(&codes[0], page, verifier, later(60)), "twice");
        assert!(!works(&codes[1], page, verifier, later(61)), "late");
        assert!(!works(&codes[2], page, "guessed", later(1)), "no verifier");
        assert!(
            !works(&codes[3], "http://localhost/x", verifier, later(1)),
            "another page"
        );
        assert!(!works("", page, verifier, later(1)), "no code");
    }
}
