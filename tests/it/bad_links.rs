//! Links that are wrong, and what their holders must not learn.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::app::{App, with_app};

/// The answers of the four routes that take a link, apart from the request's id and the date.
async fn answers_to(app: &App, token: &Value) -> Vec<(u16, String, Vec<(String, String)>)> {
    let mut answers = Vec::new();
    for route in ["", "/lookup", "/decline", "/renew"] {
        let mut body = json!({"token": token});
        if route.is_empty() {
            body["name"] = json!("Eve");
        }
        let mut answer = app.public(&format!("/v1/accept{route}"), &body).await;
        assert!(
            answer.body["request_id"]
                .as_str()
                .is_some_and(|id| id.len() == 26)
        );
        answer.body["request_id"] = json!(null);
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| !["date", "apigw-requestid"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        answers.push((answer.status, answer.body.to_string(), headers.collect()));
    }
    answers
}

#[tokio::test]
async fn every_wrong_link_gets_the_same_answer_as_one_that_never_was() {
    with_app(async |app| {
        let bytes = |token: &str| URL_SAFE_NO_PAD.decode(&token[4..]).unwrap();
        let token = |bytes: &[u8]| format!("inv_{}", URL_SAFE_NO_PAD.encode(bytes));
        let id = app.invite("ann@example.com").await;
        app.invite("bo@example.com").await;
        let old = app.mailed_token("ann@example.com").await;
        app.advance(SignedDuration::from_secs(60));
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .status,
            200
        );
        let ann = app.mailed_token("ann@example.com").await;
        let bo = app.mailed_token("bo@example.com").await;
        let (a, b) = (bytes(&ann), bytes(&bo));

        let mut wrong = vec![
            ("superseded".to_owned(), old),
            (
                "ann's id, bo's nonce and MAC".to_owned(),
                token(&[&a[..16], &b[16..]].concat()),
            ),
            (
                "ann's id and nonce, bo's MAC".to_owned(),
                token(&[&a[..32], &b[32..]].concat()),
            ),
            (
                "ann's id and MAC, bo's nonce".to_owned(),
                token(&[&a[..16], &b[16..32], &a[32..]].concat()),
            ),
            ("truncated".to_owned(), ann[..ann.len() - 1].to_owned()),
            ("truncated to bytes".to_owned(), token(&a[..63])),
            ("too long".to_owned(), token(&[&a[..], &[0]].concat())),
            ("padded".to_owned(), format!("{ann}==")),
            ("without its prefix".to_owned(), ann[4..].to_owned()),
            (
                "with a prefix in capitals".to_owned(),
                ann.replacen("inv", "INV", 1),
            ),
            ("empty".to_owned(), String::new()),
            ("only the prefix".to_owned(), "inv_".to_owned()),
            ("no token".to_owned(), "hello".to_owned()),
            ("Unicode".to_owned(), "inv_ü\0\u{FFFF}".to_owned()),
            ("long".to_owned(), "inv_".to_owned() + &"A".repeat(100_000)),
        ];
        for bit in [0, 127, 128, 255, 256, 300, 511] {
            let mut bytes = a.clone();
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            wrong.push((format!("bit {bit} changed"), token(&bytes)));
        }
        let unknown = answers_to(app, &json!(token(&[0; 64]))).await;
        assert!(
            unknown.iter().all(
                |(status, body, _)| *status == 404 && body.contains("\"invitation_not_found\"")
            ),
            "{unknown:?}"
        );
        for (what, token) in wrong {
            assert_eq!(answers_to(app, &json!(token)).await, unknown, "{what}");
        }
        // After all that, both links still do what they should.
        assert_eq!(app.accept(&ann).await.status, 200);
        assert_eq!(app.accept(&bo).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn nobody_registers_without_a_name_and_the_link_is_not_spent() {
    with_app(async |app| {
        app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        for (code, field, body) in [
            ("invalid_field", "name", json!({"token": token})),
            (
                "invalid_field",
                "name",
                json!({"token": token, "name": null}),
            ),
            (
                "invalid_field",
                "name",
                json!({"token": token, "name": " "}),
            ),
            (
                "invalid_field",
                "name",
                json!({"token": token, "name": "Ann\nLee"}),
            ),
            (
                "invalid_field",
                "name",
                json!({"token": token, "name": "http://spam.example"}),
            ),
            (
                "invalid_field",
                "locale",
                json!({"token": token, "name": "Ann", "locale": "no language"}),
            ),
            (
                "invalid_body",
                "password",
                json!({"token": token, "name": "Ann", "password": "x"}),
            ),
            ("invalid_body", "token", json!({"token": 1, "name": "Ann"})),
        ] {
            let answer = app.public("/v1/accept", &body).await;
            assert_eq!(
                (answer.status, answer.code(), &answer.body["field"]),
                (400, code, &json!(field)),
                "{answer:?}"
            );
        }
        let missing = app.public("/v1/accept", &json!({"name": "Ann"})).await;
        assert_eq!((missing.status, missing.code()), (400, "invalid_body"));
        let user = &app.get("/v1/users").await.body["data"][0];
        assert_eq!(
            (&user["state"], &user["name"]),
            (&json!("pending"), &json!(null))
        );
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}
