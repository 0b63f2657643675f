//! How soon a function is ready: from exec to the first `/next`, beside a program that does nothing else; what it costs in
//! instructions, whose number hardly changes from run to run; and how large it is, as a file and in memory.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use flate2::{Compression, write::DeflateEncoder};
use tokio::process::Command;

use crate::{
    Bench,
    cloud::Cloud,
    program::Function,
    progress,
    report::{Figure, Trouble, Unit},
};

const SECTION: &str = "start";
/// What stands in the table beside the functions: a program that only connects and asks.
const BARE: &str = "(bare)";

/// A program that is started again and again.
struct Started {
    name: String,
    program: PathBuf,
    took: Vec<Duration>,
    resident: u64,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let cloud = Cloud::start().await?;
    let bare = PathBuf::from(env!("CARGO_BIN_EXE_bare"));
    let mut programs = vec![Started::new(BARE, bare)];
    for name in Bench::names()? {
        let program = bench.program(&name)?;
        programs.push(Started::new(&name, program));
    }
    let rounds = if bench.quick { 10 } else { 100 };
    progress(&format!("  {rounds} starts of each function, in turn"));
    for _ in 0..rounds {
        for program in &mut programs {
            let function = Function::start(&program.program, &cloud.variables()).await?;
            program.took.push(function.started_in());
            program.resident = function.memory()?.resident;
            function.kill().await?;
        }
    }
    let instructions = if has_valgrind().await {
        count_instructions(&programs, &cloud).await?
    } else {
        bench.note("instructions are not measured: valgrind is absent");
        BTreeMap::new()
    };
    let mut figures = Vec::new();
    let floor = percentile(&mut programs[0].took, 0.5);
    for program in &mut programs {
        figures.extend(program.figures(floor, &instructions)?);
    }
    Ok(figures)
}

impl Started {
    fn new(name: &str, program: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program,
            took: Vec::new(),
            resident: 0,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes and counts are far below 2^52"
    )]
    fn figures(
        &mut self,
        floor: Duration,
        instructions: &BTreeMap<String, u64>,
    ) -> Result<Vec<Figure>, Trouble> {
        let p50 = percentile(&mut self.took, 0.5);
        let p99 = percentile(&mut self.took, 0.99);
        let figure = |name, value, unit| Figure::new(SECTION, &self.name, name, value, unit);
        let mut figures = vec![
            figure("p50", millis(p50), Unit::Milliseconds),
            figure("p99", millis(p99), Unit::Milliseconds),
        ];
        let counted = instructions.get(&self.name).map(|count| *count as f64);
        let counted = counted.map(|count| figure("instructions", count, Unit::Instructions));
        let resident = figure("idle memory", self.resident as f64, Unit::Memory);
        // It is built with the bench and as the bench, so its size says nothing.
        if self.name == BARE {
            figures.extend(counted);
            figures.push(resident);
            return Ok(figures);
        }
        let times = p50.as_secs_f64() / floor.as_secs_f64();
        figures.push(figure("p50 to bare", times, Unit::Times).at_most(3.0));
        figures.extend(counted.map(|figure| figure.at_most(2.5e6)));
        let (binary, zip) = sizes(&self.program)?;
        figures.push(figure("binary", binary as f64, Unit::Bytes));
        figures.push(figure("zip", zip as f64, Unit::Bytes).at_most(2.8e6));
        figures.push(resident.at_most(8e6));
        Ok(figures)
    }
}

/// What so many of the times are at most: the median for 0.5. None of none is zero.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of a length is a place"
    )]
    let place = (times.len() as f64 * share).ceil() as usize;
    let place = place.saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Of the file, and of a zip with nothing else in it, as Lambda gets it.
fn sizes(program: &Path) -> Result<(usize, usize), Trouble> {
    /// The local header, the directory's entry and its end, with the name `bootstrap` in the first two:
    /// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
    const AROUND: usize = 30 + 46 + 22 + 2 * "bootstrap".len();
    let unreadable = |error| Trouble::new(format!("{}: {error}", program.display()), "build it");
    let binary = fs::read(program).map_err(unreadable)?;
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(&binary).map_err(unreadable)?;
    let deflated = deflated.finish().map_err(unreadable)?;
    Ok((binary.len(), deflated.len() + AROUND))
}

async fn has_valgrind() -> bool {
    let mut valgrind = Command::new("valgrind");
    let asked = valgrind.arg("--version").stdout(Stdio::null()).status();
    asked.await.is_ok_and(|status| status.success())
}

/// From exec to the first `/next`: the system's loader and the program, not the kernel.
async fn count_instructions(
    programs: &[Started],
    cloud: &Cloud,
) -> Result<BTreeMap<String, u64>, Trouble> {
    let folder = tempfile::tempdir()
        .map_err(|error| Trouble::new(format!("no directory: {error}"), "free some space"))?;
    let mut counts = BTreeMap::new();
    for Started { name, program, .. } in programs {
        progress(&format!("  instructions of {name}"));
        let file = folder.path().join("counts");
        let to_file = format!("--callgrind-out-file={}", file.display());
        let valgrind = ["valgrind", "--tool=callgrind", &to_file];
        let function = Function::start_under(&valgrind, program, &cloud.variables()).await?;
        function.terminate().await?;
        let counted = fs::read_to_string(&file).unwrap_or_default();
        let count = counted
            .lines()
            .find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok());
        let count = count.ok_or_else(|| {
            let what = format!("valgrind has counted nothing of {name}");
            Trouble::new(what, "run it by hand: valgrind --tool=callgrind")
        })?;
        counts.insert(name.clone(), count);
    }
    Ok(counts)
}
