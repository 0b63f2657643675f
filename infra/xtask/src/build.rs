//! Builds the functions to where the template takes them from.

use std::{fs, io, path::PathBuf};

use clap::Args;
use serde_json::Value;

use crate::run::{Failed, cargo, root, say};

/// How to build.
#[derive(Args)]
pub(crate) struct Build {
    /// For x86-64 instead of arm64. Deploy it with the parameter `Architecture=x86_64`.
    #[arg(long, conflicts_with = "dev")]
    x86_64: bool,
    /// Quickly, not optimized, and for this machine only: for the deployment test.
    #[arg(long)]
    dev: bool,
}

impl Build {
    pub(crate) fn run(self) -> Result<(), Failed> {
        if self.dev {
            dev()
        } else {
            release(self.x86_64)
        }?;
        for name in functions()? {
            let size = fs::metadata(bootstrap(&name))
                .map_err(|error| unusable(&name, &error))?
                .len();
            // Precise enough: a function has some megabytes.
            say(&format!("{name:>8} {:>6} KB", size / 1000));
        }
        Ok(())
    }
}

/// Fails if a function is not built yet.
pub(crate) fn check_built() -> Result<(), Failed> {
    match functions()?
        .into_iter()
        .find(|name| !bootstrap(name).exists())
    {
        None => Ok(()),
        Some(name) => Err(Failed(format!(
            "the function {name} is not built; call cargo xtask build"
        ))),
    }
}

fn release(x86_64: bool) -> Result<(), Failed> {
    let functions = functions()?;
    let architecture = if x86_64 { "--x86-64" } else { "--arm64" };
    let mut arguments = vec!["lambda", "build", "--release", "--locked", architecture];
    arguments.extend(["--lambda-dir", "target/lambda"]);
    // Only the functions: the local stack would bring in features that they can do without.
    arguments.extend(functions.iter().flat_map(|name| ["--package", name]));
    cargo(&arguments).status()
}

/// Together with the tests, whose build has all that the functions need.
fn dev() -> Result<(), Failed> {
    cargo(&["build", "--locked", "--workspace", "--bins", "--tests"]).status()?;
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]).output("")?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| Failed(error.to_string()))?;
    let built = metadata["target_directory"].as_str().map(PathBuf::from);
    let built = built.ok_or_else(|| Failed("cargo does not say where it builds".to_owned()))?;
    for name in functions()? {
        let place = bootstrap(&name);
        let directory = place.parent().map_or_else(root, ToOwned::to_owned);
        fs::create_dir_all(directory)
            .and_then(|()| fs::copy(built.join("debug").join(&name), &place))
            .map_err(|error| unusable(&name, &error))?;
    }
    Ok(())
}

/// The functions' names: every folder of functions/ is one.
fn functions() -> Result<Vec<String>, Failed> {
    let names = fs::read_dir(root().join("functions")).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()
    });
    let mut names = names.map_err(|error| Failed(format!("functions/ can't be read: {error}")))?;
    names.sort_unstable();
    Ok(names)
}

fn bootstrap(function: &str) -> PathBuf {
    root()
        .join("target/lambda")
        .join(function)
        .join("bootstrap")
}

fn unusable(function: &str, error: &io::Error) -> Failed {
    Failed(format!("the function {function}: {error}"))
}
