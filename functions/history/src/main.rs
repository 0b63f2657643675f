//! The Lambda function `history`: see the library beside it.

use std::process::ExitCode;

use history::{Chronicler, handle};
use usher::{
    config::Environment,
    function::{WarmUp, run_events},
    table_stream::read_event,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let start = async {
        let chronicler = Chronicler::new(&Environment::process())?;
        chronicler.warm_up().await?;
        Ok(chronicler)
    };
    let writes = run_events(start, async |chronicler, event| {
        Ok(handle(chronicler, read_event(event.payload.get())?).await)
    });
    Box::pin(writes).await
}
