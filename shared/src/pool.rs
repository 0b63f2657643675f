//! The stack's own sign-in: who accepts gets an account in its Cognito user pool.
//!
//! The account's name is the user's id, so a second try finds the account that the first has made, and every sign-in
//! token says whose it is. The link was sent to the address, so the address counts as verified, and Cognito sends no
//! mail of its own. A person without a password signs in with a code by e-mail, or makes a passkey.
//!
//! An account is made just before its user is accepted, so a try that breaks off in between leaves one behind. Whatever
//! ends an invitation, or gives it another address, therefore withdraws the account too, whether or not there is one.
//!
//! Who is accepted at that very moment must not lose theirs, and no order of calls to two services rules that out. So
//! both look again when they are done: [`keep`] after the accept, at the pool; [`withdraw`] after the withdrawal, at the
//! table. Whichever comes last finds what the other has done, and makes the account anew. Then it looks at the table once
//! more: who was erased meanwhile must not be left with it.

use std::sync::Arc;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    aws::{self, Refused, Service, refused},
    config::Environment,
    domain::{Group, PersonName, State, StateName, User, UserId},
    store::{Store, StoreError},
};

/// For how long after somebody was accepted their account is made anew where it is missing. Later, somebody may have taken
/// it away with a purpose.
const JUST_ACCEPTED: SignedDuration = SignedDuration::from_mins(10);
/// The name of Cognito's API.
const API: &str = "AWSCognitoIdentityProviderService";
/// Cognito's code for an account that is not there.
const NOT_FOUND: &str = "UserNotFoundException";

/// The user pool through one client.
#[derive(Clone, Debug)]
pub struct UserPool {
    client: Arc<Service>,
    id: String,
}

/// The pool is not as the environment says.
#[derive(Debug, Error)]
#[error(
    "the user pool {id} that USER_POOL_ID names can't be used ({cause}): check that it exists in this region, and that the function's role may use it"
)]
pub struct PoolUnusable {
    id: String,
    cause: PoolError,
}

/// Why an account could not be made.
#[derive(Debug, Error)]
pub enum PoolError {
    /// The pool could not be asked, or has too much to do.
    #[error("Cognito {operation}: {cause}")]
    Unavailable {
        /// The Cognito operation.
        operation: &'static str,
        /// Cognito's code, or what became of the connection.
        cause: String,
    },
    /// The address signs somebody else in.
    #[error("the address belongs to another account")]
    AddressTaken,
    /// The pool refuses: it is missing, or the role lacks a permission.
    #[error("Cognito {operation}: {cause}")]
    Rejected {
        /// The Cognito operation.
        operation: &'static str,
        /// Cognito's code.
        cause: String,
    },
}

/// Why nobody knows whether somebody has the account that they are to have, or none that they are not to have.
#[derive(Debug, Error)]
pub enum AccountInDoubt {
    /// The pool's trouble.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The table's.
    #[error(transparent)]
    Table(#[from] StoreError),
}

/// Takes the account away of somebody whose invitation has ended, whose address is another now, or who is erased; if there
/// is a pool, and one in it. Whoever has been accepted meanwhile is given it again.
pub async fn withdraw(
    pool: Option<&UserPool>,
    store: &Store,
    id: UserId,
) -> Result<(), AccountInDoubt> {
    let Some(pool) = pool else {
        return Ok(());
    };
    pool.delete(id).await?;
    match accepted(store, id).await? {
        Some(user) => pool.give_again(store, &user).await,
        None => Ok(()),
    }
}

/// Makes the account anew of somebody who has just been accepted, if it was withdrawn in the middle of that; or if the accept
/// broke off before it came to this.
///
/// Of a user whom nobody but their mail and themself has changed, nobody had a reason to withdraw it: then the pool is not asked.
pub async fn keep(
    pool: Option<&UserPool>,
    store: &Store,
    user: &User,
    now: Timestamp,
) -> Result<(), AccountInDoubt> {
    let (Some(pool), State::Accepted { accepted_at }) = (pool, user.state) else {
        return Ok(());
    };
    let touched = user.changed_by.is_some();
    let just = now.duration_since(accepted_at) < JUST_ACCEPTED;
    if touched && just && pool.address(user.id).await?.is_none() {
        pool.give_again(store, user).await?;
    }
    Ok(())
}

/// The user, as long as they are accepted.
async fn accepted(store: &Store, id: UserId) -> Result<Option<User>, StoreError> {
    let user = store.user(id).await?;
    Ok(user.filter(|user| user.state.name() == StateName::Accepted))
}

impl UserPool {
    /// The pool that `USER_POOL_ID` names; none if people sign in elsewhere. Where a client can't be made, why is among
    /// the environment's mistakes.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let id = env.text("USER_POOL_ID")?.to_owned();
        let client = Arc::new(aws::cognito(env)?);
        Some(Self { client, id })
    }

    /// Opens the connection by asking for somebody who does not exist. Fails if the pool does not.
    pub async fn warm_up(&self) -> Result<(), PoolUnusable> {
        match self.call("AdminGetUser", "nobody", json!({})).await {
            Err(error) if !refused(&error, NOT_FOUND) => Err(PoolUnusable {
                id: self.id.clone(),
                cause: PoolError::of("AdminGetUser", &error),
            }),
            _ => Ok(()),
        }
    }

    /// Makes the account, unless an earlier try has. Who is invited to be an administrator becomes one here.
    pub async fn register(&self, user: &User, name: Option<&PersonName>) -> Result<(), PoolError> {
        if !self.create(user, name).await? && !self.has_address(user).await? {
            // An accept that broke off has made it before the address was corrected. Whoever has the old one could sign in.
            self.delete(user.id).await?;
            if !self.create(user, name).await? {
                return Err(PoolError::AddressTaken);
            }
        }
        if let Some(group) = user.groups.iter().find(|group| group.is_administrators()) {
            self.join(user.id, group).await?;
        }
        Ok(())
    }

    /// Makes the account anew of somebody whom the table had as accepted. It goes again if they were erased meanwhile, also
    /// where it is only half made.
    async fn give_again(&self, store: &Store, user: &User) -> Result<(), AccountInDoubt> {
        let registered = self.register(user, user.name.as_ref()).await;
        if accepted(store, user.id).await?.is_none() {
            self.delete(user.id).await?;
        }
        Ok(registered?)
    }

    /// Makes the account. Not if there is one of this name, or with this address.
    async fn create(&self, user: &User, name: Option<&PersonName>) -> Result<bool, PoolError> {
        let account =
            json!({"MessageAction": "SUPPRESS", "UserAttributes": attributes(user, name)});
        let created = self.call("AdminCreateUser", user.id, account).await;
        match created {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(PoolError::of("AdminCreateUser", &error)),
        }
    }

    /// Whether the user's account is of their address. Cognito says that a name is taken whether it is the user's id, by an
    /// earlier try, or the address, by somebody else's account: then there is none.
    async fn has_address(&self, user: &User) -> Result<bool, PoolError> {
        let address = self.address(user.id).await?;
        let address = address.ok_or(PoolError::AddressTaken)?;
        Ok(address.eq_ignore_ascii_case(user.email.as_str()))
    }

    /// The address of the account of this name; none if there is no account.
    async fn address(&self, id: UserId) -> Result<Option<String>, PoolError> {
        match self.call("AdminGetUser", id, json!({})).await {
            Ok(found) => {
                let mut attributes = found["UserAttributes"].as_array().into_iter().flatten();
                let email = attributes.find(|attribute| attribute["Name"] == "email");
                let email = email.and_then(|email| email["Value"].as_str());
                Ok(Some(email.unwrap_or_default().to_owned()))
            }
            Err(error) if refused(&error, NOT_FOUND) => Ok(None),
            Err(error) => Err(PoolError::of("AdminGetUser", &error)),
        }
    }

    async fn join(&self, id: UserId, group: &Group) -> Result<(), PoolError> {
        let joined = json!({"GroupName": group.as_str()});
        let joined = self.call("AdminAddUserToGroup", id, joined);
        let joined = joined.await.map(drop);
        joined.map_err(|error| PoolError::of("AdminAddUserToGroup", &error))
    }

    /// Takes the account away, if there is one.
    async fn delete(&self, id: UserId) -> Result<(), PoolError> {
        let deleted = self.call("AdminDeleteUser", id, json!({}));
        match deleted.await {
            Err(error) if !refused(&error, NOT_FOUND) => {
                Err(PoolError::of("AdminDeleteUser", &error))
            }
            _ => Ok(()),
        }
    }

    /// An operation on the account of this name.
    async fn call(
        &self,
        operation: &'static str,
        name: impl ToString,
        mut input: Value,
    ) -> Result<Value, SdkError<Refused>> {
        input["UserPoolId"] = self.id.as_str().into();
        input["Username"] = name.to_string().into();
        self.client.json(API, operation, &input).await
    }
}

/// Whether the user's id or the address signs somebody in already. The guide names `AliasExistsException` for the
/// latter, the API's model does not.
fn is_taken(error: &SdkError<Refused>) -> bool {
    let codes = ["UsernameExistsException", "AliasExistsException"];
    codes.iter().any(|code| refused(error, code))
}

/// [`UserPool::warm_up`], where there is a pool.
pub async fn warm_up(pool: Option<&UserPool>) -> Result<(), PoolUnusable> {
    match pool {
        Some(pool) => pool.warm_up().await,
        None => Ok(()),
    }
}

fn attributes(user: &User, name: Option<&PersonName>) -> Vec<Value> {
    [("email", user.email.as_str()), ("email_verified", "true")]
        .into_iter()
        .chain(name.map(|name| ("name", name.as_str())))
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

impl PoolError {
    /// Sorts an SDK error by whether trying again can help. Only the code is kept: a message may name the address.
    fn of<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Self {
        let cause = aws::cause(error).to_owned();
        let again = match error {
            SdkError::ServiceError(context) => {
                context.raw().status().is_server_error()
                    || matches!(
                        cause.as_str(),
                        "LimitExceededException"
                            | "ThrottlingException"
                            | "TooManyRequestsException"
                            // An account that was withdrawn in the middle: the next try makes it anew.
                            | NOT_FOUND
                    )
            }
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        if again {
            Self::Unavailable { operation, cause }
        } else {
            Self::Rejected { operation, cause }
        }
    }
}
