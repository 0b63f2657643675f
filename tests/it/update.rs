//! Correcting what is known of a user, their address above all.

use futures::future::join;
use jiff::SignedDuration;
use serde_json::{Value, json};
use usher_local::{Options, ses::EventKind};

use crate::app::{App, Response, with_app, with_options};

impl App {
    async fn correct(&self, id: &str, body: Value) -> Response {
        self.patch(&format!("/v1/users/{id}"), &body).await
    }

    async fn move_to(&self, id: &str, email: &str) -> Response {
        self.correct(id, json!({"email": email})).await
    }
}

fn is(answer: &Response, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
}

#[tokio::test]
async fn a_corrected_address_gets_a_link_of_its_own_and_the_old_ones_link_dies() {
    with_app(async |app| {
        let id = app.invite("anm@example.com").await;
        let old = app.mailed_token("anm@example.com").await;
        let before = app.user(&id).await;
        // At once: a typo is not to wait for a minute.
        let moved = app.move_to(&id, "ann@example.com").await;
        assert_eq!(moved.status, 200, "{moved:?}");
        assert_eq!(
            (&moved.body["id"], &moved.body["email"]),
            (&json!(id), &json!("ann@example.com"))
        );
        assert_eq!(moved.body["delivery"]["status"], "queued");
        let new = app.mailed_token("ann@example.com").await;
        assert_eq!(app.mails("anm@example.com").await.len(), 1);
        for answer in [app.lookup(&old).await, app.accept(&old).await] {
            is(&answer, 404, "invitation_not_found");
        }
        is(
            &app.public("/v1/accept/decline", &json!({"token": old}))
                .await,
            404,
            "invitation_not_found",
        );
        assert_eq!(app.lookup(&new).await.body["email"], "ann@example.com");

        let after = app.user(&id).await;
        for same in ["invited_at", "created_at", "invited_by", "locale", "state"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        let found = app.get("/v1/users?q=ann@").await;
        assert_eq!(found.body["data"][0]["id"], json!(id));
        assert_eq!(app.get("/v1/users?q=anm@").await.body["data"], json!([]));
        assert_eq!(app.accept(&new).await.body["user"]["id"], json!(id));
        let events = app.happened(&id).await;
        let changed: Vec<_> = events
            .iter()
            .filter(|event| event["kind"] == "address_changed")
            .collect();
        assert_eq!(changed.len(), 1, "{events:?}");
        assert_eq!(
            changed[0]["by"],
            json!({"id": "admin", "name": "Alex Admin"})
        );
        assert!(!app.kinds(&id).await.contains(&"resent".to_owned()));
        // The old address is free.
        assert_ne!(app.invite("anm@example.com").await, id);
    })
    .await;
}

#[tokio::test]
async fn the_same_correction_twice_is_one_and_mails_once() {
    with_app(async |app| {
        let id = app.invite("anm@example.com").await;
        assert_eq!(app.move_to(&id, "ann@example.com").await.status, 200);
        let first = app.user(&id).await;
        app.advance(SignedDuration::from_secs(5));
        let again = app.move_to(&id, "ann@example.com").await;
        assert_eq!((again.status, &again.body), (200, &first));
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_spelling_of_the_same_mailbox_changes_no_link_and_mails_nobody() {
    with_app(async |app| {
        let id = app.invite("ANN@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let answer = app.move_to(&id, "Ann@Example.com").await;
        assert_eq!(answer.body["email"], "Ann@example.com", "{answer:?}");
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        let events = app.happened(&id).await;
        let last = events.last().unwrap();
        assert_eq!(
            (&last["kind"], &last["fields"]),
            (&json!("changed"), &json!(["email"]))
        );
        assert!(!app.kinds(&id).await.contains(&"address_changed".to_owned()));
        assert_eq!(app.accept(&token).await.status, 200);
        is(
            &app.move_to(&id, "ann@example.com").await,
            409,
            "already_registered",
        );
    })
    .await;
}

#[tokio::test]
async fn the_history_says_who_changed_which_fields_and_never_what_they_were() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let carl = app
            .token(&json!({"sub": "carl", "name": "Carl", "groups": ["administrators"]}))
            .await;
        let path = format!("/v1/users/{id}");
        for (body, fields) in [
            (json!({"name": "Ann Secret"}), json!(["name"])),
            (
                json!({"locale": "de", "groups": ["secret"]}),
                json!(["locale", "groups"]),
            ),
            (
                json!({"external_id": "secret", "metadata": {"secret": 1}, "name": "Ann Secret"}),
                json!(["external_id", "metadata"]),
            ),
            (
                json!({"email": "secret@example.com", "name": null}),
                json!(["name"]),
            ),
        ] {
            let before = app.happened(&id).await.len();
            app.advance(SignedDuration::from_secs(61));
            assert_eq!(app.patch_as(&carl, &path, &body).await.status, 200);
            let events = app.happened(&id).await.split_off(before);
            let changed: Vec<_> = events
                .iter()
                .filter(|event| event["kind"] == "changed")
                .collect();
            assert_eq!(changed.len(), 1, "{events:?}");
            assert_eq!(changed[0]["fields"], fields);
            assert_eq!(changed[0]["by"], json!({"id": "carl", "name": "Carl"}));
            let text = json!(events).to_string().to_lowercase();
            assert!(!text.contains("secret"), "{text}");
        }
        // What somebody says of themselves, or is sent again in another language, is no correction.
        let before = app.happened(&id).await.len();
        app.advance(SignedDuration::from_secs(61));
        let again = json!({"locale": "ar"});
        app.post(&format!("{path}/resend"), &again).await;
        let token = app.mailed_token("secret@example.com").await;
        assert_eq!(app.accept(&token).await.status, 200);
        let events = app.happened(&id).await.split_off(before);
        assert!(
            events.iter().all(|event| event["kind"] != "changed"),
            "{events:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_somebody_elses_is_refused_and_says_whose_it_is() {
    with_app(async |app| {
        let (ann, bo) = (
            app.invite("ann@example.com").await,
            app.invite("bo@example.com").await,
        );
        let before = app.user(&ann).await;
        let answer = app.move_to(&ann, "BO@example.com").await;
        is(&answer, 409, "address_taken");
        assert_eq!(answer.body["user_id"], json!(bo));
        assert_eq!(app.user(&ann).await, before);
        // Another tenant's addresses are none of this one's business.
        let other = app.token(&json!({"tenant": "other"})).await;
        let cat = app
            .post_as(
                &other,
                "/v1/invitations",
                &json!({"text": "cat@example.com"}),
            )
            .await;
        assert_eq!(cat.body["counts"]["invited"], 1);
        assert_eq!(app.move_to(&ann, "cat@example.com").await.status, 200);
        let answer = app
            .patch_as(&other, &format!("/v1/users/{ann}"), &json!({"name": "Eve"}))
            .await;
        is(&answer, 404, "user_not_found");
    })
    .await;
}

#[tokio::test]
async fn what_is_known_of_a_user_can_be_corrected_and_taken_away_without_a_mail() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let known = json!({
            "name": " Ann Lee ", "locale": "de-AT", "groups": ["editors"], "external_id": "7", "metadata": {"a": [1, null]},
        });
        let answer = app.correct(&id, known).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let shown = |body: &Value| {
            json!([body["name"], body["locale"], body["locale_source"], body["groups"], body["external_id"], body["metadata"]])
        };
        let expected = json!(["Ann Lee", "de-AT", "invitee", ["editors"], "7", {"a": [1, null]}]);
        assert_eq!(shown(&answer.body), expected);
        assert_eq!(shown(&app.user(&id).await), expected);
        let answer = app
            .correct(&id, json!({"name": null, "groups": [], "external_id": null, "metadata": null}))
            .await;
        assert_eq!(shown(&answer.body), json!([null, "de-AT", "invitee", [], null, null]));
        assert_eq!(answer.body, app.user(&id).await);
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        assert_eq!(app.accept(&token).await.status, 200);
        // The sign-in keeps a name of its own; here it may still be corrected.
        let answer = app.correct(&id, json!({"name": "Ann L.", "email": "ann@example.com"})).await;
        assert_eq!((answer.status, &answer.body["name"]), (200, &json!("Ann L.")));
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_and_says_where() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.mails("ann@example.com").await;
        let before = app.user(&id).await;
        for (body, code, field) in [
            (json!({}), "nothing_to_change", Value::Null),
            (
                json!({"email": "nonsense"}),
                "invalid_email",
                json!("email"),
            ),
            (json!({"email": null}), "invalid_body", json!("email")),
            (json!({"locale": null}), "invalid_body", json!("locale")),
            (json!({"groups": null}), "invalid_body", json!("groups")),
            (json!({"state": "accepted"}), "invalid_body", json!("state")),
            (json!({"name": ""}), "invalid_field", json!("name")),
            (json!({"locale": "?"}), "invalid_field", json!("locale")),
            (
                json!({"groups": vec!["g"; 21]}),
                "invalid_field",
                json!("groups"),
            ),
            (
                json!({"external_id": "a\nb"}),
                "invalid_field",
                json!("external_id"),
            ),
            (
                json!({"metadata": {"a": "b".repeat(4096)}}),
                "invalid_field",
                json!("metadata"),
            ),
            (
                json!({"expires_in_days": 3}),
                "invalid_field",
                json!("expires_in_days"),
            ),
            (
                json!({"email": "a@example.com", "expires_in_days": 0}),
                "invalid_field",
                json!("expires_in_days"),
            ),
        ] {
            let answer = app.correct(&id, body.clone()).await;
            is(&answer, 400, code);
            assert_eq!(answer.body["field"], field, "{body}");
        }
        is(
            &app.correct("usr_1", json!({"name": "Ann"})).await,
            400,
            "invalid_user_id",
        );
        let nobody = "usr_00000000000000000000000000";
        is(
            &app.move_to(nobody, "a@example.com").await,
            404,
            "user_not_found",
        );
        assert_eq!(app.user(&id).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_domain_that_is_not_invited_is_no_correction_either() {
    let options = Options {
        variables: vec![("ALLOWED_EMAIL_DOMAINS".into(), "acme.example".into())],
        ..Options::default()
    };
    with_options(options, async |app| {
        let id = app.invite("ann@acme.example").await;
        let answer = app.move_to(&id, "ann@example.com").await;
        is(&answer, 400, "domain_not_allowed");
        assert_eq!(
            answer.body["detail"],
            "Only addresses at acme.example are invited here. An administrator can allow this domain in the settings."
        );
        assert_eq!(app.move_to(&id, "anna@acme.example").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_expired_invitation_is_open_again_at_the_new_address_for_as_long_as_is_said() {
    with_app(async |app| {
        let id = app.invite("anm@example.com").await;
        let old = app.mailed_token("anm@example.com").await;
        app.advance(SignedDuration::from_hours(8 * 24));
        app.stack.sweep().await.unwrap();
        assert_eq!(app.user(&id).await["state"], "expired");
        let answer = app
            .correct(
                &id,
                json!({"email": "ann@example.com", "expires_in_days": 3}),
            )
            .await;
        assert_eq!(answer.body["state"], "pending", "{answer:?}");
        assert_eq!(answer.body["expires_at"], "2026-12-04T14:05:00.000Z");
        let listed = app.get("/v1/users?state=pending").await;
        assert_eq!(listed.body["data"][0]["id"], json!(id));
        is(
            &app.public("/v1/accept/renew", &json!({"token": old})).await,
            404,
            "invitation_not_found",
        );
        let token = app.mailed_token("ann@example.com").await;
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_revoked_or_has_declined_stays_so_at_a_new_address_and_gets_no_mail() {
    with_app(async |app| {
        let (ann, bo) = (
            app.invite("ann@example.com").await,
            app.invite("bo@example.com").await,
        );
        let (of_ann, of_bo) = (
            app.mailed_token("ann@example.com").await,
            app.mailed_token("bo@example.com").await,
        );
        app.post(&format!("/v1/users/{ann}/revoke"), &json!({}))
            .await;
        app.public("/v1/accept/decline", &json!({"token": of_bo}))
            .await;
        for (id, state, new) in [
            (&ann, "revoked", "ann2@example.com"),
            (&bo, "declined", "bo2@example.com"),
        ] {
            let answer = app.move_to(id, new).await;
            assert_eq!(
                (&answer.body["state"], &answer.body["email"]),
                (&json!(state), &json!(new)),
                "{answer:?}"
            );
            assert_eq!(answer.body["delivery"]["status"], "cancelled");
            assert_eq!(app.mails(new).await.len(), 0);
        }
        // Whoever has the old address learns nothing any more of what became of the invitation.
        is(&app.lookup(&of_ann).await, 404, "invitation_not_found");
        // What Bo wished is still so of the address, though it is nobody's.
        let row = app
            .post(
                "/v1/invitations",
                &json!({"text": "bo@example.com ann@example.com"}),
            )
            .await;
        let outcomes: Vec<_> = row.body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["outcome"].clone())
            .collect();
        assert_eq!(outcomes, ["suppressed", "invited"]);
        let back = app.move_to(&ann, "bo@example.com").await;
        is(&back, 409, "suppressed");
        app.advance(SignedDuration::from_secs(61));
        let answer = app
            .post(
                &format!("/v1/users/{bo}/resend"),
                &json!({"reactivate": true}),
            )
            .await;
        assert_eq!(answer.body["state"], "pending", "{answer:?}");
        assert_eq!(app.mails("bo2@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_that_was_reported_of_the_old_address_is_true_of_the_new_one() {
    with_app(async |app| {
        let old = "bounce+ann@simulator.amazonses.com";
        let id = app.invite(old).await;
        assert_eq!(app.user(&id).await["suppressed"]["reason"], "bounced");
        let moved = app.move_to(&id, "ann@example.com").await;
        assert!(moved.body["suppressed"].is_null(), "{moved:?}");
        assert_eq!(moved.body["delivery"]["status"], "queued");
        let user = app.user(&id).await;
        assert_eq!(user["delivery"]["status"], "delivered");
        assert!(
            !app.kinds(&id)
                .await
                .contains(&"suppression_lifted".to_owned())
        );
        is(
            &app.delete(&format!("/v1/users/{id}/suppression")).await,
            409,
            "not_suppressed",
        );

        // And the address that bounced is not forgotten.
        let row = app.post("/v1/invitations", &json!({"text": old})).await;
        assert_eq!(row.body["results"][0]["outcome"], "suppressed");
        is(&app.move_to(&id, old).await, 409, "suppressed");
    })
    .await;
}

#[tokio::test]
async fn what_ses_reports_late_of_the_old_address_suppresses_that_one_only() {
    with_app(async |app| {
        let id = app.invite("anm@example.com").await;
        app.mails("anm@example.com").await;
        let old = app
            .stack
            .ses
            .events()
            .into_iter()
            .find(|event| event.kind == EventKind::Send)
            .unwrap();
        assert_eq!(app.move_to(&id, "ann@example.com").await.status, 200);
        app.mails("ann@example.com").await;
        app.report_of(&old, EventKind::Complaint, 9).await;
        let user = app.user(&id).await;
        assert!(user["suppressed"].is_null(), "{user}");
        assert_eq!(user["delivery"]["status"], "delivered");
        assert!(app.kinds(&id).await.contains(&"mail_complained".to_owned()));
        let row = app
            .post("/v1/invitations", &json!({"text": "anm@example.com"}))
            .await;
        assert_eq!(row.body["results"][0]["outcome"], "suppressed");
    })
    .await;
}

#[tokio::test]
async fn only_an_administrator_decides_who_is_to_be_one_and_where_their_link_goes() {
    with_app(async |app| {
        let people = json!({"invitees": [
            {"email": "ada@example.com", "groups": ["administrators"]}, {"email": "bo@example.com"},
        ]});
        let answer = app.post("/v1/invitations", &people).await;
        let id = |n: usize| {
            answer.body["results"][n]["user_id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let (ada, bo) = (id(0), id(1));
        let token = app.mailed_token("ada@example.com").await;
        let writer = app.token(&json!({"scope": "users:write"})).await;
        let as_writer = async |id: &str, body: Value| {
            app.patch_as(&writer, &format!("/v1/users/{id}"), &body)
                .await
        };
        for (id, body) in [
            (&ada, json!({"email": "eve@example.com"})),
            (&ada, json!({"groups": []})),
            (&bo, json!({"groups": ["administrators"]})),
        ] {
            is(&as_writer(id, body).await, 403, "administrators_only");
        }
        let kept = as_writer(
            &ada,
            json!({"groups": ["editors", "administrators"], "name": "Ada"}),
        )
        .await;
        assert_eq!(kept.status, 200, "{kept:?}");
        assert_eq!(
            as_writer(&bo, json!({"email": "bob@example.com"}))
                .await
                .status,
            200
        );

        let promoted = app
            .correct(&bo, json!({"groups": ["administrators"]}))
            .await;
        assert_eq!(promoted.body["groups"], json!(["administrators"]));
        assert_eq!(app.accept(&token).await.status, 200);
        is(
            &app.correct(&ada, json!({"groups": []})).await,
            409,
            "administrators_in_sign_in",
        );
        let others = app
            .correct(&ada, json!({"groups": ["administrators"]}))
            .await;
        assert_eq!(others.status, 200, "{others:?}");
        let reader = app
            .token(&json!({"scope": "users:read users:invite settings:write"}))
            .await;
        let answer = app
            .patch_as(&reader, &format!("/v1/users/{bo}"), &json!({"name": "Bo"}))
            .await;
        is(&answer, 403, "missing_scope");
    })
    .await;
}

#[tokio::test]
async fn ten_mails_a_day_are_the_limit_wherever_they_go() {
    with_app(async |app| {
        let id = app.invite("p0@example.com").await;
        for n in 1..10 {
            let answer = app.move_to(&id, &format!("p{n}@example.com")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let answer = app.move_to(&id, "p10@example.com").await;
        is(&answer, 429, "daily_limit");
        assert_eq!(answer.headers["retry-after"], "86400");
        assert_eq!(app.correct(&id, json!({"name": "Ann"})).await.status, 200);
        app.advance(SignedDuration::from_hours(24));
        assert_eq!(app.move_to(&id, "p10@example.com").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_are_moved_to_one_address_at_once_one_gets_it_and_the_other_is_told_whose_it_is()
{
    with_app(async |app| {
        let (ann, bo) = (
            app.invite("ann@example.com").await,
            app.invite("bo@example.com").await,
        );
        for round in 0..5 {
            let new = format!("new{round}@example.com");
            let (first, second) = join(app.move_to(&ann, &new), app.move_to(&bo, &new)).await;
            let (winner, told) = if first.status == 200 {
                (&ann, second)
            } else {
                (&bo, first)
            };
            is(&told, 409, "address_taken");
            assert_eq!(told.body["user_id"], json!(winner));
            let found = app.get(&format!("/v1/users?q={new}")).await;
            assert_eq!(found.body["data"].as_array().unwrap().len(), 1);
            assert_eq!(found.body["data"][0]["id"], json!(winner));
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_correction_and_an_invitation_of_one_address_at_once_one_wins_and_the_other_is_told() {
    with_app(async |app| {
        let ann = app.invite("ann@example.com").await;
        for round in 0..5 {
            let new = format!("new{round}@example.com");
            let text = json!({"text": new});
            let (moved, invited) =
                join(app.move_to(&ann, &new), app.post("/v1/invitations", &text)).await;
            let row = &invited.body["results"][0];
            if moved.status == 200 {
                assert_eq!(
                    (&row["outcome"], &row["user_id"]),
                    (&json!("already_invited"), &json!(ann))
                );
            } else {
                is(&moved, 409, "address_taken");
                assert_eq!(row["outcome"], "invited");
                assert_eq!(moved.body["user_id"], row["user_id"]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_correction_and_an_acceptance_at_once_one_wins_and_the_other_is_told() {
    with_app(async |app| {
        for round in 0..5 {
            let old = format!("old{round}@example.com");
            let id = app.invite(&old).await;
            let token = app.mailed_token(&old).await;
            let new = format!("new{round}@example.com");
            let (moved, accepted) = join(app.move_to(&id, &new), app.accept(&token)).await;
            if moved.status == 200 {
                is(&accepted, 404, "invitation_not_found");
                assert_eq!(app.user(&id).await["state"], "pending");
            } else {
                is(&moved, 409, "already_registered");
                assert_eq!(accepted.status, 200, "{accepted:?}");
                assert_eq!(app.user(&id).await["email"], json!(old));
            }
        }
    })
    .await;
}
