//! Writing to people: templates, what stands in them, and SES.

mod date;
mod from;
mod mailer;
mod message;
mod suppression_list;
mod template;

pub use self::{
    from::MailFrom,
    mailer::{Batch, Mailer, Outcome, SesUnusable},
    message::{Sender, Values},
    suppression_list::{StillListed, SuppressionList},
    template::{Content, Template, Templates},
};
