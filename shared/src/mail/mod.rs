//! Writing to people: templates, what stands in them, and SES.

mod date;
mod doctor;
mod from;
pub mod health;
mod mailer;
mod message;
mod suppression_list;
mod template;

pub use self::{
    doctor::{Doctor, Seen},
    from::MailFrom,
    mailer::{Batch, Mailer, Outcome, SesUnusable},
    message::{Sender, Values, accept_url},
    suppression_list::{StillListed, SuppressionList},
    template::{Content, Template, Templates},
};
