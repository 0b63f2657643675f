//! The mail sent on this machine, to be read in the browser and by tests.
//!
//! Mails hold live invitation links, so the mailbox is for the machine it runs on only, and no `Debug` prints a body.

mod log;
mod page;
mod view;

use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use log::Log;

pub use page::router;

/// A mail as its recipient would get it.
#[derive(Clone, Deserialize, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The recipient's plain address.
    pub to: String,
    /// The sender, with its display name where it has one.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// The HTML body, empty where the mail has none.
    pub html: String,
    /// The text body, empty where the mail has none.
    pub text: String,
    /// Headers beyond the sender, recipient and subject.
    pub headers: BTreeMap<String, String>,
    /// SES's message tags, which no recipient sees.
    pub tags: BTreeMap<String, String>,
    /// The id that SES answered with. Recipients of one mail share it.
    pub message_id: String,
    /// When SES accepted the mail.
    pub sent_at: Timestamp,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("message_id", &self.message_id)
            .finish_non_exhaustive()
    }
}

/// All sent mails, in memory and, if it was [opened](Mailbox::open), in a file.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    mails: Vec<Arc<Mail>>,
    log: Option<Log>,
}

impl Mailbox {
    /// A mailbox that is gone when the process ends.
    pub fn memory() -> Self {
        Self::default()
    }

    /// A mailbox kept in `mail.jsonl` in `dir`, with everything it held before.
    ///
    /// A last line that a kill left half-written is dropped: its mail was never answered for.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let (log, mails) = Log::open(&dir.join("mail.jsonl"))?;
        let mails = mails.into_iter().map(Arc::new).collect();
        Ok(Self(Mutex::new(Shelf {
            mails,
            log: Some(log),
        })))
    }

    /// Keeps mails, all of them or, on an error, none.
    pub fn deliver(&self, mails: impl IntoIterator<Item = Mail>) -> io::Result<()> {
        let mails: Vec<Arc<Mail>> = mails.into_iter().map(Arc::new).collect();
        let mut kept = self.lock();
        if let Some(log) = &mut kept.log {
            log.append(&mails)?;
        }
        kept.mails.extend(mails);
        Ok(())
    }

    /// The mails to `to`, whatever the case of the address, or all; newest first.
    pub fn list(&self, to: Option<&str>) -> Vec<Arc<Mail>> {
        let is_to = |mail: &&Arc<Mail>| to.is_none_or(|to| mail.to.eq_ignore_ascii_case(to));
        self.lock()
            .mails
            .iter()
            .rev()
            .filter(is_to)
            .cloned()
            .collect()
    }

    /// The mail with this message id.
    pub fn find(&self, message_id: &str) -> Option<Arc<Mail>> {
        let kept = self.lock();
        let found = kept
            .mails
            .iter()
            .rfind(|mail| mail.message_id == message_id);
        found.cloned()
    }

    /// How many mails there are.
    pub fn count(&self) -> usize {
        self.lock().mails.len()
    }

    /// Throws all mails away.
    pub fn empty(&self) -> io::Result<()> {
        let mut kept = self.lock();
        if let Some(log) = &mut kept.log {
            log.empty()?;
        }
        kept.mails.clear();
        Ok(())
    }

    /// Up to `limit` mails whose recipient contains `search` and which arrived before the mail numbered `before`;
    /// newest first, each with its number. Numbers stay while mail arrives, so pages don't shift.
    fn page(&self, search: &str, before: Option<usize>, limit: usize) -> Vec<(usize, Arc<Mail>)> {
        let search = search.to_lowercase();
        let kept = self.lock();
        let end = before.unwrap_or(usize::MAX).min(kept.mails.len());
        let numbered = kept.mails[..end].iter().enumerate().rev();
        let found = numbered.filter(|(_, mail)| mail.to.to_lowercase().contains(&search));
        found
            .take(limit)
            .map(|(number, mail)| (number, Arc::clone(mail)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    pub(super) fn mail(number: usize) -> Mail {
        Mail {
            to: format!("user{number}@example.org"),
            from: "Usher <invitations@example.org>".into(),
            subject: format!("Invitation {number}"),
            html: format!(
                "<p>Hello <a href=\"https://app.example.org/accept#{number}\">accept</a></p>"
            ),
            text: format!("https://app.example.org/accept#{number}"),
            headers: BTreeMap::new(),
            tags: BTreeMap::from([("user".into(), number.to_string())]),
            message_id: format!("id-{number}"),
            sent_at: "2026-01-01T00:00:00.123Z".parse().unwrap(),
        }
    }

    fn subjects(mailbox: &Mailbox) -> Vec<String> {
        mailbox
            .list(None)
            .iter()
            .map(|mail| mail.subject.clone())
            .collect()
    }

    #[test]
    fn mails_are_listed_newest_first_and_by_address_whatever_its_case() {
        let mailbox = Mailbox::memory();
        mailbox.deliver((1..=3).map(mail)).unwrap();
        assert_eq!(
            subjects(&mailbox),
            ["Invitation 3", "Invitation 2", "Invitation 1"]
        );
        let found = mailbox.list(Some("USER2@example.org"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject, "Invitation 2");
        assert!(mailbox.list(Some("user")).is_empty());
    }

    #[test]
    fn a_reopened_mailbox_has_all_its_mail() {
        let dir = tempfile::tempdir().unwrap();
        Mailbox::open(dir.path())
            .unwrap()
            .deliver([mail(1), mail(2)])
            .unwrap();
        Mailbox::open(dir.path())
            .unwrap()
            .deliver([mail(3)])
            .unwrap();
        let mailbox = Mailbox::open(dir.path()).unwrap();
        assert_eq!(
            subjects(&mailbox),
            ["Invitation 3", "Invitation 2", "Invitation 1"]
        );
        assert!(*mailbox.list(None)[2] == mail(1));
    }

    #[test]
    fn a_half_written_last_mail_is_dropped_and_the_next_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.jsonl");
        Mailbox::open(dir.path())
            .unwrap()
            .deliver([mail(1), mail(2)])
            .unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 20]).unwrap();

        let mailbox = Mailbox::open(dir.path()).unwrap();
        mailbox.deliver([mail(3)]).unwrap();
        drop(mailbox);
        assert_eq!(
            subjects(&Mailbox::open(dir.path()).unwrap()),
            ["Invitation 3", "Invitation 1"]
        );
    }

    #[test]
    fn a_corrupt_line_in_the_middle_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.jsonl");
        Mailbox::open(dir.path())
            .unwrap()
            .deliver([mail(1)])
            .unwrap();
        let line = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{line}{{}}\n{line}")).unwrap();
        let error = Mailbox::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn an_emptied_mailbox_stays_empty() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::open(dir.path()).unwrap();
        mailbox.deliver([mail(1)]).unwrap();
        mailbox.empty().unwrap();
        mailbox.deliver([mail(2)]).unwrap();
        drop(mailbox);
        assert_eq!(
            subjects(&Mailbox::open(dir.path()).unwrap()),
            ["Invitation 2"]
        );
    }

    #[test]
    fn ten_thousand_mails_open_and_page_quickly() {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::open(dir.path()).unwrap();
        for call in 0..200 {
            let fat = |number| Mail {
                html: "x".repeat(6000),
                ..mail(number)
            };
            mailbox
                .deliver((call * 50..(call + 1) * 50).map(fat))
                .unwrap();
        }
        drop(mailbox);
        let mailbox = Mailbox::open(dir.path()).unwrap();
        let newest = mailbox.page("USER", None, 100);
        assert_eq!((newest.len(), newest[0].0, newest[99].0), (100, 9999, 9900));
        assert_eq!(mailbox.page("user", Some(9900), 100)[0].0, 9899);
        assert_eq!(mailbox.page("user77@", None, 100).len(), 1);
    }

    #[test]
    fn a_mail_prints_without_its_link() {
        let printed = format!("{:?}", mail(7));
        assert!(
            printed.contains("id-7") && !printed.contains("accept") && !printed.contains('@'),
            "{printed}"
        );
    }
}
