//! The environments of infra/samconfig.toml, and what a deployment of one needs.

use std::{fmt, fs, str::FromStr};

use toml::{Table, Value};

use crate::run::{Failed, root};

/// What functions are built for, by the names of the template's parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// The template's default.
    #[default]
    Arm64,
    X86_64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

/// A table of samconfig.toml.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) name: String,
    /// The parameters that it sets, each as `Name=value`.
    parameters: Vec<String>,
}

impl Environment {
    /// The environment of this name. SAM would take any name, and deploy without what the file says.
    pub(crate) fn named(name: &str) -> Result<Self, Failed> {
        let path = root().join("infra/samconfig.toml");
        let text = fs::read_to_string(&path)
            .map_err(|error| Failed(format!("{} can't be read: {error}", path.display())))?;
        Self::of(&text, name)
    }

    fn of(samconfig: &str, name: &str) -> Result<Self, Failed> {
        let file = Table::from_str(samconfig)
            .map_err(|error| Failed(format!("infra/samconfig.toml: {error}")))?;
        let Some(Value::Table(environment)) = file.get(name) else {
            let known = file.iter().filter(|(_, value)| value.is_table());
            let known: Vec<_> = known.map(|(name, _)| name.as_str()).collect();
            return Err(Failed(format!(
                "infra/samconfig.toml has no environment {name}; it has {}",
                known.join(", ")
            )));
        };
        let overrides = environment
            .get("deploy")
            .and_then(|deploy| deploy.get("parameters")?.get("parameter_overrides"));
        let parameters = match overrides {
            Some(Value::Array(entries)) => entries
                .iter()
                .filter_map(|entry| entry.as_str().map(ToOwned::to_owned))
                .collect(),
            Some(Value::String(line)) => words([line]),
            _ => Vec::new(),
        };
        Ok(Self {
            name: name.to_owned(),
            parameters,
        })
    }

    /// What functions have to be built for, if `more` is handed on to `sam deploy`, where parameters replace the file's.
    pub(crate) fn architecture(&self, more: &[String]) -> Architecture {
        let given = more
            .iter()
            .position(|argument| argument.starts_with("--parameter-overrides"))
            .map(|position| words(&more[position..]));
        given
            .as_ref()
            .unwrap_or(&self.parameters)
            .iter()
            .find_map(|parameter| parameter.split_once("Architecture=")?.1.parse().ok())
            .unwrap_or_default()
    }
}

impl FromStr for Architecture {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name.trim_matches(['"', '\'']) {
            "arm64" => Ok(Self::Arm64),
            "x86_64" => Ok(Self::X86_64),
            _ => Err(()),
        }
    }
}

fn words<'a>(lines: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let words = lines.into_iter().flat_map(|line| line.split_whitespace());
    words.map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        Architecture::{Arm64, X86_64},
        *,
    };

    #[test]
    fn a_name_that_the_file_does_not_have_is_refused_with_those_it_has() {
        let file = "version = 0.1\n[dev.global.parameters]\n[prod.global.parameters]";
        assert_eq!(
            Environment::of(file, "pord").unwrap_err().0,
            "infra/samconfig.toml has no environment pord; it has dev, prod"
        );
        assert_eq!(Environment::of(file, "prod").unwrap().name, "prod");
        assert!(Environment::of(file, "version").is_err());
    }

    #[test]
    fn the_architecture_is_the_command_lines_or_the_files_or_the_templates() {
        let architecture = |overrides: &str, more: &[&str]| {
            let file = format!("[dev.deploy.parameters]\nparameter_overrides = {overrides}");
            let more: Vec<_> = more.iter().map(ToString::to_string).collect();
            Environment::of(&file, "dev").unwrap().architecture(&more)
        };
        assert_eq!(architecture("[]", &[]), Arm64);
        assert_eq!(
            architecture("['A=\"b c\"', 'Architecture=x86_64']", &[]),
            X86_64
        );
        assert_eq!(
            architecture("'LogLevel=debug Architecture=\"x86_64\"'", &[]),
            X86_64
        );
        let replaced = ["--parameter-overrides", "LogLevel=debug"];
        assert_eq!(architecture("['Architecture=x86_64']", &replaced), Arm64);
        let said = [
            "--no-confirm-changeset",
            "--parameter-overrides=LogLevel=debug Architecture=x86_64",
        ];
        assert_eq!(architecture("[]", &said), X86_64);
    }
}
