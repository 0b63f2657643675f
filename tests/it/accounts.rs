//! Accepting with a user pool of the stack's own: who gets an account, and when.
//!
//! The pool here is a stub, because nothing else fails or waits when it is told to. The deployment test tries the same
//! with a whole one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response as Reply},
    routing::any,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};
use usher_local::Options;

use crate::app::{App, with_options};

/// A user pool, as far as accepting needs one.
#[derive(Default)]
pub(crate) struct Pool {
    operations: Mutex<Vec<String>>,
    accounts: Mutex<BTreeMap<String, Value>>,
    members: Mutex<Vec<(String, String)>>,
    /// Answers to the next creations, instead of doing them.
    refusals: Mutex<VecDeque<&'static str>>,
    /// The same for the next deletions.
    kept: Mutex<VecDeque<&'static str>>,
    /// Whether it has no groups.
    groupless: Mutex<bool>,
    /// Before or after which operation the pool waits, the next time, until it is told to go on.
    pauses: Mutex<Option<&'static str>>,
    paused: Notify,
    go_on: Notify,
}

impl Pool {
    /// A pool, and the options of a stack that has it.
    pub(crate) async fn start() -> (Arc<Self>, Options) {
        let pool = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/", any(answer))
            .with_state(Arc::clone(&pool));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let variables = [
            ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", url.as_str()),
            ("USER_POOL_ID", "us-east-1_pool"),
            ("SIGN_IN_URL", "https://sign-in.example/login"),
        ];
        let options = Options {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Options::default()
        };
        (pool, options)
    }

    /// Puts an account there, as an accept that broke off leaves it.
    fn leave_account(&self, name: &str, email: &str) {
        let account = json!({"email": email});
        self.accounts
            .lock()
            .unwrap()
            .insert(name.to_owned(), account);
    }

    /// Refuses the next creation, and every time that it is tried again for the same request.
    fn refuse_creation(&self) {
        self.refusals
            .lock()
            .unwrap()
            .extend(["TooManyRequestsException"; 3]);
    }

    /// Refuses the next deletion, and every time that it is tried again for the same request.
    fn refuse_deletion(&self) {
        self.kept
            .lock()
            .unwrap()
            .extend(["TooManyRequestsException"; 3]);
    }

    fn pause(&self, moment: &'static str) {
        *self.pauses.lock().unwrap() = Some(moment);
    }

    async fn wait_if_told(&self, moment: &str) {
        let told = self
            .pauses
            .lock()
            .unwrap()
            .take_if(|told| *told == moment)
            .is_some();
        if told {
            self.paused.notify_one();
            self.go_on.notified().await;
        }
    }

    fn account(&self, name: &str) -> Option<Value> {
        self.accounts.lock().unwrap().get(name).cloned()
    }

    /// Everything it was asked, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.operations.lock().unwrap().clone()
    }

    fn has_address(&self, email: &str) -> bool {
        let accounts = self.accounts.lock().unwrap();
        accounts.values().any(|account| account["email"] == email)
    }

    fn do_it(&self, operation: &str, request: &Value) -> Result<Value, &'static str> {
        let name = request["Username"].as_str().unwrap().to_owned();
        let mut accounts = self.accounts.lock().unwrap();
        match operation {
            "AdminCreateUser" => {
                if let Some(refusal) = self.refusals.lock().unwrap().pop_front() {
                    return Err(refusal);
                }
                let mut account = json!({"message": request["MessageAction"]});
                for attribute in request["UserAttributes"].as_array().unwrap() {
                    account[attribute["Name"].as_str().unwrap()] = attribute["Value"].clone();
                }
                let taken = accounts
                    .values()
                    .any(|other| other["email"] == account["email"]);
                if taken || accounts.contains_key(&name) {
                    return Err("UsernameExistsException");
                }
                accounts.insert(name, account);
            }
            "AdminGetUser" | "AdminAddUserToGroup" if !accounts.contains_key(&name) => {
                return Err("UserNotFoundException");
            }
            "AdminGetUser" => {
                let email = json!({"Name": "email", "Value": accounts[&name]["email"]});
                return Ok(json!({"Username": name, "UserAttributes": [email]}));
            }
            "AdminAddUserToGroup" if *self.groupless.lock().unwrap() => {
                return Err("ResourceNotFoundException");
            }
            "AdminAddUserToGroup" => {
                let group = request["GroupName"].as_str().unwrap().to_owned();
                self.members.lock().unwrap().push((name, group));
            }
            "AdminDeleteUser" => {
                if let Some(refusal) = self.kept.lock().unwrap().pop_front() {
                    return Err(refusal);
                }
                accounts.remove(&name).ok_or("UserNotFoundException")?;
                self.members
                    .lock()
                    .unwrap()
                    .retain(|(member, _)| *member != name);
            }
            other => panic!("accepting has no business with {other}"),
        }
        Ok(json!({}))
    }
}

async fn answer(State(pool): State<Arc<Pool>>, headers: HeaderMap, body: Bytes) -> Reply {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap();
    pool.operations.lock().unwrap().push(operation.to_owned());
    pool.wait_if_told(&format!("before {operation}")).await;
    let done = pool.do_it(operation, &serde_json::from_slice(&body).unwrap());
    pool.wait_if_told(&format!("after {operation}")).await;
    match done {
        Ok(answer) => Json(answer).into_response(),
        Err(code) => (
            StatusCode::BAD_REQUEST,
            Json(json!({"__type": code, "message": "no"})),
        )
            .into_response(),
    }
}

/// Runs a test on Ann, whom the mail has reached: with the pool that she will be in, her id and her token.
async fn with_invited(test: impl AsyncFnOnce(&App, &Pool, &str, &str)) {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let id = app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        test(app, &pool, &id, &token).await;
    })
    .await;
}

/// The same, with a link that another has replaced, and that other.
async fn with_replaced(test: impl AsyncFnOnce(&App, &Pool, &str, (&str, &str))) {
    with_invited(async |app, pool, id, wrong| {
        app.advance(SignedDuration::from_secs(60));
        let path = format!("/v1/users/{id}/resend");
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        let right = app.mailed_token("ann@example.com").await;
        test(app, pool, id, (wrong, &right)).await;
    })
    .await;
}

async fn state_of(app: &App, id: &str) -> Value {
    app.get(&format!("/v1/users/{id}")).await.body["state"].clone()
}

#[tokio::test]
async fn who_accepts_gets_an_account_named_by_the_users_id_and_no_second_mail() {
    with_invited(async |app, pool, id, token| {
        let answer = app.accept(token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["sign_in_url"], "https://sign-in.example/login");
        let account = pool.account(id).unwrap();
        let expected = json!({"email": "ann@example.com", "email_verified": "true", "name": "Ann Lee", "message": "SUPPRESS"});
        assert_eq!(account, expected);
        assert!(pool.members.lock().unwrap().is_empty());

        assert_eq!(app.accept(token).await.code(), "invitation_already_used");
        assert!(pool.account(id).is_some(), "the second try took the account away");
    })
    .await;
}

#[tokio::test]
async fn while_the_pool_is_busy_nobody_is_accepted_and_the_link_goes_on_working() {
    with_invited(async |app, pool, id, token| {
        pool.refuse_creation();
        let answer = app.accept(token).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(state_of(app, id).await, "pending");
        assert_eq!(app.accept(token).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_pool_that_refuses_is_the_operators_problem_and_accepts_nobody() {
    with_invited(async |app, pool, id, token| {
        pool.refusals
            .lock()
            .unwrap()
            .push_back("NotAuthorizedException");
        assert_eq!(app.accept(token).await.code(), "internal_error");
        assert_eq!(state_of(app, id).await, "pending");
    })
    .await;
}

#[tokio::test]
async fn an_account_that_a_broken_off_try_has_made_is_taken_over() {
    with_invited(async |app, pool, id, token| {
        let half_done = json!({"email": "ann@example.com"});
        pool.accounts
            .lock()
            .unwrap()
            .insert(id.to_owned(), half_done);
        assert_eq!(app.accept(token).await.status, 200);
        assert_eq!(state_of(app, id).await, "accepted");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_signs_somebody_else_in_is_refused_in_words() {
    with_invited(async |app, pool, id, token| {
        let theirs = json!({"email": "ann@example.com"});
        pool.accounts
            .lock()
            .unwrap()
            .insert("somebody".into(), theirs);
        let answer = app.accept(token).await;
        assert_eq!((answer.status, answer.code()), (409, "address_taken"));
        assert_eq!(answer.body["sign_in_url"], "https://sign-in.example/login");
        assert_eq!(state_of(app, id).await, "pending");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_that_is_withdrawn_in_the_middle_leaves_no_account() {
    with_invited(async |app, pool, id, token| {
        pool.pause("after AdminCreateUser");
        let revoke = async {
            pool.paused.notified().await;
            assert!(pool.has_address("ann@example.com"));
            let path = format!("/v1/users/{id}/revoke");
            assert_eq!(app.post(&path, &json!({})).await.status, 200);
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), revoke);
        assert_eq!(answer.code(), "invitation_revoked");
        assert!(!pool.has_address("ann@example.com"));
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_replaced_in_the_middle_leaves_the_account_to_the_newer_one() {
    with_invited(async |app, pool, id, token| {
        app.advance(jiff::SignedDuration::from_secs(60));
        pool.pause("after AdminCreateUser");
        let resend = async {
            pool.paused.notified().await;
            let path = format!("/v1/users/{id}/resend");
            assert_eq!(app.post(&path, &json!({})).await.status, 200);
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), resend);
        assert_eq!(answer.code(), "invitation_not_found");
        let newer = app.mailed_token("ann@example.com").await;
        assert_eq!(app.accept(&newer).await.status, 200);
        assert!(pool.account(id).is_some());
    })
    .await;
}

#[tokio::test]
async fn an_invited_administrator_joins_the_group_and_nobody_else_does() {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let people = json!({"invitees": [
            {"email": "ada@example.com", "groups": ["editors", "administrators"]},
            {"email": "bo@example.com", "groups": ["editors"]},
        ]});
        let answer = app.post("/v1/invitations", &people).await;
        let ada = answer.body["results"][0]["user_id"].as_str().unwrap();
        for email in ["ada@example.com", "bo@example.com"] {
            let token = app.mailed_token(email).await;
            assert_eq!(app.accept(&token).await.status, 200);
        }
        let members = pool.members.lock().unwrap().clone();
        assert_eq!(members, [(ada.to_owned(), "administrators".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn only_who_may_do_everything_makes_administrators() {
    with_options(Options::default(), async |app| {
        let inviter = app
            .token(&json!({"scope": "users:invite users:write"}))
            .await;
        let body = json!({"text": "ada@example.com", "groups": ["administrators"]});
        let answer = app.post_as(&inviter, "/v1/invitations", &body).await;
        let row = &answer.body["results"][0];
        assert_eq!(row["outcome"], "invalid_invitee", "{row}");
        assert!(row["detail"].as_str().unwrap().contains("administrator"));

        let answer = app.post("/v1/invitations", &body).await;
        assert_eq!(answer.body["counts"]["invited"], 1);
        let id = answer.body["results"][0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let revoke = format!("/v1/users/{id}/revoke");
        assert_eq!(app.post(&revoke, &json!({})).await.status, 200);
        app.advance(jiff::SignedDuration::from_secs(60));
        let (resend, again) = (
            format!("/v1/users/{id}/resend"),
            json!({"reactivate": true}),
        );
        let refused = app.post_as(&inviter, &resend, &again).await;
        assert_eq!(
            (refused.status, refused.code()),
            (403, "administrators_only")
        );
        assert_eq!(app.post(&resend, &again).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn members_of_the_sign_ins_administrators_group_need_no_scope() {
    with_options(Options::default(), async |app| {
        let member = app
            .token(&json!({"scope": "openid", "groups": ["administrators"]}))
            .await;
        assert_eq!(app.get_as(&member, "/v1/users").await.status, 200);
        let other = app
            .token(&json!({"scope": "openid", "groups": ["admins"]}))
            .await;
        assert_eq!(
            app.get_as(&other, "/v1/users").await.code(),
            "missing_scope"
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_pool_the_answer_says_where_to_sign_in() {
    let options = Options {
        variables: vec![("SIGN_IN_URL".into(), "https://id.example/".into())],
        ..Options::default()
    };
    with_options(options, async |app| {
        app.invite("ann@example.com").await;
        let token = app.mailed_token("ann@example.com").await;
        let answer = app.accept(&token).await;
        assert_eq!(
            answer.body["sign_in_url"], "https://id.example/",
            "{answer:?}"
        );
        for again in [app.accept(&token).await, app.lookup(&token).await] {
            assert_eq!(again.code(), "invitation_already_used");
            assert_eq!(again.body["sign_in_url"], "https://id.example/");
        }
        let renew = json!({"token": token});
        let again = app.public("/v1/accept/renew", &renew).await;
        assert_eq!(again.body["sign_in_url"], "https://id.example/");
    })
    .await;
}

#[tokio::test]
async fn whoever_holds_the_link_of_an_invitation_that_has_ended_is_told_where_to_sign_in_and_nobody_else()
 {
    let options = Options {
        variables: vec![("SIGN_IN_URL".into(), "https://id.example/".into())],
        ..Options::default()
    };
    with_options(options, async |app| {
        for (email, code) in [
            ("ann@example.com", "invitation_revoked"),
            ("bo@example.com", "invitation_declined"),
        ] {
            let id = app.invite(email).await;
            let superseded = app.mailed_token(email).await;
            app.advance(SignedDuration::from_secs(61));
            let path = format!("/v1/users/{id}/resend");
            assert_eq!(app.post(&path, &json!({})).await.status, 200);
            let token = app.mailed_token(email).await;
            let link = json!({"token": token});
            let ended = if code == "invitation_revoked" {
                app.post(&format!("/v1/users/{id}/revoke"), &json!({}))
                    .await
            } else {
                app.public("/v1/accept/decline", &link).await
            };
            assert_eq!(ended.status, 200, "{ended:?}");
            for route in ["/lookup", "/decline", "/renew"] {
                let told = app.public(&format!("/v1/accept{route}"), &link).await;
                assert_eq!(told.code(), code);
                assert_eq!(told.body["sign_in_url"], "https://id.example/", "{route}");
            }
            let told = app.accept(&token).await;
            assert_eq!(told.body["sign_in_url"], "https://id.example/");
            let stranger = app.accept(&superseded).await;
            assert_eq!(stranger.code(), "invitation_not_found");
            assert!(stranger.body.get("sign_in_url").is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn mails_name_an_administrator_of_the_pool_whose_token_has_no_name() {
    let (_pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let people = json!({"invitees": [{"email": "ada@example.com", "groups": ["administrators"]}]});
        let answer = app.post("/v1/invitations", &people).await;
        let ada = answer.body["results"][0]["user_id"].as_str().unwrap().to_owned();
        let link = app.mailed_token("ada@example.com").await;
        assert_eq!(app.accept(&link).await.status, 200);

        let claims = json!({"name": "", "groups": ["administrators"], "scope": "openid", "username": ada.to_lowercase()});
        let token = app.token(&claims).await;
        let body = json!({"text": "bo@example.com"});
        assert_eq!(app.post_as(&token, "/v1/invitations", &body).await.status, 200);
        let mail = app.mails("bo@example.com").await.remove(0);
        assert!(mail.text.contains("Ann Lee"), "{}", mail.text);
        let listed = app.get("/v1/users?q=bo@").await;
        assert_eq!(listed.body["data"][0]["invited_by"], json!({"id": ada, "name": "Ann Lee"}));
    })
    .await;
}

#[tokio::test]
async fn whatever_ends_an_invitation_ends_an_account_that_a_broken_off_accept_has_made() {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        for (email, ends) in [("ann@example.com", "revoke"), ("bo@example.com", "decline")] {
            let id = app.invite(email).await;
            let token = app.mailed_token(email).await;
            pool.accounts
                .lock()
                .unwrap()
                .insert(id.clone(), json!({"email": email}));
            let answer = if ends == "revoke" {
                app.post(&format!("/v1/users/{id}/revoke"), &json!({}))
                    .await
            } else {
                app.public("/v1/accept/decline", &json!({"token": token}))
                    .await
            };
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(!pool.has_address(email), "{ends} left the account");
        }
    })
    .await;
}

#[tokio::test]
async fn declining_that_got_no_further_than_the_table_takes_the_account_away_when_it_is_repeated() {
    with_invited(async |app, pool, id, token| {
        pool.leave_account(id, "ann@example.com");
        pool.refuse_deletion();
        let body = json!({"token": token});
        let answer = app.public("/v1/accept/decline", &body).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(pool.account(id).is_some());

        let repeated = app.public("/v1/accept/decline", &body).await;
        assert_eq!(repeated.code(), "invitation_declined");
        assert!(pool.account(id).is_none());
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_corrected_in_the_middle_leaves_no_account_to_whoever_has_the_old_one() {
    with_invited(async |app, pool, id, token| {
        pool.pause("after AdminCreateUser");
        let correct = async {
            pool.paused.notified().await;
            let new = json!({"email": "anna@example.com"});
            assert_eq!(
                app.patch(&format!("/v1/users/{id}"), &new).await.status,
                200
            );
            assert!(pool.account(id).is_none());
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), correct);
        assert_eq!(answer.code(), "invitation_not_found");
        let newer = app.mailed_token("anna@example.com").await;
        assert_eq!(app.accept(&newer).await.status, 200);
        assert_eq!(pool.account(id).unwrap()["email"], "anna@example.com");
    })
    .await;
}

#[tokio::test]
async fn a_correction_that_got_no_further_than_the_table_takes_the_account_away_when_it_is_repeated()
 {
    with_invited(async |app, pool, id, _| {
        pool.leave_account(id, "ann@example.com");
        pool.refuse_deletion();
        let path = format!("/v1/users/{id}");
        let new = json!({"email": "anna@example.com"});
        assert_eq!(app.patch(&path, &new).await.status, 503);
        assert!(pool.has_address("ann@example.com"));

        let name = json!({"name": null});
        assert_eq!(app.patch(&path, &name).await.status, 200);
        assert!(
            pool.account(id).is_some(),
            "a name is no account's business"
        );

        let repeated = app.patch(&path, &new).await;
        assert_eq!(repeated.status, 200, "{repeated:?}");
        assert!(pool.account(id).is_none(), "the old address still signs in");
    })
    .await;
}

#[tokio::test]
async fn who_has_registered_keeps_their_account_when_their_address_and_groups_are_sent_again() {
    with_invited(async |app, pool, id, token| {
        assert_eq!(app.accept(token).await.status, 200);
        let same = json!({"email": "ann@example.com", "groups": []});
        let answer = app.patch(&format!("/v1/users/{id}"), &same).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(pool.account(id).is_some());
    })
    .await;
}

#[tokio::test]
async fn an_account_of_an_older_address_that_a_broken_off_try_has_left_is_replaced() {
    with_invited(async |app, pool, id, token| {
        let half_done = json!({"email": "typo@example.com"});
        pool.accounts
            .lock()
            .unwrap()
            .insert(id.to_owned(), half_done);
        assert_eq!(app.accept(token).await.status, 200);
        assert_eq!(pool.account(id).unwrap()["email"], "ann@example.com");
    })
    .await;
}

#[tokio::test]
async fn whoever_is_to_be_no_administrator_any_more_does_not_become_one_by_accepting_at_that_moment()
 {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let people =
            json!({"invitees": [{"email": "ada@example.com", "groups": ["administrators"]}]});
        let answer = app.post("/v1/invitations", &people).await;
        let id = answer.body["results"][0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let token = app.mailed_token("ada@example.com").await;
        pool.pause("after AdminCreateUser");
        let correct = async {
            pool.paused.notified().await;
            let none = json!({"groups": []});
            assert_eq!(
                app.patch(&format!("/v1/users/{id}"), &none).await.status,
                200
            );
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(&token), correct);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(
            pool.account(&id).is_none(),
            "the account was made an administrator's"
        );
        assert_eq!(state_of(app, &id).await, "pending");
        assert_eq!(app.accept(&token).await.status, 200);
        assert!(pool.members.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn whoever_is_made_an_administrator_while_they_accept_accepts_again_as_one() {
    with_invited(async |app, pool, id, token| {
        pool.pause("after AdminCreateUser");
        let promote = async {
            pool.paused.notified().await;
            let groups = json!({"groups": ["administrators"]});
            let answer = app.patch(&format!("/v1/users/{id}"), &groups).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), promote);
        assert_eq!((answer.status, answer.code()), (503, "conflict"));
        assert_eq!(app.accept(token).await.status, 200);
        assert!(pool.account(id).is_some());
        let members = pool.members.lock().unwrap().clone();
        assert_eq!(members, [(id.to_owned(), "administrators".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_to_be_no_administrator_any_more_loses_the_account_that_a_broken_off_try_made_one()
 {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        let people =
            json!({"invitees": [{"email": "ada@example.com", "groups": ["administrators"]}]});
        let answer = app.post("/v1/invitations", &people).await;
        let id = answer.body["results"][0]["user_id"].as_str().unwrap();
        let token = app.mailed_token("ada@example.com").await;
        let membership = (id.to_owned(), "administrators".to_owned());
        pool.leave_account(id, "ada@example.com");
        pool.members.lock().unwrap().push(membership);
        pool.refuse_deletion();

        let (path, none) = (format!("/v1/users/{id}"), json!({"groups": []}));
        assert_eq!(app.patch(&path, &none).await.status, 503);
        let repeated = app.patch(&path, &none).await;
        assert_eq!(repeated.status, 200, "{repeated:?}");
        assert!(pool.account(id).is_none(), "the administrator can sign in");

        assert_eq!(app.accept(&token).await.status, 200);
        assert!(pool.account(id).is_some());
        assert!(pool.members.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn other_groups_than_the_administrators_leave_the_account_that_somebody_is_being_given() {
    with_invited(async |app, pool, id, token| {
        pool.pause("after AdminCreateUser");
        let correct = async {
            pool.paused.notified().await;
            let groups = json!({"groups": ["editors"]});
            let answer = app.patch(&format!("/v1/users/{id}"), &groups).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), correct);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(pool.account(id).is_some(), "they can't sign in");
    })
    .await;
}

#[tokio::test]
async fn an_erased_person_has_no_account_even_if_the_first_try_got_no_further_than_the_table() {
    with_invited(async |app, pool, id, token| {
        assert_eq!(app.accept(token).await.status, 200);
        let account = pool.account(id).unwrap();
        let erased = app.delete(&format!("/v1/users/{id}")).await;
        assert_eq!(erased.status, 200, "{erased:?}");
        assert!(pool.account(id).is_none());

        // As if the pool had not been reached.
        pool.accounts.lock().unwrap().insert(id.to_owned(), account);
        let other = app.token(&json!({"tenant": "other"})).await;
        let path = format!("/v1/users/{id}");
        assert_eq!(app.delete_as(&other, &path).await.code(), "user_not_found");
        assert!(
            pool.account(id).is_some(),
            "another tenant's account was taken away"
        );
        assert_eq!(app.delete(&path).await.code(), "user_not_found");
        assert!(pool.account(id).is_none());
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_erased_while_they_accept_gets_no_account() {
    with_invited(async |app, pool, id, token| {
        pool.pause("after AdminCreateUser");
        let erase = async {
            pool.paused.notified().await;
            assert_eq!(app.delete(&format!("/v1/users/{id}")).await.status, 200);
            pool.go_on.notify_one();
        };
        let (answer, ()) = tokio::join!(app.accept(token), erase);
        assert_eq!(
            (answer.status, answer.code()),
            (404, "invitation_not_found")
        );
        assert!(!pool.has_address("ann@example.com"));
    })
    .await;
}

/// Erases a user while the pool waits, and lets it go on.
async fn erase_meanwhile(app: &App, pool: &Pool, id: &str) {
    pool.paused.notified().await;
    let erased = app.delete(&format!("/v1/users/{id}")).await;
    assert_eq!(erased.status, 200, "{erased:?}");
    assert!(pool.account(id).is_none());
    pool.go_on.notify_one();
}

#[tokio::test]
async fn an_administrator_who_is_erased_while_their_accept_looks_for_their_account_gets_none_anew()
{
    with_invited(async |app, pool, id, token| {
        let groups = json!({"groups": ["administrators"]});
        let promoted = app.patch(&format!("/v1/users/{id}"), &groups).await;
        assert_eq!(promoted.status, 200, "{promoted:?}");
        pool.pause("before AdminGetUser");
        tokio::join!(app.accept(token), erase_meanwhile(app, pool, id));
        assert!(pool.account(id).is_none(), "the erased address signs in");
        assert!(!pool.has_address("ann@example.com"));
        assert!(pool.members.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_erased_while_a_late_withdrawal_gives_them_their_account_again_has_none() {
    with_invited(async |app, pool, id, _| {
        pool.leave_account(id, "ann@example.com");
        pool.pause("before AdminDeleteUser");
        let accept_and_erase = async {
            pool.paused.notified().await;
            let token = app.mailed_token("anna@example.com").await;
            assert_eq!(app.accept(&token).await.status, 200);
            pool.pause("before AdminCreateUser");
            pool.go_on.notify_one();
            erase_meanwhile(app, pool, id).await;
        };
        let (path, new) = (
            format!("/v1/users/{id}"),
            json!({"email": "anna@example.com"}),
        );
        tokio::join!(app.patch(&path, &new), accept_and_erase);
        assert!(pool.account(id).is_none(), "the erased address signs in");
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_erased_has_no_account_although_the_pool_breaks_off_giving_it_again() {
    with_invited(async |app, pool, id, token| {
        let groups = json!({"groups": ["administrators"]});
        let promoted = app.patch(&format!("/v1/users/{id}"), &groups).await;
        assert_eq!(promoted.status, 200, "{promoted:?}");
        assert_eq!(app.accept(token).await.status, 200);
        pool.accounts.lock().unwrap().clear();
        pool.members.lock().unwrap().clear();
        *pool.groupless.lock().unwrap() = true;
        pool.pause("before AdminCreateUser");
        let (answer, ()) = tokio::join!(app.accept(token), erase_meanwhile(app, pool, id));
        assert_eq!(answer.code(), "internal_error");
        assert!(pool.account(id).is_none(), "the erased address signs in");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_link_of_somebody_who_has_just_registered_asks_the_pool_nothing_and_the_right_one_says_what_is_wrong()
 {
    with_replaced(async |app, pool, id, (wrong, right)| {
        assert_eq!(app.accept(right).await.status, 200);
        // Their account was withdrawn in the middle, and then their address given to somebody else.
        pool.accounts.lock().unwrap().clear();
        pool.leave_account("somebody", "ann@example.com");
        pool.refuse_creation();
        assert_eq!(app.accept(wrong).await.code(), "invitation_not_found");
        assert_eq!(app.accept(right).await.status, 503);
        assert_eq!(app.accept(wrong).await.code(), "invitation_not_found");
        let taken = app.accept(right).await;
        assert_eq!((taken.status, taken.code()), (409, "address_taken"));
        assert_eq!(taken.body["sign_in_url"], "https://sign-in.example/login");

        pool.accounts.lock().unwrap().clear();
        assert_eq!(app.accept(wrong).await.code(), "invitation_not_found");
        assert!(pool.account(id).is_none(), "a wrong link has made it");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_link_of_an_invitation_that_has_ended_asks_the_pool_nothing() {
    with_replaced(async |app, pool, id, (wrong, right)| {
        let path = format!("/v1/users/{id}/revoke");
        assert_eq!(app.post(&path, &json!({})).await.status, 200);
        pool.refuse_deletion();
        assert_eq!(app.accept(wrong).await.code(), "invitation_not_found");
        assert_eq!(app.accept(right).await.status, 503);
        assert_eq!(app.accept(right).await.code(), "invitation_revoked");
    })
    .await;
}

#[tokio::test]
async fn nobody_erases_themselves() {
    with_invited(async |app, _, id, token| {
        assert_eq!(app.accept(token).await.status, 200);
        let oneself = json!({"groups": ["administrators"], "scope": "openid", "username": id});
        let oneself = app.token(&oneself).await;
        let answer = app.delete_as(&oneself, &format!("/v1/users/{id}")).await;
        assert_eq!((answer.status, answer.code()), (409, "oneself"));
        assert_eq!(state_of(app, id).await, "accepted");
    })
    .await;
}

#[tokio::test]
async fn whoever_is_accepted_after_their_account_was_withdrawn_in_the_middle_has_one() {
    for body in [json!({"email": "ann@example.com"}), json!({"groups": []})] {
        with_invited(async |app, pool, id, token| {
            let path = format!("/v1/users/{id}");
            // Nobody withdraws anything of whom nobody has corrected.
            let earlier = json!({"external_id": "7"});
            assert_eq!(app.patch(&path, &earlier).await.status, 200);
            pool.pause("after AdminCreateUser");
            let correct = async {
                pool.paused.notified().await;
                assert_eq!(app.patch(&path, &body).await.status, 200);
                assert!(pool.account(id).is_none(), "{body} withdraws nothing");
                pool.go_on.notify_one();
            };
            let (answer, ()) = tokio::join!(app.accept(token), correct);
            assert_eq!(answer.status, 200, "{answer:?}");
            let account = pool.account(id).expect("they can't sign in");
            assert_eq!(
                (&account["email"], &account["name"]),
                (&json!("ann@example.com"), &json!("Ann Lee"))
            );
        })
        .await;
    }
}

#[tokio::test]
async fn whoever_is_accepted_while_an_account_is_withdrawn_slowly_has_one_when_that_is_done() {
    let (pool, options) = Pool::start().await;
    with_options(options, async |app| {
        for (email, groups) in [
            ("ann@example.com", json!([])),
            ("ada@example.com", json!(["administrators"])),
        ] {
            let people = json!({"invitees": [{"email": email, "groups": groups}]});
            let answer = app.post("/v1/invitations", &people).await;
            let id = answer.body["results"][0]["user_id"].as_str().unwrap();
            app.mailed_token(email).await;
            pool.leave_account(id, email);
            // The old address's account goes slowly, and the new address's link is followed meanwhile.
            let new = format!("new-{email}");
            pool.pause("before AdminDeleteUser");
            let accept = async {
                pool.paused.notified().await;
                let token = app.mailed_token(&new).await;
                let answer = app.accept(&token).await;
                pool.go_on.notify_one();
                answer
            };
            let (path, body) = (format!("/v1/users/{id}"), json!({"email": new}));
            let (patched, accepted) = tokio::join!(app.patch(&path, &body), accept);
            assert_eq!(
                (patched.status, accepted.status),
                (200, 200),
                "{accepted:?}"
            );
            let account = pool.account(id).expect("they can't sign in");
            assert_eq!(
                (&account["email"], &account["name"]),
                (&json!(new), &json!("Ann Lee"))
            );
        }
        let members = pool.members.lock().unwrap().len();
        assert_eq!(members, 1, "the administrator is none");
    })
    .await;
}

#[tokio::test]
async fn an_accept_that_broke_off_after_the_table_gives_a_withdrawn_account_again_when_it_is_repeated()
 {
    with_invited(async |app, pool, id, token| {
        let earlier = json!({"external_id": "7"});
        let answer = app.patch(&format!("/v1/users/{id}"), &earlier).await;
        assert_eq!(answer.status, 200);
        assert_eq!(app.accept(token).await.status, 200);
        // As if it had been withdrawn in the middle, and nobody had looked afterwards.
        pool.accounts.lock().unwrap().clear();
        assert_eq!(app.accept(token).await.code(), "invitation_already_used");
        assert!(pool.account(id).is_some(), "they can't sign in");
        pool.accounts.lock().unwrap().clear();
        let same = json!({"email": "ann@example.com"});
        assert_eq!(
            app.patch(&format!("/v1/users/{id}"), &same).await.status,
            200
        );
        assert!(pool.account(id).is_some(), "they can't sign in");

        // Somebody has closed the account since.
        pool.accounts.lock().unwrap().clear();
        app.advance(SignedDuration::from_mins(10));
        assert_eq!(app.accept(token).await.code(), "invitation_already_used");
        assert!(pool.account(id).is_none(), "a used link opens it again");
    })
    .await;
}
