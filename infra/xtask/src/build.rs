//! Builds the functions to where the template takes them from.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::Value;

use crate::{
    environment::Architecture,
    run::{Failed, cargo, cargo_lambda, root, say},
};

/// Where the template takes the functions from.
const RELEASE: &str = "target/lambda";
/// Where the deployment test takes them from: what is not optimized must not be deployed by mistake.
const DEV: &str = "target/lambda-dev";

/// How to build.
#[derive(Args)]
pub(crate) struct Build {
    /// For x86-64 instead of arm64. Deploy it with the parameter `Architecture=x86_64`.
    #[arg(long, conflicts_with = "dev")]
    x86_64: bool,
    /// Quickly, not optimized, and for this machine only: into target/lambda-dev, for the deployment test.
    #[arg(long)]
    dev: bool,
}

impl Build {
    pub(crate) fn run(self) -> Result<(), Failed> {
        let names = functions()?;
        let place = if self.dev {
            dev(&names)?;
            DEV
        } else {
            release(&names, self.x86_64)?;
            RELEASE
        };
        for name in names {
            let built = fs::metadata(bootstrap(place, &name));
            let size = built.map_err(|error| unusable(&name, &error))?.len();
            // Precise enough: a function has some megabytes.
            say(&format!("{name:>8} {:>6} KB, unzipped", size / 1000));
        }
        Ok(())
    }
}

/// Fails unless every function is built for this architecture. Lambda would notice no sooner than at the first call.
pub(crate) fn check_built(wanted: Architecture) -> Result<(), Failed> {
    for name in functions()? {
        match machine(&bootstrap(RELEASE, &name)) {
            Ok(built) if built == wanted => {}
            Ok(built) => {
                return Err(Failed(format!(
                    "the function {name} is built for {built}, but would be deployed for {wanted}; call {}, or change the parameter Architecture",
                    command(wanted)
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failed(format!(
                    "the function {name} is not built; call {}",
                    command(wanted)
                )));
            }
            Err(error) => return Err(unusable(&name, &error)),
        }
    }
    Ok(())
}

fn command(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Arm64 => "cargo xtask build",
        Architecture::X86_64 => "cargo xtask build --x86-64",
    }
}

/// What a program was built for, which stands in its bytes 18 and 19:
/// <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>.
fn machine(program: &Path) -> io::Result<Architecture> {
    let mut header = [0; 20];
    File::open(program)?.read_exact(&mut header)?;
    match header {
        [0x7f, b'E', b'L', b'F', .., 0xb7, 0] => Ok(Architecture::Arm64),
        [0x7f, b'E', b'L', b'F', .., 0x3e, 0] => Ok(Architecture::X86_64),
        _ => Err(io::Error::other("it is no program for Lambda")),
    }
}

fn release(functions: &[String], x86_64: bool) -> Result<(), Failed> {
    let architecture = if x86_64 { "--x86-64" } else { "--arm64" };
    let mut arguments = vec!["build", "--release", "--locked", architecture];
    arguments.extend(["--lambda-dir", RELEASE]);
    // Only the functions: the local stack would bring in features that they can do without.
    arguments.extend(functions.iter().flat_map(|name| ["--package", name]));
    cargo_lambda(&arguments)?.status()
}

/// Together with the tests, whose build has all that the functions need.
fn dev(functions: &[String]) -> Result<(), Failed> {
    cargo(&["build", "--locked", "--workspace", "--bins", "--tests"]).status()?;
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]).output("")?;
    let metadata: Value =
        serde_json::from_str(&metadata).map_err(|error| Failed(error.to_string()))?;
    let built = metadata["target_directory"].as_str().map(PathBuf::from);
    let built = built.ok_or_else(|| Failed("cargo does not say where it builds".to_owned()))?;
    for name in functions {
        let place = bootstrap(DEV, name);
        let directory = place.parent().map_or_else(root, ToOwned::to_owned);
        fs::create_dir_all(directory)
            .and_then(|()| fs::copy(built.join("debug").join(name), &place))
            .map_err(|error| unusable(name, &error))?;
    }
    Ok(())
}

/// The functions' names: every package in functions/ is one.
fn functions() -> Result<Vec<String>, Failed> {
    let mut names = Vec::new();
    let unreadable = |error: io::Error| Failed(format!("functions/ can't be read: {error}"));
    for entry in fs::read_dir(root().join("functions")).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn bootstrap(place: &str, function: &str) -> PathBuf {
    root().join(place).join(function).join("bootstrap")
}

fn unusable(function: &str, error: &io::Error) -> Failed {
    Failed(format!("the function {function}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_what_it_was_built_for() {
        let this = std::env::current_exe().unwrap();
        let here = match std::env::consts::ARCH {
            "aarch64" => Architecture::Arm64,
            _ => Architecture::X86_64,
        };
        assert_eq!(
            machine(&this).ok(),
            (std::env::consts::OS == "linux").then_some(here)
        );
        assert!(machine(&root().join("README.md")).is_err());
        let absent = machine(&root().join("bootstrap")).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }
}
