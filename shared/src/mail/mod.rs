//! Writing to people: templates, what stands in them, and SES.

mod date;
mod mailer;
mod message;
mod pace;
mod template;

pub use self::{
    mailer::{Batch, Mailer, Origin, Outcome},
    message::{Sender, Values},
    template::{Content, Template, Templates},
};
