//! Puts the pieces together, and takes them apart again.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use dynoxide::Database;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use usher::{
    aws,
    clock::{Clock, Entropy},
    config::Environment,
    store::Store,
};

use crate::{
    TABLE,
    bus::Bus,
    database,
    files::DataDir,
    gateway::{self, Gateway},
    invoker::Invoker,
    issuer,
    mailbox::{self, Mailbox},
    options::{Options, StartError},
    pump::{Consumer, Pump},
    schedule,
    ses::{CONFIGURATION_SET, SENDER, Ses},
    sign_in::SignIn,
    tools::{self, TokenRequest},
};

/// A running stack. Stops when it is told to, or at once when it is dropped.
pub struct Stack {
    /// The gateway's address, without a slash at its end.
    pub url: String,
    /// The stack's clock.
    pub clock: Clock,
    /// The mails that SES delivered.
    pub mailbox: Arc<Mailbox>,
    /// SES itself.
    pub ses: Arc<Ses>,
    /// The table.
    pub store: Store,
    /// The variables that the functions run with.
    pub variables: Vec<(String, String)>,
    sign_in: Arc<SignIn>,
    invoker: Invoker,
    /// How often each reader of the stream has found it empty.
    idle: [watch::Receiver<u64>; 2],
    /// How many of SES's events were taken in.
    reported: watch::Receiver<usize>,
    /// Stops the gateway and the pump.
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Stops what those two work with: the database and SES.
    stop_services: watch::Sender<bool>,
    services: JoinSet<()>,
}

impl Stack {
    /// Starts everything, and answers once requests can be made.
    pub async fn start(mut options: Options) -> Result<Self, StartError> {
        let database_socket = options.database.take();
        let Options { clock, entropy, .. } = &options;
        let data = options
            .data
            .as_ref()
            .map(|path| open_data(path))
            .transpose()?
            .map(Arc::new);
        if let Some(data) = &data {
            data.restore_clock(clock);
        }
        let gateway_listener = listen(options.port).await?;
        let database_listener = match database_socket {
            Some(socket) => from_std(socket)?,
            None => listen(options.services_port).await?,
        };
        let ses_listener = listen(if options.services_port == 0 {
            0
        } else {
            options.services_port + 1
        })
        .await?;
        let url = format!("http://localhost:{}", port(&gateway_listener)?);
        let (database_url, ses_url) = (local_url(&database_listener)?, local_url(&ses_listener)?);

        let (mut tasks, mut services) = (JoinSet::new(), JoinSet::new());
        let (stop, stopped) = watch::channel(false);
        let (stop_services, services_stopped) = watch::channel(false);
        let database = database::open(data.as_deref()).map_err(StartError::other)?;
        serve_database(
            &mut services,
            database_listener,
            database,
            services_stopped.clone(),
        );

        let mailbox = match &data {
            Some(data) => Mailbox::open(data.path()).map_err(StartError::other)?,
            None => Mailbox::memory(),
        };
        let mailbox = Arc::new(mailbox);
        // Its ids come from elsewhere: it works beside the requests, and would else take turns with them at random.
        let ses = Ses::new(
            options.ses.clone(),
            Arc::clone(&mailbox),
            clock.clone(),
            Entropy::system(),
        );
        serve(&mut services, ses_listener, ses.router(), services_stopped);

        let (token_key, sign_in_key) = keys(data.as_deref())?;
        let sign_in = Arc::new(SignIn::new(&url, &sign_in_key).map_err(StartError::other)?);

        let variables = variables(&options, &url, &database_url, &ses_url, &token_key);
        let env: Environment = variables.iter().cloned().collect();
        let store = own_store(&variables, &database_url)?;
        store.create_table().await.map_err(StartError::other)?;
        let invoker = functions(&options, &env).await?;

        if let Some(every) = options.sweep_every {
            tasks.spawn(schedule::run(invoker.clone(), every, stopped.clone()));
        }
        let streams = streams_client(&database_url);
        let idle = [Consumer::MAILER, Consumer::HISTORY]
            .map(|consumer| Pump::start(consumer, &mut tasks, &streams, &invoker, &data, &stopped));
        let reported = Bus::start(&mut tasks, &ses, &invoker, &stopped);

        let gateway = Gateway {
            invoker: invoker.clone(),
            sign_in: Arc::clone(&sign_in),
            clock: clock.clone(),
            entropy: entropy.clone(),
        };
        let app = gateway::router(gateway)
            .merge(tools::router(Arc::clone(&sign_in), clock.clone(), data))
            .merge(issuer::router(Arc::clone(&sign_in)))
            .merge(mailbox::router(Arc::clone(&mailbox)));
        serve(
            &mut tasks,
            gateway_listener,
            gateway::only_local(app),
            stopped,
        );
        Ok(Self {
            url,
            clock: clock.clone(),
            mailbox,
            ses,
            store,
            variables,
            sign_in,
            invoker,
            idle,
            reported,
            stop,
            tasks,
            stop_services,
            services,
        })
    }

    /// A sign-in token of an administrator with all scopes.
    pub fn admin_token(&self) -> Result<String, StartError> {
        TokenRequest::default()
            .issue(&self.sign_in)
            .map_err(StartError::other)
    }

    /// Puts an event on the bus, as SES would; answers once it is taken in.
    pub async fn publish(&self, event: Value) -> Result<(), StartError> {
        let taken_in = self.invoker.invoke("feedback", event).await;
        taken_in.map(|_| ()).map_err(StartError::other)
    }

    /// Has the sweeper look after what is due; answers what it has done.
    pub async fn sweep(&self) -> Result<Value, StartError> {
        schedule::sweep(&self.invoker)
            .await
            .map_err(StartError::other)
    }

    /// Waits until the stream is empty and SES has nothing more to report: every mail that was queued before is sent, and
    /// what became of it is known and in its user's history.
    pub async fn settled(&self) {
        let [mailer, history] = &self.idle;
        empty(mailer.clone()).await;
        let published = *self.ses.published().borrow();
        // An error means that the bus is gone; then nothing will be reported any more.
        let _ = self
            .reported
            .clone()
            .wait_for(|done| *done >= published)
            .await;
        empty(history.clone()).await;
    }

    /// Stops. Requests and mails that are under way are finished first, within ten seconds.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        finish(&mut self.tasks, Duration::from_secs(10)).await;
        let _ = self.stop_services.send(true);
        finish(&mut self.services, Duration::from_secs(1)).await;
    }
}

/// Waits until a reader of the stream has found it empty.
async fn empty(mut idle: watch::Receiver<u64>) {
    // The next time may have begun before this call; the one after it has not.
    let target = *idle.borrow() + 2;
    // An error means that the reader is gone; then nothing will be read any more.
    let _ = idle.wait_for(|count| *count >= target).await;
}

async fn functions(options: &Options, env: &Environment) -> Result<Invoker, StartError> {
    match &options.functions_url {
        Some(address) => Ok(Invoker::remote(address)),
        None => Invoker::here(env, &options.clock, &options.entropy)
            .await
            .map_err(StartError::other),
    }
}

/// Waits for the tasks, and ends those that take longer.
async fn finish(tasks: &mut JoinSet<()>, most: Duration) {
    let finished = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(most, finished).await.is_err() {
        tasks.abort_all();
    }
}

fn open_data(path: &std::path::Path) -> Result<DataDir, StartError> {
    DataDir::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => StartError::DataInUse(path.to_owned()),
        _ => StartError::Data(path.to_owned(), error),
    })
}

/// The keys that tokens and sign-in tokens are made with, kept so that both survive a restart.
fn keys(data: Option<&DataDir>) -> Result<(Vec<u8>, Vec<u8>), StartError> {
    let keep = |name: &str, make: fn() -> io::Result<Vec<u8>>| match data {
        None => make(),
        Some(data) => data.secret(name, make),
    };
    let token = keep("token.key", || Ok(Entropy::system().bytes::<32>().to_vec()));
    let sign_in = keep("sign-in.key", || {
        SignIn::new_key().map_err(io::Error::other)
    });
    Ok((
        token.map_err(StartError::other)?,
        sign_in.map_err(StartError::other)?,
    ))
}

fn serve_database(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    database: Database,
    stopped: watch::Receiver<bool>,
) {
    tasks.spawn(async move {
        let stop = wait_for_stop(stopped);
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stop).await {
            tracing::error!(error, "the database stopped");
        }
    });
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse(port),
            _ => StartError::Port(port, error),
        })
}

fn from_std(socket: std::net::TcpListener) -> Result<TcpListener, StartError> {
    socket.set_nonblocking(true).map_err(StartError::other)?;
    TcpListener::from_std(socket).map_err(StartError::other)
}

fn port(listener: &TcpListener) -> Result<u16, StartError> {
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(StartError::other)
}

fn local_url(listener: &TcpListener) -> Result<String, StartError> {
    Ok(format!("http://127.0.0.1:{}", port(listener)?))
}

fn serve(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    app: Router,
    stopped: watch::Receiver<bool>,
) {
    tasks.spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(wait_for_stop(stopped))
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "a server stopped");
        }
    });
}

async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the stack was dropped, which is to stop too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What the template gives the functions in AWS, as it is here.
fn variables(
    options: &Options,
    url: &str,
    database_url: &str,
    ses_url: &str,
    token_key: &[u8],
) -> Vec<(String, String)> {
    // Nobody else sends here, so after a crash there is no need to wait for long; unless mails wait for their turn.
    let slow = options.ses.sandbox || options.ses.rate.is_some();
    let lease = if slow { "150" } else { "3" };
    let issuer_url = |what: &str| format!("{url}{}/{what}", issuer::PATH);
    let mut variables: Vec<(String, String)> = [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", database_url),
        ("AWS_ENDPOINT_URL_SESV2", ses_url),
        ("AWS_REGION", "us-east-1"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("GROUPS_CLAIM", "cognito:groups"),
        ("MAIL_CONFIGURATION_SET", CONFIGURATION_SET),
        ("MAIL_FROM", &format!("Usher <{SENDER}>")),
        ("MAIL_IDENTITY", SENDER),
        ("MAIL_LEASE_SECONDS", lease),
        ("MAIL_SETTLE_SECONDS", "3"),
        ("SETTINGS_SECONDS", "0"),
        ("PRODUCT_NAME", "Acme"),
        ("PUBLIC_URL", url),
        ("SIGN_IN_AUTHORIZE_URL", &issuer_url("authorize")),
        ("SIGN_IN_CLIENT_ID", issuer::CLIENT_ID),
        ("SIGN_IN_LOGOUT_URL", &issuer_url("logout")),
        ("SIGN_IN_TOKEN_URL", &issuer_url("token")),
        ("TABLE_NAME", TABLE),
        ("TOKEN_KEY", &STANDARD.encode(token_key)),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in &options.variables {
        variables.retain(|(known, _)| known != name);
        variables.push((name.clone(), value.clone()));
    }
    variables
}

/// The stack's own way to the table, past whatever the functions' way was changed to.
fn own_store(variables: &[(String, String)], database_url: &str) -> Result<Store, StartError> {
    let own = (
        "AWS_ENDPOINT_URL_DYNAMODB".to_owned(),
        database_url.to_owned(),
    );
    let env: Environment = variables.iter().cloned().chain([own]).collect();
    let client = aws::dynamodb(&env).ok_or_else(|| StartError::other("no database client"))?;
    Ok(Store::new(client, TABLE))
}

fn streams_client(database_url: &str) -> aws_sdk_dynamodbstreams::Client {
    use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(aws::plain_http_client())
        .endpoint_url(database_url)
        .build();
    aws_sdk_dynamodbstreams::Client::from_conf(config)
}
