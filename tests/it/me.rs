//! Who asks, and what they may do.

use serde_json::{Value, json};

use crate::{accounts::Pool, app::with_app, app::with_options};

const ALL: [&str; 4] = [
    "users:read",
    "users:invite",
    "users:write",
    "settings:write",
];

#[tokio::test]
async fn everybody_with_a_token_learns_what_they_may_do_and_who_can_give_them_the_rest() {
    with_app(async |app| {
        let token = app
            .token(&json!({
                "sub": "bo", "name": "Bo", "tenant": "acme",
                "scope": "openid users:read users:readers settings:write",
            }))
            .await;
        let me = app.get_as(&token, "/v1/me").await;
        assert_eq!(me.status, 200, "{me:?}");
        let who = me.body["who_can_grant"].as_str().unwrap();
        assert!(who.contains("users:invite, users:write"), "{who}");
        assert!(who.contains("administrators"), "{who}");
        assert_eq!(
            me.body,
            json!({
                "id": "bo", "name": "Bo", "tenant": "acme", "scopes": ["users:read", "settings:write"],
                "administrator": false, "missing_scopes": ["users:invite", "users:write"], "who_can_grant": who,
            })
        );
        let nobody = app.token(&json!({"sub": "cy", "name": "", "scope": "openid"})).await;
        let me = app.get_as(&nobody, "/v1/me").await.body;
        assert_eq!((&me["scopes"], &me["missing_scopes"]), (&json!([]), &json!(ALL)));
        assert_eq!((&me["tenant"], &me["name"]), (&json!("default"), &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn whoever_may_do_everything_is_an_administrator_by_scopes_or_by_their_group() {
    with_app(async |app| {
        let by_scopes = app.token(&json!({"scope": ALL.join(" ")})).await;
        let by_group = app
            .token(&json!({"scope": "openid", "groups": ["administrators"]}))
            .await;
        for token in [by_scopes, by_group] {
            let me = app.get_as(&token, "/v1/me").await.body;
            assert_eq!(
                (&me["scopes"], &me["missing_scopes"]),
                (&json!(ALL), &json!([]))
            );
            assert_eq!(me["administrator"], true);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_told_who_they_are_by_a_token_that_is_forged_or_names_no_tenant() {
    with_app(async |app| {
        assert_eq!(app.get_as("nonsense", "/v1/me").await.status, 401);
        let lost = app.token(&json!({"tenant": "two words"})).await;
        let refused = app.get_as(&lost, "/v1/me").await;
        assert_eq!((refused.status, refused.code()), (403, "invalid_claim"));
    })
    .await;
}

#[tokio::test]
async fn of_an_administrator_of_the_pool_the_table_knows_the_name() {
    let (_pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let ada = app.invite("ada@example.com").await;
        let link = app.mailed_token("ada@example.com").await;
        assert_eq!(app.accept(&link).await.status, 200);
        let claims = json!({"name": "", "scope": "openid", "username": ada.to_lowercase()});
        let token = app.token(&claims).await;
        let me = app.get_as(&token, "/v1/me").await.body;
        assert_eq!((&me["id"], &me["name"]), (&json!(ada), &json!("Ann Lee")));
    })
    .await;
}
