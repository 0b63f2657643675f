//! Writing to people: templates, what stands in them, and SES.

mod date;
mod doctor;
mod from;
pub mod health;
mod mailer;
mod message;
mod suppression_list;
mod template;
mod untrusted;

pub use self::{
    doctor::{Doctor, Seen},
    from::{MailFrom, may_send},
    mailer::{Batch, Mailer, Outcome, SesUnusable},
    message::{Letterhead, Values, accept_url},
    suppression_list::{StillListed, SuppressionList},
    template::{
        Content, Flaw, Kind, Place, SyntaxError, Template, TemplateError, TemplateRefusal,
        Templates, VARIABLES, Variable, variable_names,
    },
};
