//! The whole stack on one machine: what `cargo run` starts, and what the tests start too.
//!
//! One process stands in for what AWS gives: a gateway that speaks API Gateway's events and checks sign-in
//! tokens, DynamoDB (by `dynoxide`), the stream that drives the mailer and the histories (the pump), [SES](ses) with a
//! [mailbox], and the bus that carries its events. The functions are the very ones that run in Lambda, and talk to all this with the real AWS clients.

mod bus;
pub mod cli;
pub mod database;
mod event;
mod files;
mod gateway;
mod invoker;
mod issuer;
pub mod mailbox;
mod options;
mod pump;
mod routes;
mod schedule;
pub mod ses;
mod sign_in;
mod stack;
mod tools;

pub use self::{
    event::invocation,
    options::{Options, StartError},
    routes::{ROUTES, Route},
    stack::Stack,
};

/// The table's name.
const TABLE: &str = "usher";
