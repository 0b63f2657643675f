//! `GET /v1/users`, `GET /v1/users/{id}` and `GET /v1/users/{id}/history`: who was invited, what has become of it, and what
//! happened on the way. And `GET /v1/me`: who asks, and what they may do.

mod me;

use lambda_http::{Request, RequestExt};
use serde::Serialize;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{StateName, User, UserId},
    function::WarmUp,
    http::{
        Answer, Caller, CursorKind, HistoryEventView, Paging, Problem, Scope, SignIn, UserView,
        check_parameters, encode_cursor, json, path_id, query, user_not_found,
    },
    store::{Position, Selection, Store},
};

/// What the function works with.
#[derive(Debug)]
pub struct List {
    store: Store,
    sign_in: SignIn,
    clock: Clock,
}

impl List {
    /// Reads `TABLE_NAME`, `TENANT_CLAIM`, `GROUPS_CLAIM` and `SCOPE_PREFIX`.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, sign_in) = (Store::from_env(env), SignIn::from_env(env));
        env.finish(store.map(|store| Self {
            store,
            sign_in,
            clock,
        }))
    }
}

impl WarmUp for List {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        Ok(self.store.warm_up().await?)
    }
}

#[derive(Serialize)]
struct Users<'a> {
    data: Vec<UserView<'a>>,
    list_metadata: ListMetadata,
}

#[derive(Serialize)]
struct ListMetadata {
    after: Option<String>,
}

#[derive(Serialize)]
struct History<'a> {
    data: Vec<HistoryEventView<'a>>,
    list_metadata: ListMetadata,
}

/// Answers with one user if the path names one, or with their history, else with a page of users; or with who asks.
pub async fn handle(state: &List, request: &Request) -> Answer {
    let names_user = request
        .path_parameters_ref()
        .is_some_and(|parameters| parameters.first("id").is_some());
    if !names_user && request.raw_http_path().ends_with("/me") {
        return me::me(state, request).await;
    }
    let caller = state.sign_in.caller(request, Scope::UsersRead)?;
    if names_user {
        let user = one(state, request, &caller).await?;
        if request.uri().path().ends_with("/history") {
            history(state, request, user.id).await
        } else {
            check_parameters(request, &[])?;
            json(&UserView::of(&user, state.clock.now()))
        }
    } else {
        page(state, request, caller).await
    }
}

async fn one(state: &List, request: &Request, caller: &Caller) -> Result<User, Problem> {
    let user = state.store.user(path_id(request)?).await?;
    user.filter(|user| user.tenant == caller.tenant)
        .ok_or_else(user_not_found)
}

/// What has happened to the user, newest first.
async fn history(state: &List, request: &Request, id: UserId) -> Answer {
    check_parameters(request, &["limit", "after"])?;
    let kind = CursorKind::History;
    let paging = Paging::of(request, kind)?;
    let page = state
        .store
        .history(id, paging.after.map(Position), paging.limit)
        .await?;
    json(&History {
        data: page.events.iter().map(HistoryEventView::of).collect(),
        list_metadata: ListMetadata {
            after: page.after.map(|after| encode_cursor(&after.0, kind)),
        },
    })
}

async fn page(state: &List, request: &Request, caller: Caller) -> Answer {
    check_parameters(request, &["state", "q", "limit", "after"])?;
    let prefix = query(request, "q")
        .map(|text| text.trim().to_lowercase())
        .filter(|text| !text.is_empty());
    let kind = if prefix.is_some() {
        CursorKind::Address
    } else {
        CursorKind::Newest
    };
    let paging = Paging::of(request, kind)?;
    let selection = Selection {
        tenant: caller.tenant,
        state: state_filter(request)?,
        after: paging.after.map(Position),
        limit: paging.limit,
        now: state.clock.now(),
    };
    let page = match prefix {
        Some(prefix) => state.store.search(&selection, &prefix).await?,
        None => state.store.list(&selection).await?,
    };
    json(&Users {
        data: page
            .users
            .iter()
            .map(|user| UserView::of(user, selection.now))
            .collect(),
        list_metadata: ListMetadata {
            after: page.after.map(|after| encode_cursor(&after.0, kind)),
        },
    })
}

fn state_filter(request: &Request) -> Result<Option<StateName>, Problem> {
    query(request, "state")
        .map(str::parse)
        .transpose()
        .map_err(|_| {
            Problem::bad_request(
                "invalid_state",
                "state names no state.",
                "Use pending, expired, accepted, revoked or declined, or leave it out for all.",
            )
        })
}
