//! The mailbox's file: one mail a line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use super::Mail;

#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Where the last whole line ends.
    len: u64,
}

impl Log {
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Mail>)> {
        let file = crate::files::private()
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)?;
        let (mails, len) = read(&file)?;
        let mut log = Self { file, len };
        log.cut()?;
        Ok((log, mails))
    }

    /// Adds mails without waiting for the disk: a crash of the process loses none, and one of the machine may.
    pub(super) fn append(&mut self, mails: &[Arc<Mail>]) -> io::Result<()> {
        let mut lines = Vec::new();
        for mail in mails {
            serde_json::to_writer(&mut lines, &**mail)?;
            lines.push(b'\n');
        }
        if let Err(error) = self.file.write_all(&lines) {
            // Without this the next mail would continue a half-written line.
            self.cut()?;
            return Err(error);
        }
        self.len += lines.len() as u64;
        Ok(())
    }

    pub(super) fn empty(&mut self) -> io::Result<()> {
        self.len = 0;
        self.cut()
    }

    /// Forgets what follows the last whole line.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(())
    }
}

/// The mails, and where the last whole one ends.
fn read(file: &File) -> io::Result<(Vec<Mail>, u64)> {
    let mut reader = BufReader::new(file);
    let (mut mails, mut len, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok((mails, len));
        }
        let mail = serde_json::from_slice(&line);
        let last = reader.fill_buf()?.is_empty();
        if last && (mail.is_err() || !line.ends_with(b"\n")) {
            return Ok((mails, len));
        }
        mails.push(mail.map_err(|error| {
            let message = format!(
                "line {} of the mailbox is not a mail: {error}",
                mails.len() + 1
            );
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?);
        len += read as u64;
    }
}
