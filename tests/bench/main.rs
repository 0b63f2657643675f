//! What Usher costs, as one command prints it: how soon a function starts, what each operation asks of AWS, what a large
//! request takes, and how lists grow. Every figure stands beside its goal.
//!
//! The functions that are measured are release builds, run as Lambda runs them: as processes that ask a Runtime API for
//! events. Tables are `dynoxide`'s, in this process, behind a proxy that counts. The README says how to read the result.

mod bulk;
mod cloud;
mod cost;
mod count;
mod engine;
mod journey;
mod list;
mod operations;
mod people;
mod prices;
mod program;
mod report;
mod runtime_api;
mod scene;
mod secured;
mod services;
mod start;
mod tls;
mod variables;
mod warm;

use std::{
    cell::RefCell,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, ValueEnum};

use report::{Figure, Limits, Trouble};

/// Measures what Usher costs.
#[derive(Parser)]
struct Arguments {
    /// Only these sections, separated by commas; all if none is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Section>,
    /// Fewer repetitions and smaller tables, to see whether all is well; the goals of time and growth mean nothing then.
    #[arg(long)]
    quick: bool,
    /// Where the functions are built already; else they are built first.
    #[arg(long, value_name = "DIR")]
    functions: Option<PathBuf>,
    /// Writes the figures to a file, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fails where a figure is over its limit in this file.
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// Writes the limits that follow from what was measured into this file, in place of those of the same sections.
    #[arg(long, value_name = "FILE")]
    set_limits: Option<PathBuf>,
    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Start,
    Tls,
    Operations,
    Bulk,
    List,
    Warm,
}

/// What every section works with.
pub(crate) struct Bench {
    functions: PathBuf,
    pub(crate) quick: bool,
    /// What could not be measured, and what a figure alone does not say.
    gaps: RefCell<Vec<String>>,
    notes: RefCell<Vec<String>>,
}

impl Bench {
    /// The names of all functions, sorted: every package in `functions/` is one.
    pub(crate) fn names() -> Result<Vec<String>, Trouble> {
        let folder = root().join("functions");
        let entries = fs::read_dir(&folder)
            .map_err(|error| Trouble::new(format!("{}: {error}", folder.display()), RUN_HERE))?;
        let mut names: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join("Cargo.toml").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// A function's program.
    pub(crate) fn program(&self, function: &str) -> Result<PathBuf, Trouble> {
        let program = self.functions.join(function);
        if program.is_file() {
            return Ok(program);
        }
        let what = format!("there is no {}", program.display());
        Err(Trouble::new(
            what,
            "leave --functions out to have the functions built",
        ))
    }

    /// Says that something could not be measured here, and why. The others are measured all the same.
    pub(crate) fn gap(&self, what: impl Into<String>) {
        self.gaps.borrow_mut().push(what.into());
    }

    /// Says what stands behind the figures, under their table.
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.notes.borrow_mut().push(line.into());
    }
}

const RUN_HERE: &str = "run the bench with cargo, in a clone of the repository";

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A line of progress, for the person.
#[expect(clippy::print_stderr, reason = "this is a program for the terminal")]
pub(crate) fn progress(line: &str) {
    eprintln!("{line}");
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(|error| Trouble::new(error.to_string(), "close other programs"))
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            progress(&trouble.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Answers whether everything was measured and is within its limit.
async fn run(arguments: &Arguments) -> Result<bool, Trouble> {
    // Cargo runs benches in their package's folder; people call cargo in the repository's root.
    let place = |path: &PathBuf| root().join(path);
    let limits = arguments
        .limits
        .as_ref()
        .map(|file| Limits::read(&place(file)))
        .transpose()?;
    let bench = Bench {
        functions: match &arguments.functions {
            Some(folder) => place(folder),
            None => build()?,
        },
        quick: arguments.quick,
        gaps: RefCell::default(),
        notes: RefCell::default(),
    };
    let wanted = |section: &&Section| arguments.only.is_empty() || arguments.only.contains(section);
    let sections: Vec<_> = Section::value_variants().iter().filter(wanted).collect();
    let mut all: Vec<Figure> = Vec::new();
    for section in &sections {
        let name = format!("{section:?}").to_lowercase();
        progress(&format!("measuring: {name}"));
        match section.measure(&bench).await {
            Ok(figures) => {
                print(&report::table(&name, &figures))?;
                for note in bench.notes.take() {
                    print(&format!("  {note}\n"))?;
                }
                all.extend(figures);
            }
            Err(trouble) => bench.gap(format!("{name}: {trouble}")),
        }
    }
    print(&report::goals(&all))?;
    let gaps = bench.gaps.take();
    for gap in &gaps {
        print(&format!("NOT MEASURED: {gap}\n"))?;
    }
    let names: Vec<_> = sections
        .iter()
        .map(|section| format!("{section:?}").to_lowercase())
        .collect();
    let mut within = true;
    for over in limits
        .map(|limits| limits.check(&names, &all))
        .unwrap_or_default()
    {
        within = false;
        print(&format!("OVER ITS LIMIT: {over}\n"))?;
    }
    if let Some(file) = &arguments.json {
        report::write_json(&place(file), &all)?;
    }
    if let Some(file) = &arguments.set_limits {
        Limits::set(&place(file), &names, &all)?;
    }
    Ok(within && gaps.is_empty())
}

impl Section {
    async fn measure(self, bench: &Bench) -> Result<Vec<Figure>, Trouble> {
        match self {
            Self::Start => Box::pin(start::measure(bench)).await,
            Self::Tls => Box::pin(tls::measure(bench)).await,
            Self::Operations => Box::pin(operations::measure(bench)).await,
            Self::Bulk => Box::pin(bulk::measure(bench)).await,
            Self::List => Box::pin(list::measure(bench)).await,
            Self::Warm => Box::pin(warm::measure(bench)).await,
        }
    }
}

/// Builds the functions as they are deployed, but for this machine. Answers where they are.
fn build() -> Result<PathBuf, Trouble> {
    let names = Bench::names()?;
    progress("building the functions (the first time takes some minutes)");
    let packages = names.iter().flat_map(|name| ["--package", name]);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .args(["build", "--release", "--locked"])
        .args(packages);
    let status = cargo
        .status()
        .map_err(|error| Trouble::new(format!("cargo: {error}"), RUN_HERE))?;
    if !status.success() {
        return Err(Trouble::new(
            "the functions can't be built",
            "see cargo's words above",
        ));
    }
    Ok(target().join("release"))
}

/// Cargo's target directory: this program stands in it, in `release/deps` or `debug/deps`.
fn target() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    let target = here.ancestors().nth(3).map(Path::to_owned);
    target.unwrap_or_else(|| root().join("target"))
}

fn print(text: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            Trouble::new(
                format!("the result can't be printed: {error}"),
                "print it to a file",
            )
        })
}
