//! Callers, paths, parameters and hosts that are not as they should be.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use usher_local::Options;

use crate::{
    app::{App, with_app},
    bad_input::{NOBODY, assert_nobody_is_invited},
};

#[tokio::test]
async fn a_list_is_only_read_with_parameters_that_mean_something() {
    with_app(async |app| {
        for n in 0..3 {
            app.invite(&format!("p{n}@example.com")).await;
        }
        let newest = app.get("/v1/users?limit=1").await.body["list_metadata"]["after"]
            .as_str()
            .unwrap()
            .to_owned();
        let by_address = app.get("/v1/users?limit=1&q=p").await.body["list_metadata"]["after"]
            .as_str()
            .unwrap()
            .to_owned();
        for (code, query) in [
            ("invalid_limit", "limit=0"),
            ("invalid_limit", "limit=101"),
            ("invalid_limit", "limit=x"),
            ("invalid_limit", "limit=1.5"),
            ("invalid_cursor", "after=rubbish!"),
            ("invalid_cursor", "after=bjo"),
            ("invalid_cursor", &format!("after={by_address}")),
            ("invalid_cursor", &format!("q=p&after={newest}")),
            ("invalid_cursor", &format!("after={newest}A")),
            ("invalid_state", "state=lost"),
            ("invalid_state", "state=Pending"),
            ("invalid_state", "state=pending,accepted"),
            ("unknown_parameter", "sate=pending"),
            ("unknown_parameter", "Limit=1"),
        ] {
            let answer = app.get(&format!("/v1/users?{query}")).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{query}");
        }
        // Well-made cursors to places that are none: an empty or a whole page, and never an error of ours.
        for place in ["n:~", "n: ", "n:\0"] {
            let answer = app
                .get(&format!(
                    "/v1/users?after={}",
                    URL_SAFE_NO_PAD.encode(place)
                ))
                .await;
            assert!(matches!(answer.status, 200 | 400), "{place:?} {answer:?}");
        }
        assert_eq!(
            app.get(&format!("/v1/users?q={}", "x".repeat(1100)))
                .await
                .body["data"],
            json!([])
        );
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_search_shows_nobody_who_was_not_searched_for() {
    with_app(async |app| {
        app.post(
            "/v1/invitations",
            &json!({"text": "a1@example.com a2@example.com m@example.com z@example.com"}),
        )
        .await;
        let first = app.get("/v1/users?q=a&limit=1").await;
        let cursor = first.body["list_metadata"]["after"].as_str().unwrap();
        let found = app.get(&format!("/v1/users?q=z&after={cursor}")).await;
        if found.status == 200 {
            let emails: Vec<_> = found.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|user| &user["email"])
                .collect();
            assert_eq!(emails, ["z@example.com"]);
        } else {
            assert_eq!(found.code(), "invalid_cursor");
        }
    })
    .await;
}

#[tokio::test]
async fn a_path_that_names_no_user_finds_none() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let lower = id.to_lowercase();
        for (status, code, id) in [
            (400, "invalid_user_id", "ann@example.com"),
            (400, "invalid_user_id", "usr_"),
            (400, "invalid_user_id", &id[4..]),
            (400, "invalid_user_id", &lower),
            (400, "invalid_user_id", "%00"),
            (400, "invalid_user_id", "..%2F..%2F"),
            (400, "invalid_user_id", "%FF"),
            (404, "user_not_found", NOBODY),
        ] {
            let answers = [
                app.get(&format!("/v1/users/{id}")).await,
                app.post(&format!("/v1/users/{id}/resend"), &json!({}))
                    .await,
                app.post(&format!("/v1/users/{id}/revoke"), &json!({}))
                    .await,
                app.post(&format!("/v1/users/{id}/restore"), &json!({}))
                    .await,
                app.get(&format!("/v1/users/{id}/link")).await,
                app.patch(&format!("/v1/users/{id}"), &json!({"name": "Bo"}))
                    .await,
                app.delete(&format!("/v1/users/{id}")).await,
            ];
            for answer in answers {
                assert_eq!(
                    (answer.status, answer.body["code"].as_str()),
                    (status, Some(code)),
                    "{id} {answer:?}"
                );
            }
        }
        assert_eq!(
            app.get(&format!("/v1/users/{id}")).await.body["state"],
            "pending"
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_genuine_sign_in_token_no_function_is_called() {
    // No function answers there, which would be a 503: a 401 says that none was asked.
    let nowhere = Options {
        functions_url: Some("http://127.0.0.1:1".to_owned()),
        ..Options::default()
    };
    let app = App::start(nowhere).await;
    let genuine = app.admin.clone();
    let (head, rest) = genuine.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let mut other: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    other["tenant"] = json!("other");
    let expired = app.token(&json!({"expires_in_seconds": -1})).await;
    let mut forged = URL_SAFE_NO_PAD.decode(signature).unwrap();
    forged[0] ^= 1;
    let bad = [
        String::new(),
        "Bearer ".to_owned(),
        "Bearer null".to_owned(),
        format!("Basic {genuine}"),
        format!("Bearer {expired}"),
        format!("Bearer {head}.{claims}.{}", URL_SAFE_NO_PAD.encode(forged)),
        format!("Bearer {head}.{}.{signature}", encode(&other.to_string())),
        format!("Bearer {head}.{claims}."),
        format!(
            "Bearer {}.{claims}.",
            encode(r#"{"alg":"none","typ":"JWT"}"#)
        ),
        format!(
            "Bearer {}.{claims}.{signature}",
            encode(r#"{"alg":"none","typ":"JWT"}"#)
        ),
        format!(
            "Bearer {}.{claims}.{signature}",
            encode(r#"{"alg":"HS256","typ":"JWT"}"#)
        ),
    ];
    let path = |what: &str| format!("/v1/users/{NOBODY}{what}");
    for (method, path) in [
        (Method::POST, "/v1/invitations".to_owned()),
        (Method::GET, "/v1/users".to_owned()),
        (Method::GET, path("")),
        (Method::GET, "/v1/mail-health".to_owned()),
        (Method::GET, "/v1/settings".to_owned()),
        (Method::PUT, "/v1/settings".to_owned()),
        (Method::GET, "/v1/templates".to_owned()),
        (Method::GET, "/v1/templates/de".to_owned()),
        (Method::PUT, "/v1/templates/de".to_owned()),
        (Method::DELETE, "/v1/templates/de".to_owned()),
        (Method::POST, "/v1/templates/de/preview".to_owned()),
        (Method::POST, "/v1/templates/de/test".to_owned()),
        (Method::POST, path("/resend")),
        (Method::POST, path("/revoke")),
        (Method::POST, path("/restore")),
        (Method::GET, path("/link")),
        (Method::GET, "/v1/me".to_owned()),
        (Method::POST, "/v1/invitations/resend".to_owned()),
        (Method::POST, "/v1/suppressions/lift".to_owned()),
        (Method::PATCH, path("")),
        (Method::DELETE, path("")),
    ] {
        let ask = async |authorization: Option<&str>| {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(authorization.map(|value| ("authorization", value)));
            let body = json!({"text": "ann@example.com"}).to_string().into_bytes();
            app.request(method.clone(), &path, &headers, Some(body))
                .await
        };
        for authorization in bad.iter().map(|value| Some(value.as_str())).chain([None]) {
            let answer = ask(authorization).await;
            assert_eq!(
                (answer.status, answer.code()),
                (401, "not_signed_in"),
                "{authorization:?}"
            );
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        let answer = ask(Some(&format!("Bearer {genuine}"))).await;
        assert_eq!(
            (answer.status, answer.code()),
            (503, "function_unreachable")
        );
    }
    app.stack.stop().await;
}

#[tokio::test]
async fn a_token_that_may_not_says_which_scope_it_lacks_and_changes_nothing() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let before = app.get(&format!("/v1/users/{id}")).await.body;
        app.advance(SignedDuration::from_secs(60));
        let all = [
            "users:read",
            "users:invite",
            "users:write",
            "settings:write",
        ];
        for lacking in all {
            let others: Vec<_> = all.into_iter().filter(|scope| *scope != lacking).collect();
            for scope in [
                others.join(" "),
                lacking.to_uppercase(),
                format!("{lacking}:all"),
                String::new(),
            ] {
                let token = app.token(&json!({"scope": scope})).await;
                let answers = match lacking {
                    "users:read" => vec![
                        app.get_as(&token, "/v1/users").await,
                        app.get_as(&token, &format!("/v1/users/{id}")).await,
                    ],
                    "users:invite" => vec![
                        app.post_as(
                            &token,
                            "/v1/invitations",
                            &json!({"text": "bo@example.com"}),
                        )
                        .await,
                        app.post_as(
                            &token,
                            "/v1/invitations?dry_run=true",
                            &json!({"text": "bo@example.com"}),
                        )
                        .await,
                        app.post_as(&token, &format!("/v1/users/{id}/resend"), &json!({}))
                            .await,
                        app.post_as(&token, "/v1/invitations/resend", &json!({"ids": [id]}))
                            .await,
                        app.get_as(&token, &format!("/v1/users/{id}/link")).await,
                    ],
                    "settings:write" => {
                        let change = async |method, path, body: &Value| {
                            app.change_as(&token, method, path, Some("*"), Some(body))
                                .await
                        };
                        let nothing = json!({});
                        let template = "/v1/templates/de";
                        let words = app.get(template).await.body["built_in"].clone();
                        vec![
                            app.get_as(&token, "/v1/mail-health").await,
                            app.get_as(&token, "/v1/settings").await,
                            change(Method::PUT, "/v1/settings", &nothing).await,
                            app.get_as(&token, "/v1/templates").await,
                            app.get_as(&token, template).await,
                            change(Method::PUT, template, &words).await,
                            change(Method::POST, "/v1/templates/de/preview", &words).await,
                            change(
                                Method::POST,
                                "/v1/templates/de/preview",
                                &json!({"user_id": id}),
                            )
                            .await,
                            change(Method::POST, "/v1/templates/de/test", &nothing).await,
                        ]
                    }
                    _ => vec![
                        app.post_as(&token, &format!("/v1/users/{id}/revoke"), &json!({}))
                            .await,
                        app.post_as(&token, &format!("/v1/users/{id}/restore"), &json!({}))
                            .await,
                        app.post_as(
                            &token,
                            "/v1/suppressions/lift",
                            &json!({"email": "ann@example.com"}),
                        )
                        .await,
                        app.patch_as(&token, &format!("/v1/users/{id}"), &json!({"name": "Bo"}))
                            .await,
                        app.delete_as(&token, &format!("/v1/users/{id}")).await,
                    ],
                };
                for answer in answers {
                    assert_eq!(
                        (answer.status, answer.code(), &answer.body["missing_scope"]),
                        (403, "missing_scope", &json!(lacking))
                    );
                }
            }
        }
        assert_eq!(app.get("/v1/users").await.body["data"], json!([before]));
    })
    .await;
}

#[tokio::test]
async fn a_mail_is_shown_as_saved_to_who_invites_and_with_somebodys_data_only_to_who_may_see_them()
{
    with_app(async |app| {
        app.set(&json!({"default_locale": "it"})).await;
        let id = app.invite("ann@example.com").await;
        let ask = async |scope: &str, path: &str, body: Value| {
            let token = app.token(&json!({"scope": scope})).await;
            app.post_as(&token, &format!("/v1/templates/{path}"), &body)
                .await
        };
        let person = json!({"user_id": id});
        for path in ["de/preview", "de/test"] {
            let refused = ask("settings:write", path, person.clone()).await;
            assert_eq!(
                (refused.status, &refused.body["missing_scope"]),
                (403, &json!("users:read")),
                "{path}"
            );
        }
        let shown = ask("settings:write users:read", "de/preview", person.clone()).await;
        assert_eq!(
            (shown.status, &shown.body["to"]),
            (200, &json!("ann@example.com"))
        );

        let inviting =
            json!({"message": "See you", "expires_in_days": 3, "sample": {"reminder": false}});
        let shown = ask("users:invite", "de/preview", inviting.clone()).await;
        assert_eq!((shown.status, &shown.body["locale"]), (200, &json!("de")));
        assert!(shown.body["text"].as_str().unwrap().contains("See you"));
        // Of whom no language is known: the tenant's default.
        let shown = ask("users:invite", "und/preview", inviting).await;
        assert_eq!((shown.status, &shown.body["locale"]), (200, &json!("it")));
        let unset = ask("users:read users:write", "und/preview", json!({})).await;
        assert_eq!(
            (unset.status, &unset.body["missing_scope"]),
            (403, &json!("settings:write"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_that_names_nobody_or_no_tenant_is_refused() {
    with_app(async |app| {
        for (claim, claims) in [
            ("sub", json!({"sub": ""})),
            ("sub", json!({"sub": "  "})),
            ("tenant", json!({"tenant": "two words"})),
            ("tenant", json!({"tenant": "a#b"})),
            ("tenant", json!({"tenant": "x".repeat(65)})),
        ] {
            let token = app.token(&claims).await;
            let answer = app
                .post_as(
                    &token,
                    "/v1/invitations",
                    &json!({"text": "ann@example.com"}),
                )
                .await;
            assert_eq!(
                (answer.status, answer.code()),
                (403, "invalid_claim"),
                "{claims}"
            );
            assert!(
                answer.body["detail"]
                    .as_str()
                    .unwrap()
                    .contains(&format!("claim {claim} ")),
                "{answer:?}"
            );
        }
        assert_nobody_is_invited(app).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_has_registered_is_neither_invited_again_nor_revoked() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        assert_eq!(
            app.accept(&app.mailed_token("ann@example.com").await)
                .await
                .status,
            200
        );
        let before = app.get(&format!("/v1/users/{id}")).await.body;
        app.advance(SignedDuration::from_secs(60));
        for (what, body) in [
            ("resend", json!({})),
            ("resend", json!({"reactivate": true})),
            ("revoke", json!({})),
        ] {
            let answer = app.post(&format!("/v1/users/{id}/{what}"), &body).await;
            assert_eq!((answer.status, answer.code()), (409, "already_registered"));
        }
        assert_eq!(app.get(&format!("/v1/users/{id}")).await.body, before);
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_bad_resend_leaves_the_old_link_alive() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        app.advance(SignedDuration::from_secs(60));
        for body in [
            json!({"locale": "no language"}),
            json!({"message": "x".repeat(1001)}),
            json!({"expires_in_days": 0}),
            json!({"reactivate": "yes"}),
            json!({"email": "eve@example.com"}),
        ] {
            let answer = app.post(&format!("/v1/users/{id}/resend"), &body).await;
            assert_eq!(answer.status, 400, "{body}");
        }
        assert_eq!(app.mails("ann@example.com").await.len(), 1);
        assert_eq!(app.accept(&token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn there_is_nothing_beside_the_routes() {
    with_app(async |app| {
        for (method, path) in [
            (Method::GET, "/v1"),
            (Method::GET, "/v2/users"),
            (Method::GET, "/v1/users/"),
            (Method::GET, "/v1//users"),
            (Method::DELETE, "/v1/users"),
            (Method::PUT, "/v1/invitations"),
            (Method::GET, "/v1/invitations"),
            (Method::GET, "/v1/accept"),
            (Method::GET, "/v1/accept/lookup"),
            (Method::POST, "/v1/accept/other"),
            (Method::OPTIONS, "/v1/invitations"),
            (Method::GET, "/.env"),
        ] {
            let answer = app.request(method.clone(), path, &[], None).await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (404, Some("no_such_route")),
                "{method} {path}"
            );
            assert_eq!(answer.headers["content-type"], "application/problem+json");
        }
    })
    .await;
}

#[tokio::test]
async fn a_web_page_elsewhere_can_not_reach_the_stack_by_another_name() {
    with_app(async |app| {
        let authorization = format!("Bearer {}", app.admin);
        let port = app.stack.url.rsplit(':').next().unwrap();
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "localhost@evil.example",
        ] {
            for (method, path) in [
                (Method::POST, "/v1/invitations"),
                (Method::POST, "/_local/token"),
                (Method::GET, "/_local/mail.json"),
                (Method::GET, "/accept"),
            ] {
                let headers = [
                    ("host", host),
                    ("content-type", "application/json"),
                    ("authorization", &authorization),
                ];
                let answer = app
                    .request(
                        method,
                        path,
                        &headers,
                        Some(br#"{"text": "ann@example.com"}"#.to_vec()),
                    )
                    .await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (421, "wrong_host"),
                    "{host} {path}"
                );
            }
        }
        assert_nobody_is_invited(app).await;
        for host in [
            format!("127.0.0.1:{port}"),
            format!("[::1]:{port}"),
            "localhost".to_owned(),
        ] {
            let headers = [("host", host.as_str()), ("authorization", &authorization)];
            assert_eq!(
                app.request(Method::GET, "/v1/users", &headers, None)
                    .await
                    .status,
                200,
                "{host}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_clock_only_moves_forward() {
    with_app(async |app| {
        let before = app.stack.clock.now();
        for body in [
            json!({"advance_seconds": -1}),
            json!({"advance_seconds": i64::MIN}),
            json!({"advance_seconds": i64::MAX}),
            json!({"advance_seconds": 0.5}),
            json!({"advance_seconds": "60"}),
            json!({}),
        ] {
            let answer = app.public("/_local/clock", &body).await;
            assert_eq!(answer.status, 400, "{body}");
            assert!(matches!(answer.code(), "invalid_field" | "invalid_body"));
        }
        assert_eq!(app.stack.clock.now(), before);
        assert_eq!(
            app.public("/_local/clock", &json!({"advance_seconds": 60}))
                .await
                .status,
            200
        );
        assert_eq!(
            app.stack.clock.now(),
            before + SignedDuration::from_secs(60)
        );
    })
    .await;
}

#[tokio::test]
async fn a_header_beyond_ascii_is_no_error_of_ours() {
    with_app(async |app| {
        let value = reqwest::header::HeaderValue::from_bytes("Jürgen".as_bytes()).unwrap();
        let request = reqwest::Client::new()
            .get(format!("{}/v1/users", app.stack.url))
            .bearer_auth(&app.admin)
            .header("x-name", value);
        assert_eq!(request.send().await.unwrap().status(), 200);
    })
    .await;
}

#[tokio::test]
async fn no_signed_in_route_takes_a_parameter_that_it_does_not_know() {
    with_app(async |app| {
        let id = app.invite("ann@example.com").await;
        app.stack.settled().await;
        let user = format!("/v1/users/{id}");
        let of_user = |what: &str| format!("{user}{what}");
        let authorization = format!("Bearer {}", app.admin);
        let headers = [
            ("content-type", "application/json"),
            ("authorization", authorization.as_str()),
        ];
        for (method, path) in [
            (Method::POST, "/v1/invitations".to_owned()),
            (Method::POST, "/v1/invitations/resend".to_owned()),
            (Method::POST, of_user("/resend")),
            (Method::POST, of_user("/revoke")),
            (Method::POST, of_user("/restore")),
            (Method::GET, of_user("/link")),
            (Method::GET, of_user("/history")),
            (Method::GET, user.clone()),
            (Method::PATCH, user.clone()),
            (Method::DELETE, user.clone()),
            (Method::DELETE, of_user("/suppression")),
            (Method::POST, "/v1/suppressions/lift".to_owned()),
            (Method::GET, "/v1/users".to_owned()),
            (Method::GET, "/v1/me".to_owned()),
            (Method::GET, "/v1/mail-health".to_owned()),
            (Method::GET, "/v1/settings".to_owned()),
            (Method::PUT, "/v1/settings".to_owned()),
            (Method::GET, "/v1/templates".to_owned()),
            (Method::PUT, "/v1/templates/de".to_owned()),
            (Method::DELETE, "/v1/templates/de".to_owned()),
            (Method::POST, "/v1/templates/de/preview".to_owned()),
        ] {
            let path = format!("{path}?dryrun=true");
            let answer = app
                .request(method, &path, &headers, Some(b"{}".to_vec()))
                .await;
            assert_eq!(
                (answer.status, answer.code()),
                (400, "unknown_parameter"),
                "{path}"
            );
        }
        assert_eq!(app.get(&user).await.body["state"], "pending");
    })
    .await;
}
