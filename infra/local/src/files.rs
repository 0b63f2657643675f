//! What the stack keeps in its data directory, so that a restart finds everything.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use usher::clock::Clock;

const CLOCK: &str = "clock-ahead-seconds";

/// A directory that this process alone uses.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held as long as the process lives: the lock goes with it, even with `kill -9`.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be. Fails with `WouldBlock` if another process uses it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut directory = DirBuilder::new();
        directory.recursive(true);
        // It will hold keys, addresses, and mails with live links.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
        directory.create(path)?;
        let lock = File::create(path.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The secret in this file; made at first and readable by its owner only.
    pub(crate) fn secret(
        &self,
        name: &str,
        make: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Vec<u8>> {
        match fs::read(self.file(name)) {
            Ok(secret) => Ok(secret),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = make()?;
                self.replace(name, &secret)?;
                Ok(secret)
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces the file at once: a process that dies in the middle leaves the old one.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let new = self.file(&format!("{name}.new"));
        private()
            .write(true)
            .truncate(true)
            .open(&new)?
            .write_all(content)?;
        fs::rename(new, self.file(name))
    }

    /// Notes how far the stack's clock was moved: what is kept carries its time, so after a restart it has to go on.
    pub(crate) fn keep_clock(&self, clock: &Clock) -> io::Result<()> {
        self.replace(CLOCK, clock.ahead().as_secs().to_string().as_bytes())
    }

    /// Moves the clock to where it was.
    pub(crate) fn restore_clock(&self, clock: &Clock) {
        let kept = fs::read_to_string(self.file(CLOCK)).ok();
        if let Some(seconds) = kept.and_then(|kept| kept.trim().parse().ok()) {
            clock.advance(SignedDuration::from_secs(seconds));
        }
    }

    /// Adds a line to the file.
    pub(crate) fn append(&self, name: &str, line: &str) -> io::Result<()> {
        let mut file = private().append(true).open(self.file(name))?;
        writeln!(file, "{line}")
    }
}

/// Opens files so that a new one is readable by its owner only.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
