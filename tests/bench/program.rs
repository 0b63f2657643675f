//! A function as Lambda runs it: a process of its own, with the variables of the template, which asks a Runtime API for
//! events. That API is here, so that what is measured is the function and nothing around it.

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::{
        mpsc::{UnboundedReceiver, unbounded_channel},
        oneshot,
    },
    task::JoinSet,
};

use crate::{
    cloud::no_socket,
    report::Trouble,
    runtime_api::{self, Event, LONGEST, Told},
    variables,
};

/// A function's process, which waits for its next event. Dropped, it is killed.
pub(crate) struct Function {
    name: String,
    child: Child,
    log: Log,
    told: UnboundedReceiver<Told>,
    next: oneshot::Sender<Event>,
    started_in: Duration,
    invocations: u64,
    /// The Runtime API, and who reads the log.
    _tasks: JoinSet<()>,
}

/// What a function made of an event.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// What it answered.
    pub(crate) answer: Value,
    /// From the event's departure to the answer's arrival.
    pub(crate) took: Duration,
    /// From the event's departure to when the function could take the next.
    pub(crate) cycle: Duration,
}

/// A process's memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: u64,
    /// The most so far, or since [`Function::forget_peak`].
    pub(crate) peak: u64,
}

/// The lines that a function has logged, as far as they may matter.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    last: Vec<String>,
    /// Of all lines, with their ends.
    bytes: usize,
}

impl Function {
    /// Starts the function, with these variables over those of the template, and waits until it asks for an event.
    pub(crate) async fn start(
        program: &Path,
        variables: &[(&str, String)],
    ) -> Result<Self, Trouble> {
        Self::start_under(&[], program, variables).await
    }

    /// The same under another program: `valgrind`, `taskset`.
    pub(crate) async fn start_under(
        runner: &[&str],
        program: &Path,
        own: &[(&str, String)],
    ) -> Result<Self, Trouble> {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| no_socket(&error))?;
        let api = listener
            .local_addr()
            .map_err(|error| no_socket(&error))?
            .to_string();
        let (tell, mut told) = unbounded_channel();
        let mut tasks = JoinSet::new();
        // It ends with the function.
        tasks.spawn(async { drop(axum::serve(listener, runtime_api::router(tell)).await) });

        let mut words = runner.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(variables::LAMBDA)
            .envs(variables::of_template(&name)?)
            .env("AWS_LAMBDA_FUNCTION_NAME", &*name)
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .envs(own.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().map_err(|error| {
            Trouble::new(
                format!("{} can't be started: {error}", program.display()),
                "build it for this machine",
            )
        })?;
        let log = Log::default();
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            tasks.spawn(log.clone().read(out));
            tasks.spawn(log.clone().read(err));
        }
        let (at, next) = match hear(&name, &mut child, &mut told, &log).await? {
            Told::Next(at, next) => (at, next),
            Told::Failure(why) => return Err(log.trouble(&name, &format!("can't start ({why})"))),
            Told::Answer(..) => return Err(log.trouble(&name, "answered before it was asked")),
        };
        Ok(Self {
            name: name.into_owned(),
            child,
            log,
            told,
            next,
            started_in: at.duration_since(began),
            invocations: 0,
            _tasks: tasks,
        })
    }

    /// From exec to the first `/next`.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Has the function handle an event, and waits until it asks for another.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Invocation, Trouble> {
        self.invocations += 1;
        let event = Event {
            id: self.invocations,
            body: event.to_string().into_bytes(),
        };
        // What comes instead is never used: without a next event, nothing more is asked of this function.
        let next = std::mem::replace(&mut self.next, oneshot::channel().0);
        let began = Instant::now();
        if next.send(event).is_err() {
            return Err(self.log.trouble(&self.name, "no longer waits for events"));
        }
        let (at, body) = match self.hear().await? {
            Told::Answer(at, body) => (at, body),
            Told::Failure(why) => {
                let what = format!("failed at an event ({why})");
                return Err(self.log.trouble(&self.name, &what));
            }
            Told::Next(..) => return Err(self.log.trouble(&self.name, "left an event unanswered")),
        };
        let Told::Next(ready, next) = self.hear().await? else {
            return Err(self.log.trouble(&self.name, "answered twice"));
        };
        self.next = next;
        let answer = serde_json::from_slice(&body).map_err(|error| {
            self.log
                .trouble(&self.name, &format!("answered no JSON ({error})"))
        })?;
        Ok(Invocation {
            answer,
            took: at.duration_since(began),
            cycle: ready.duration_since(began),
        })
    }

    /// Keeps the process to this processor.
    pub(crate) async fn pin(&self, processor: usize) -> Result<(), Trouble> {
        let id = self.child.id().unwrap_or_default().to_string();
        let mut taskset = Command::new("taskset");
        taskset.args([
            "--all-tasks",
            "--cpu-list",
            "--pid",
            &processor.to_string(),
            &id,
        ]);
        match taskset.stdout(Stdio::null()).status().await {
            Ok(status) if status.success() => Ok(()),
            _ => Err(Trouble::new(
                "a function can't be kept to one processor",
                "install taskset, which is part of util-linux",
            )),
        }
    }

    /// The memory of the process.
    pub(crate) fn memory(&self) -> Result<Memory, Trouble> {
        let status = self.of_process("status")?;
        let kilobytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        };
        match (kilobytes("VmRSS:"), kilobytes("VmHWM:")) {
            (Some(resident), Some(peak)) => Ok(Memory {
                resident: resident * 1024,
                peak: peak * 1024,
            }),
            _ => Err(no_proc("status has no VmRSS or no VmHWM")),
        }
    }

    /// Lets the next peak of memory begin at what is used now.
    pub(crate) fn forget_peak(&self) -> Result<(), Trouble> {
        fs::write(self.proc("clear_refs"), "5").map_err(|error| no_proc(&error.to_string()))
    }

    /// How long the process has used a processor, in user and in system mode.
    pub(crate) fn cpu(&self) -> Result<Duration, Trouble> {
        let tasks = fs::read_dir(self.proc("task")).map_err(|error| no_proc(&error.to_string()))?;
        let mut nanoseconds = 0;
        for task in tasks.filter_map(Result::ok) {
            // A thread that has just ended has no file any more.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let time = text.split_whitespace().next();
            nanoseconds += time
                .and_then(|time| time.parse::<u64>().ok())
                .ok_or_else(|| no_proc("schedstat has no time"))?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Ends the process at once, and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Result<(), Trouble> {
        let killed = self.child.kill().await;
        killed.map_err(|_| self.log.trouble(&self.name, "does not end"))
    }

    /// How many bytes the function has logged.
    pub(crate) fn logged(&self) -> usize {
        let log = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.bytes
    }

    /// Ends the process, and waits until it is gone. Told to terminate, `valgrind` writes down what it has counted.
    pub(crate) async fn terminate(mut self) -> Result<(), Trouble> {
        let id = self.child.id().unwrap_or_default().to_string();
        let ended = Command::new("sh")
            .args(["-c", "kill -TERM \"$1\"", "sh", &id])
            .status()
            .await;
        ended.map_err(|error| no_proc(&error.to_string()))?;
        match tokio::time::timeout(LONGEST, self.child.wait()).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(self.log.trouble(&self.name, "does not end")),
        }
    }

    async fn hear(&mut self) -> Result<Told, Trouble> {
        hear(&self.name, &mut self.child, &mut self.told, &self.log).await
    }

    fn of_process(&self, file: &str) -> Result<String, Trouble> {
        fs::read_to_string(self.proc(file)).map_err(|error| no_proc(&error.to_string()))
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id().unwrap_or_default())
    }
}

/// What the function tells next, unless it ends or is silent for too long.
async fn hear(
    name: &str,
    child: &mut Child,
    told: &mut UnboundedReceiver<Told>,
    log: &Log,
) -> Result<Told, Trouble> {
    tokio::select! {
        biased;
        told = told.recv() => match told {
            Some(told) => Ok(told),
            None => Err(log.trouble(name, "has lost its Runtime API")),
        },
        status = child.wait() => {
            // Whoever reads the log may not have come to its end yet.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(log.trouble(name, &format!("has ended ({how})")))
        }
        () = tokio::time::sleep(LONGEST) => Err(log.trouble(name, "does not answer")),
    }
}

impl Log {
    async fn read(self, from: impl AsyncRead + Unpin) {
        const KEPT: usize = 50;
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            log.bytes += line.len() + 1;
            if log.last.len() == KEPT {
                log.last.remove(0);
            }
            log.last.push(line);
        }
    }

    /// What is wrong with the function, with its own words: the last error, or else the last line.
    fn trouble(&self, name: &str, what: &str) -> Trouble {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let error = log
            .last
            .iter()
            .rev()
            .find(|line| line.contains("\"ERROR\""));
        let line = error.or(log.last.last()).map_or("nothing", String::as_str);
        Trouble::new(
            format!("the function {name} {what}"),
            format!("it logged: {line}"),
        )
    }
}

fn no_proc(error: &str) -> Trouble {
    Trouble::new(
        format!("the system does not say what a process uses: {error}"),
        "run the bench on Linux with /proc",
    )
}
