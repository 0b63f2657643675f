//! Writing to people: templates, what stands in them, and SES.

mod date;
mod from;
mod mailer;
mod message;
mod template;

pub use self::{
    from::MailFrom,
    mailer::{Batch, Mailer, Outcome, SesUnusable},
    message::{Sender, Values},
    template::{Content, Template, Templates},
};
