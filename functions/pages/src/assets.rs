//! What the pages load: styles, modules and texts, compiled in and compressed when the function was built.
//!
//! All of it stands below one hash over all of it. So modules can name each other as they lie in the folder, a browser never
//! has to ask whether anything has changed, and no page ever runs with a module of another version.

use std::io::{self, Read};

use flate2::read::GzDecoder;

/// One file.
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) gzip: &'static [u8],
}

impl Asset {
    /// What is compressed in it, for the few who can't take it so: a second copy in the program would be half of its zip.
    pub(crate) fn plain(&self) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(self.gzip).read_to_end(&mut plain)?;
        Ok(plain)
    }
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where all files of this build are.
pub(crate) fn root() -> String {
    format!("/assets/{VERSION}")
}

/// The file of this name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Whether the path's version is this build's.
pub(crate) fn is_current(version: &str) -> bool {
    version == VERSION
}

/// What documents say in each language, by the names under which they have it.
pub(crate) fn documents() -> &'static [(&'static str, [(&'static str, &'static str); 6])] {
    DOCUMENTS
}

/// All files.
#[cfg(test)]
pub(crate) fn all() -> &'static [Asset] {
    &ASSETS
}
