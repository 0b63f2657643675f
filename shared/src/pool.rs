//! The stack's own sign-in: who accepts gets an account in its Cognito user pool.
//!
//! The account's name is the user's id, so a second try finds the account that the first has made, and every sign-in
//! token says whose it is. The link was sent to the address, so the address counts as verified, and Cognito sends no
//! mail of its own. A person without a password signs in with a code by e-mail, or makes a passkey.
//!
//! An account is made just before its user is accepted, so a try that breaks off in between leaves one behind. Whatever
//! ends an invitation therefore withdraws the account too, whether or not there is one.

use aws_sdk_cognitoidentityprovider::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        admin_create_user::AdminCreateUserError, admin_delete_user::AdminDeleteUserError,
        admin_get_user::AdminGetUserError,
    },
    types::{AttributeType, MessageActionType},
};
use thiserror::Error;

use crate::{
    aws,
    config::Environment,
    domain::{Group, PersonName, User, UserId},
};

/// The user pool through one client.
#[derive(Clone, Debug)]
pub struct UserPool {
    client: Client,
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

impl UserPool {
    /// The pool that `USER_POOL_ID` names; none if people sign in elsewhere. Where a client can't be made, why is among
    /// the environment's mistakes.
    pub fn from_env(env: &Environment) -> Option<Self> {
        let id = env.text("USER_POOL_ID")?.to_owned();
        let client = aws::cognito(env)?;
        Some(Self { client, id })
    }

    /// Opens the connection by asking for somebody who does not exist. Fails if the pool does not.
    pub async fn warm_up(&self) -> Result<(), PoolUnusable> {
        let asked = self.client.admin_get_user().user_pool_id(&self.id);
        match asked.username("nobody").send().await {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(AdminGetUserError::is_user_not_found_exception) =>
            {
                Err(PoolUnusable {
                    id: self.id.clone(),
                    cause: PoolError::of("AdminGetUser", &error),
                })
            }
            _ => Ok(()),
        }
    }

    /// Makes the account, unless an earlier try has. Who is invited to be an administrator becomes one here.
    pub async fn register(&self, user: &User, name: &PersonName) -> Result<(), PoolError> {
        if !self.create(user, name).await? && !self.has_address(user).await? {
            // An accept that broke off has made it before the address was corrected. Whoever has the old one could sign in.
            self.withdraw(user.id).await?;
            if !self.create(user, name).await? {
                return Err(PoolError::AddressTaken);
            }
        }
        if let Some(group) = user.groups.iter().find(|group| group.is_administrators()) {
            self.join(user.id, group).await?;
        }
        Ok(())
    }

    /// Makes the account. Not if there is one of this name, or with this address.
    async fn create(&self, user: &User, name: &PersonName) -> Result<bool, PoolError> {
        let created = self
            .client
            .admin_create_user()
            .user_pool_id(&self.id)
            .username(user.id.to_string())
            .message_action(MessageActionType::Suppress)
            .set_user_attributes(Some(attributes(user, name)))
            .send()
            .await;
        match created {
            Ok(_) => Ok(true),
            Err(error) if is_taken(&error) => Ok(false),
            Err(error) => Err(PoolError::of("AdminCreateUser", &error)),
        }
    }

    /// Whether the user's account is of their address. Cognito says that a name is taken whether it is the user's id, by an
    /// earlier try, or the address, by somebody else's account: then there is none.
    async fn has_address(&self, user: &User) -> Result<bool, PoolError> {
        let asked = self.client.admin_get_user().user_pool_id(&self.id);
        match asked.username(user.id.to_string()).send().await {
            Ok(found) => {
                let mut attributes = found.user_attributes().iter();
                let email = attributes.find(|attribute| attribute.name() == "email");
                let email = email.and_then(|email| email.value()).unwrap_or_default();
                Ok(email.eq_ignore_ascii_case(user.email.as_str()))
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(AdminGetUserError::is_user_not_found_exception) =>
            {
                Err(PoolError::AddressTaken)
            }
            Err(error) => Err(PoolError::of("AdminGetUser", &error)),
        }
    }

    async fn join(&self, id: UserId, group: &Group) -> Result<(), PoolError> {
        self.client
            .admin_add_user_to_group()
            .user_pool_id(&self.id)
            .username(id.to_string())
            .group_name(group.as_str())
            .send()
            .await
            .map(drop)
            .map_err(|error| PoolError::of("AdminAddUserToGroup", &error))
    }

    /// Takes the account of somebody away whose invitation has ended, whose address is another now, or who is erased; if
    /// there is one.
    pub async fn withdraw(&self, id: UserId) -> Result<(), PoolError> {
        let asked = self.client.admin_delete_user().user_pool_id(&self.id);
        match asked.username(id.to_string()).send().await {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(AdminDeleteUserError::is_user_not_found_exception) =>
            {
                Err(PoolError::of("AdminDeleteUser", &error))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the user's id or the address signs somebody in already. The guide names `AliasExistsException` for the
/// latter, the API's model does not.
fn is_taken(error: &SdkError<AdminCreateUserError>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_username_exists_exception() || error.code() == Some("AliasExistsException")
    })
}

/// [`UserPool::warm_up`], where there is a pool.
pub async fn warm_up(pool: Option<&UserPool>) -> Result<(), PoolUnusable> {
    match pool {
        Some(pool) => pool.warm_up().await,
        None => Ok(()),
    }
}

fn attributes(user: &User, name: &PersonName) -> Vec<AttributeType> {
    [
        ("email", user.email.as_str()),
        ("email_verified", "true"),
        ("name", name.as_str()),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        AttributeType::builder()
            .name(name)
            .value(value)
            .build()
            .ok()
    })
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
                            | "UserNotFoundException"
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
