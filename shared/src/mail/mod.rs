//! Writing to people: templates, what stands in them, and SES.

mod batch;
mod date;
mod doctor;
mod from;
pub mod health;
mod mailer;
mod message;
mod outcome;
mod stationery;
mod suppression_list;
mod template;
mod untrusted;

pub use self::{
    batch::Batch,
    doctor::{Doctor, Seen},
    from::{MailFrom, may_send},
    mailer::{Mailer, SesUnusable},
    message::{Letterhead, Values, accept_url, render},
    outcome::Outcome,
    stationery::{Made, MailDefaults, Stationery},
    suppression_list::{StillListed, SuppressionList},
    template::{
        Content, Flaw, Kind, Place, SyntaxError, Template, TemplateError, TemplateRefusal,
        Templates, VARIABLES, Variable, built_in_source, check, english_source, variable_names,
    },
};
