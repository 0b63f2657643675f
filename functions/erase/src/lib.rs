//! `DELETE /v1/users/{id}`: an administrator erases a user, and with them everything that tells who they were.

use lambda_http::{Request, http::StatusCode};
use serde::Serialize;
use usher::{
    clock::{Clock, Entropy},
    config::{ConfigError, Environment},
    domain::{self, EraseRefusal, TenantId, TokenKey, UserId},
    function::WarmUp,
    http::{
        Answer, Problem, Scope, SignIn, administrators_only, check_parameters, corrected, json,
        path_id, user_not_found,
    },
    pool::{UserPool, warm_up, withdraw},
    store::{ErasureWritten, Store},
};

/// How often an erasure is decided anew because the user was changed at the same moment, by the mailer for instance.
const TRIES: u32 = 4;

/// What the function works with.
#[derive(Debug)]
pub struct Erase {
    store: Store,
    pool: Option<UserPool>,
    sign_in: SignIn,
    key: TokenKey,
    clock: Clock,
}

impl Erase {
    /// Reads `TABLE_NAME`, `TOKEN_KEY`, `USER_POOL_ID` and what [`SignIn`] reads.
    pub fn new(env: &Environment, clock: Clock, _: Entropy) -> Result<Self, ConfigError> {
        let (store, key, sign_in) = (Store::from_env(env), env.token_key(), SignIn::from_env(env));
        let pool = UserPool::from_env(env);
        env.finish((|| {
            Some(Self {
                store: store?,
                pool,
                sign_in,
                key: key?,
                clock,
            })
        })())
    }
}

impl WarmUp for Erase {
    async fn warm_up(&self) -> Result<(), lambda_http::Error> {
        let (table, pool) = tokio::join!(self.store.warm_up(), warm_up(self.pool.as_ref()));
        table?;
        Ok(pool?)
    }
}

#[derive(Serialize)]
struct Erased {
    outcome: &'static str,
    user_id: UserId,
    suppression_kept: bool,
}

/// Answers that the user is erased. Whoever asks again is told that there is no such user.
pub async fn handle(state: &Erase, request: &Request) -> Answer {
    let caller = state.sign_in.caller(request, Scope::UsersWrite)?;
    check_parameters(request, &[])?;
    let id = path_id(request)?;
    let erase = domain::Erase {
        tenant: caller.tenant,
        by: caller.identity,
        oneself: caller.user,
        now: state.clock.now(),
        appoints: caller.appoints,
    };
    for _ in 0..TRIES {
        let found = state.store.user(id).await?;
        let user = match (erase.refusal(found.as_ref()), found) {
            (None, Some(user)) => user,
            (Some(EraseRefusal::NotFound) | None, None) => {
                finish(state, id, &erase.tenant).await?;
                return Err(user_not_found());
            }
            (Some(refusal), _) => return Err(refused(refusal)),
        };
        match state.store.erase(&user, &erase, &state.key).await? {
            ErasureWritten::Done { suppression_kept } => {
                // After the user: an accept that is under way finds none then, and takes back what it has made.
                withdraw(state.pool.as_ref(), &state.store, id).await?;
                return json(&Erased {
                    outcome: "erased",
                    user_id: id,
                    suppression_kept,
                });
            }
            ErasureWritten::Overtaken => {}
        }
    }
    Err(corrected())
}

/// An earlier try may have got no further than the table.
async fn finish(state: &Erase, id: UserId, tenant: &TenantId) -> Result<(), Problem> {
    if state.pool.is_none() {
        return Ok(());
    }
    match state.store.erased(id).await? {
        Some(erased) if erased.tenant == *tenant => {
            Ok(withdraw(state.pool.as_ref(), &state.store, id).await?)
        }
        _ => Ok(()),
    }
}

fn refused(refusal: EraseRefusal) -> Problem {
    match refusal {
        EraseRefusal::NotFound => user_not_found(),
        EraseRefusal::Oneself => Problem::new(
            StatusCode::CONFLICT,
            "oneself",
            "This user is you, and nobody erases themselves.",
            "Ask another administrator to do it.",
        ),
        EraseRefusal::Administrator => administrators_only(
            "This is an administrator, whom only an administrator may erase, and you are none.",
        ),
        EraseRefusal::Registered => administrators_only(
            "This person has registered, and may be an administrator by now: only an administrator may erase them.",
        ),
    }
}
