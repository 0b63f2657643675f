//! Not yet.

use crate::{
    Bench,
    report::{Figure, Trouble},
};

pub(crate) async fn measure(_: &Bench) -> Result<Vec<Figure>, Trouble> {
    Ok(Vec::new())
}
