//! Everything two functions of Usher need.
//!
//! [`domain`] says what users and invitations are, [`store`] keeps them in DynamoDB, [`mail`] writes to people through
//! SES, [`pool`] keeps the accounts they sign in with, [`http`] speaks with callers. These know the domain and not each
//! other; they meet in the functions, and what those have in common is in [`function`], [`table_stream`] and [`tenant`].

pub mod aws;
pub mod clock;
pub mod config;
pub mod domain;
pub mod function;
pub mod http;
pub mod mail;
pub mod pool;
mod secret;
pub mod store;
pub mod table_stream;
pub mod telemetry;
pub mod tenant;
