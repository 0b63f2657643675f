//! The main job: invite, mail, register; and what can come between.

use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use crate::app::{token_in, with_app};

#[tokio::test]
async fn an_invited_person_gets_a_mail_in_their_language_and_registers_once() {
    with_app(async |app| {
        let body = json!({"invitees": [
            {"email": "ann@example.com", "name": "Ann Lee"},
            {"email": "bo@example.com", "locale": "de-AT"},
        ]});
        let answer = app.post("/v1/invitations", &body).await;
        assert_eq!(
            answer.body["counts"],
            json!({"total": 2, "invited": 2, "not_invited": 0})
        );
        assert_eq!(
            app.mails("ann@example.com").await[0].subject,
            "Alex Admin invites you to Acme"
        );
        assert_eq!(
            app.mails("bo@example.com").await[0].subject,
            "Alex Admin lädt Sie zu Acme ein"
        );

        for address in ["ann@example.com", "bo@example.com"] {
            let token = app.mailed_token(address).await;
            let found = app.lookup(&token).await;
            assert_eq!(
                (found.status, found.body["email"].as_str()),
                (200, Some(address))
            );
            assert_eq!(app.accept(&token).await.status, 200);
            assert_eq!(app.accept(&token).await.code(), "invitation_already_used");
        }
        let users = app.get("/v1/users?state=accepted").await;
        let sources: Vec<_> = users.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["locale_source"].clone())
            .collect();
        assert!(
            sources.contains(&json!("invitee")) && sources.contains(&json!("external_default")),
            "{sources:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_resent_invitation_keeps_the_users_id_and_kills_the_old_link() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let old = app.mailed_token("ann@example.com").await;
        app.advance(SignedDuration::from_secs(60));
        let resent = app
            .post(
                &format!("/v1/users/{id}/resend"),
                &json!({"locale": "de", "message": "Hallo!"}),
            )
            .await;
        assert_eq!(
            (resent.status, resent.body["id"].as_str()),
            (200, Some(id.as_str())),
            "{resent:?}"
        );
        let mails = app.mails("ann@example.com").await;
        assert_eq!(mails.len(), 2);
        assert!(mails[0].text.contains("Hallo!"));
        assert_eq!(app.accept(&old).await.code(), "invitation_not_found");
        let accepted = app.accept(&token_in(&mails[0].text)).await;
        assert_eq!(accepted.body["user"]["id"].as_str(), Some(id.as_str()));
    })
    .await;
}

#[tokio::test]
async fn a_revoked_link_cannot_be_accepted_and_says_so() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let revoked = app
            .post(&format!("/v1/users/{id}/revoke"), &json!({}))
            .await;
        assert_eq!(revoked.body["state"], "revoked");
        for answer in [app.lookup(&token).await, app.accept(&token).await] {
            assert_eq!((answer.status, answer.code()), (410, "invitation_revoked"));
        }
        let again = app
            .post(&format!("/v1/users/{id}/revoke"), &json!({}))
            .await;
        assert_eq!((again.status, again.code()), (409, "already_revoked"));
        app.advance(SignedDuration::from_secs(60));
        let resend = app
            .post(&format!("/v1/users/{id}/resend"), &json!({}))
            .await;
        assert_eq!((resend.status, resend.code()), (409, "invitation_revoked"));
        let resend = app
            .post(
                &format!("/v1/users/{id}/resend"),
                &json!({"reactivate": true}),
            )
            .await;
        assert_eq!(
            (
                resend.body["state"].as_str(),
                resend.body["revoked_at"].is_null()
            ),
            (Some("pending"), true)
        );
        assert_eq!(
            app.accept(&app.mailed_token("ann@example.com").await)
                .await
                .status,
            200
        );
        assert_eq!(app.lookup(&token).await.code(), "invitation_not_found");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_dead_at_the_very_instant_of_its_expiry() {
    with_app(async |app| {
        let body = json!({"invitees": [{"email": "ann@example.com"}], "expires_in_days": 1});
        let id = app.post("/v1/invitations", &body).await.body["results"][0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let token = app.mailed_token("ann@example.com").await;
        app.advance(SignedDuration::from_millis(24 * 60 * 60 * 1000 - 1));
        assert_eq!(app.lookup(&token).await.status, 200);
        assert_eq!(
            app.get(&format!("/v1/users/{id}")).await.body["state"],
            "pending"
        );
        app.advance(SignedDuration::from_millis(1));
        assert_eq!(app.lookup(&token).await.code(), "invitation_expired");
        assert_eq!(app.accept(&token).await.status, 410);
        assert_eq!(
            app.get(&format!("/v1/users/{id}")).await.body["state"],
            "expired"
        );
        assert_eq!(
            app.get("/v1/users?state=expired").await.body["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            app.get("/v1/users?state=pending").await.body["data"]
                .as_array()
                .unwrap()
                .len(),
            0
        );
    })
    .await;
}

#[tokio::test]
async fn an_expired_link_can_be_exchanged_for_a_fresh_one_by_mail_only() {
    with_app(async |app| {
        app.invite("ann@example.com").await;
        let old = app.mailed_token("ann@example.com").await;
        let renew = async || app.public("/v1/accept/renew", &json!({"token": old})).await;
        assert_eq!(renew().await.code(), "invitation_still_valid");
        app.advance(SignedDuration::from_hours(24 * 7));
        let renewed = renew().await;
        assert_eq!(
            (renewed.status, &renewed.body),
            (200, &json!({"outcome": "renewed"}))
        );
        assert_eq!(app.accept(&old).await.code(), "invitation_not_found");
        let fresh = app.mailed_token("ann@example.com").await;
        // Once the fresh link is there, the old one can't make it useless.
        assert_eq!(renew().await.code(), "invitation_still_valid");
        assert_ne!(fresh, old);
        assert_eq!(app.accept(&fresh).await.status, 200);
        app.advance(SignedDuration::from_secs(60));
        // The old link must not tell what has become of the user since.
        assert_eq!(renew().await.code(), "invitation_not_found");
    })
    .await;
}

#[tokio::test]
async fn whoever_declines_is_not_invited_again_unless_an_administrator_insists() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let declined = app
            .public("/v1/accept/decline", &json!({"token": token}))
            .await;
        assert_eq!(
            (declined.status, &declined.body),
            (200, &json!({"outcome": "declined"}))
        );
        assert_eq!(app.accept(&token).await.code(), "invitation_declined");
        let body = json!({"invitees": [{"email": "ANN@example.com"}]});
        let again = app.post("/v1/invitations", &body).await;
        assert_eq!(again.body["results"][0]["outcome"], "declined");
        assert_eq!(
            again.body["results"][0]["user_id"].as_str(),
            Some(id.as_str())
        );
        app.advance(SignedDuration::from_secs(60));
        assert_eq!(
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
                .code(),
            "invitation_declined"
        );
        let resent = app
            .post(
                &format!("/v1/users/{id}/resend"),
                &json!({"reactivate": true}),
            )
            .await;
        assert_eq!(resent.body["state"], "pending");
    })
    .await;
}

#[tokio::test]
async fn of_200_racing_accepts_exactly_one_wins() {
    with_app(async |app| {
        app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let answers = join_all((0..200).map(|_| app.accept(&token))).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        let lost = answers
            .iter()
            .filter(|answer| answer.status == 409 && answer.code() == "invitation_already_used")
            .count();
        assert_eq!((won, lost), (1, 199));
    })
    .await;
}

#[tokio::test]
async fn mail_can_be_asked_for_once_a_minute_and_ten_times_a_day() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let resend = async || {
            app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                .await
        };
        let soon = resend().await;
        assert_eq!(
            (soon.status, soon.code(), &soon.headers["retry-after"]),
            (429, "too_soon", &"60".parse().unwrap())
        );
        for _ in 1..10 {
            app.advance(SignedDuration::from_secs(60));
            app.stack.settled().await;
            assert_eq!(resend().await.status, 200);
        }
        app.advance(SignedDuration::from_secs(60));
        let limited = resend().await;
        assert_eq!((limited.status, limited.code()), (429, "daily_limit"));
        let wait: i64 = limited.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(wait, 24 * 60 * 60 - 10 * 60);
        app.stack.settled().await;
        app.advance(SignedDuration::from_secs(wait - 1));
        assert_eq!(resend().await.code(), "daily_limit");
        app.advance(SignedDuration::from_secs(1));
        assert_eq!(resend().await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn without_a_mail_the_link_is_in_the_answer() {
    with_app(async |app| {
        let body = json!({"invitees": [{"email": "ann@example.com"}], "notify": false});
        let answer = app.post("/v1/invitations", &body).await;
        let link = answer.body["results"][0]["accept_url"].as_str().unwrap();
        assert!(
            link.starts_with(&format!("{}/accept#inv_", app.stack.url)),
            "{link}"
        );
        assert!(app.mails("ann@example.com").await.is_empty());
        let user = app.get("/v1/users").await.body["data"][0].clone();
        assert_eq!(
            (&user["delivery"]["status"], &user["send_count"]),
            (&json!("not_requested"), &json!(0))
        );
        assert_eq!(app.accept(&token_in(link)).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_invites_nobody_twice() {
    with_app(async |app| {
        let authorization = format!("Bearer {}", app.admin);
        let send = async |key: &str, text: &str| {
            let headers = [
                ("content-type", "application/json"),
                ("authorization", &authorization),
                ("idempotency-key", key),
            ];
            let body = json!({"text": text}).to_string().into_bytes();
            app.request(
                reqwest::Method::POST,
                "/v1/invitations",
                &headers,
                Some(body),
            )
            .await
            .body["results"]
                .clone()
        };
        let first = send("k1", "a@example.com b@example.com").await;
        let again = send("k1", "a@example.com b@example.com c@example.com").await;
        assert_eq!([&again[0], &again[1]], [&first[0], &first[1]]);
        assert_eq!(again[2]["outcome"], "invited");
        let other = send("k2", "a@example.com").await;
        assert_eq!(
            (&other[0]["outcome"], &other[0]["user_id"]),
            (&json!("already_invited"), &first[0]["user_id"])
        );
        assert_eq!(app.mails("a@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn looking_at_a_link_never_spends_it() {
    with_app(async |app| {
        app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let path = format!("/accept?token={token}");
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            for path in ["/accept", &path, "/v1/accept", "/v1/accept/lookup"] {
                app.request(method.clone(), path, &[], None).await;
            }
        }
        for _ in 0..3 {
            assert_eq!(app.lookup(&token).await.status, 200);
        }
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn what_people_paste_is_invited_and_what_they_mistype_is_said() {
    with_app(async |app| {
        let text = "\"Lee, Ann\" <ann@example.com>; Berg, Bo <BO@example.com>;\nmailto:cy@example.com bo@example.com, Di Dee, e@@example.com";
        let answer = app.post("/v1/invitations", &json!({"text": text})).await;
        let outcomes: Vec<_> = answer.body["results"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["invited", "invited", "invited", "duplicate_in_request", "invalid_email", "invalid_email"]);
        for row in answer.body["results"].as_array().unwrap() {
            let said = row["detail"].as_str().is_some_and(|detail| detail.ends_with('.'));
            assert_eq!(said, row["outcome"] != "invited", "{row}");
        }
        let names = app.get("/v1/users?q=b").await;
        assert_eq!(names.body["data"][0]["name"], "Berg, Bo");
    })
    .await;
}

#[tokio::test]
async fn tenants_never_see_each_other() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let other = app.token(&json!({"tenant": "other"})).await;
        for (answer, what) in [
            (app.get_as(&other, &format!("/v1/users/{id}")).await, "get"),
            (
                app.post_as(&other, &format!("/v1/users/{id}/revoke"), &json!({}))
                    .await,
                "revoke",
            ),
            (
                app.post_as(&other, &format!("/v1/users/{id}/resend"), &json!({}))
                    .await,
                "resend",
            ),
        ] {
            assert_eq!(
                (answer.status, answer.code()),
                (404, "user_not_found"),
                "{what}"
            );
        }
        assert_eq!(
            app.get_as(&other, "/v1/users").await.body["data"],
            json!([])
        );
        assert_eq!(
            app.get_as(&other, "/v1/users?q=ann").await.body["data"],
            json!([])
        );
        let theirs = app
            .post_as(
                &other,
                "/v1/invitations",
                &json!({"text": "ann@example.com"}),
            )
            .await;
        assert_eq!(theirs.body["results"][0]["outcome"], "invited");
        assert_ne!(
            theirs.body["results"][0]["user_id"].as_str(),
            Some(id.as_str())
        );
    })
    .await;
}

#[tokio::test]
async fn a_page_of_users_never_misses_or_repeats_one_while_others_are_invited() {
    with_app(async |app| {
        for batch in 0..3 {
            let text: String = (0..20)
                .map(|n| format!("p{batch}-{n}@example.com\n"))
                .collect();
            app.post("/v1/invitations", &json!({"text": text})).await;
            app.advance(SignedDuration::from_millis(1));
        }
        let mut seen = Vec::new();
        let mut after = String::new();
        for round in 0.. {
            app.invite(&format!("new{round}@example.com")).await;
            app.advance(SignedDuration::from_millis(1));
            let page = app.get(&format!("/v1/users?limit=7{after}")).await.body;
            seen.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|user| user["email"].as_str().unwrap().to_owned()),
            );
            match page["list_metadata"]["after"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => break,
            }
        }
        let old: Vec<_> = seen.iter().filter(|email| email.starts_with('p')).collect();
        let unique: std::collections::HashSet<_> = old.iter().collect();
        assert_eq!((old.len(), unique.len()), (60, 60));
    })
    .await;
}
