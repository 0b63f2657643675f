//! HTTP as Usher's functions speak it: who calls, what they sent, and answers that say what a person can do.

mod body;
mod caller;
mod endpoint;
mod event;
mod paging;
mod problem;
mod retry;
mod user;

pub use self::{
    body::{field, idempotency_key, json_body, optional_json_body, required_field},
    caller::{Caller, Scope, SignIn, administrators_only},
    endpoint::{Answer, Endpoint, json, path_id, route},
    event::UnreadableEvent,
    paging::{CursorKind, Paging, check_parameters, decode_cursor, encode_cursor, query},
    problem::Problem,
    retry::{corrected, daily_limit, too_soon, unavailable, user_not_found},
    user::{HistoryEventView, InviterView, UserView},
};
