//! Usher as its users meet it: over real HTTP, through the real AWS clients, against a real DynamoDB engine.
//!
//! Every test has a stack of its own, with a clock that stands still and a fixed seed, and fails if mail is left unsent.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a surprise is a failure"
)]

mod accounts;
mod app;
mod bad_access;
mod bad_input;
mod bad_links;
mod bulk;
mod bulk_resend;
mod calls;
mod crash_points;
mod crashes;
mod decline;
mod dry_run;
mod engine;
mod erase;
mod faults;
mod feedback;
mod hostile;
mod journey;
mod lifted_addresses;
mod logs;
mod mail_health;
mod me;
mod model;
mod pace;
mod process;
mod reminders;
mod restart;
mod restore;
mod routes;
mod settings;
mod shown_links;
mod store;
mod sweeper;
mod templates;
mod templates_agree;
mod update;
mod virtual_pace;
mod wording;
mod world;
