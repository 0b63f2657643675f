//! When connections are opened: at INIT, which Lambda does ahead of the request, or in the first invocation, where somebody
//! waits for them. A TLS handshake is most of what a first request takes on a small function.
//!
//! TLS stands before the local services, by certificates of a CA made here, which functions trust as they would that of an
//! inspecting proxy: with `TRUST_STORE=system`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::SignedDuration;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use usher::domain::{Suppression, SuppressionReason, User};
use usher_local::invocation;

use crate::{
    Bench,
    cloud::{AS_DEPLOYED, Cloud, ENDPOINTS, no_socket},
    engine::broken,
    people::token,
    program::Function,
    report::{Figure, Trouble, Unit},
    scene::{Scene, of_users, with_mail},
};

const SECTION: &str = "tls";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What makes several calls at once, so that how many connections it opens is a matter of chance.
const AT_ONCE: [&str; 2] = ["mail health", "invite, dry run"];

/// The services behind TLS.
struct Secured {
    /// The service's name, the variable that names its address, the address, the handshakes so far.
    services: Vec<(&'static str, &'static str, String, Arc<AtomicU64>)>,
    folder: TempDir,
    _tasks: JoinSet<()>,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Figure>, Trouble> {
    let cloud = Cloud::start().await?;
    let mut scene = Scene::start(bench).await?;
    let addresses = [
        scene.engine.url.clone(),
        scene.services.ses_url.clone(),
        format!("http://{}", cloud.address),
        scene.services.pool_url.clone(),
    ];
    let secured = Secured::start(&addresses).await?;
    let mut figures = Vec::new();
    // Whose mail goes out, is reported and written down below.
    let invited = api("POST /v1/invitations", &one("ann@example.com"))?;
    figures.extend(secured.measure(bench, "invite", invited).await?);
    let records = scene.engine.records().await?;
    let mails: Vec<_> = with_mail(&records).collect();
    let mails = ("mailer", json!({ "Records": mails }));
    figures.extend(secured.measure(bench, "mailer", mails).await?);
    let changes: Vec<_> = of_users(&records).collect();
    let changes = ("history", json!({ "Records": changes }));
    figures.extend(secured.measure(bench, "history", changes).await?);
    let reported = scene.services.ses.events();
    let reported = reported.first().map(|event| event.to_bus_event());
    let reported = ("feedback", reported.unwrap_or_default());
    figures.extend(secured.measure(bench, "feedback", reported).await?);
    let sweep = ("sweeper", json!({}));
    figures.extend(secured.measure(bench, "sweeper", sweep).await?);
    for (subject, event) in requests(&mut scene).await? {
        figures.extend(secured.measure(bench, subject, event).await?);
    }
    Ok(figures)
}

/// First requests of every kind that asks something else of AWS.
async fn requests(scene: &mut Scene<'_>) -> Result<Vec<(&'static str, Invocation)>, Trouble> {
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(scene.invited(DAY).await?);
    }
    let [accepts, gone, again, revoked, suppressed] = &people[..] else {
        return Err(broken(&"nobody is in it"));
    };
    let why = Suppression {
        reason: SuppressionReason::Bounced,
        at: suppressed.invited_at,
    };
    let (store, email) = (&scene.engine.store, &suppressed.email);
    let noted = store.suppress(suppressed, email, why).await;
    noted.map_err(|error| broken(&error))?;
    let of = |route: &str, user: &User| route.replace("{id}", &user.id.to_string());
    let registration = json!({"token": token(accepts), "name": "Ann Lee"});
    let name = json!({"name": "Ann Lee"});
    let nothing = Value::Null;
    Ok(vec![
        ("accept", api("POST /v1/accept", &registration)?),
        ("update", api(&of("PATCH /v1/users/{id}", again), &name)?),
        ("erase", api(&of("DELETE /v1/users/{id}", gone), &nothing)?),
        (
            "resend",
            api(&of("POST /v1/users/{id}/resend", again), &json!({}))?,
        ),
        (
            "revoke",
            api(&of("POST /v1/users/{id}/revoke", revoked), &nothing)?,
        ),
        (
            "suppression",
            api(
                &of("DELETE /v1/users/{id}/suppression", suppressed),
                &nothing,
            )?,
        ),
        ("list", api("GET /v1/users?state=pending", &nothing)?),
        ("list all", api("GET /v1/users", &nothing)?),
        ("settings", api("GET /v1/settings", &nothing)?),
        ("mail health", api("GET /v1/mail-health", &nothing)?),
        (
            "invite, dry run",
            api("POST /v1/invitations?dry_run=true", &one("eve@example.com"))?,
        ),
    ])
}

/// A function, and an event for it.
type Invocation = (&'static str, Value);

fn api(request: &str, body: &Value) -> Result<Invocation, Trouble> {
    let (method, target) = request.split_once(' ').unwrap_or_default();
    let claims = json!({
        "sub": "admin", "name": "Alex Admin", "email": "admin@example.com",
        "scope": "users:read users:invite users:write settings:write",
    });
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    invocation(method, target, &claims, body.as_bytes()).ok_or_else(|| {
        Trouble::new(
            format!("no route is like {request}"),
            "see infra/local/src/routes.rs",
        )
    })
}

fn one(email: &str) -> Value {
    json!({"invitees": [{"email": email}]})
}

impl Secured {
    /// TLS before the services at these addresses, in the order of [`ENDPOINTS`].
    async fn start(addresses: &[String; 4]) -> Result<Self, Trouble> {
        let folder = tempfile::tempdir().map_err(|error| no_certificate(&error))?;
        let tls = certify(folder.path())?;
        let mut tasks = JoinSet::new();
        let mut services = Vec::new();
        for ((name, variable), address) in ENDPOINTS.into_iter().zip(addresses) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(|error| no_socket(&error))?;
            let here = listener.local_addr().map_err(|error| no_socket(&error))?;
            let behind = address.trim_start_matches("http://").parse();
            let behind: SocketAddr = behind.map_err(|error| broken(&error))?;
            let handshakes = Arc::new(AtomicU64::new(0));
            tasks.spawn(serve(
                listener,
                tls.clone(),
                behind,
                Arc::clone(&handshakes),
            ));
            services.push((name, variable, format!("https://{here}"), handshakes));
        }
        Ok(Self {
            services,
            folder,
            _tasks: tasks,
        })
    }

    /// Starts the function, and has it handle the event: how often did it shake hands before, and how often then?
    async fn measure(
        &self,
        bench: &Bench,
        subject: &str,
        (function, event): Invocation,
    ) -> Result<[Figure; 2], Trouble> {
        let roots = self.folder.path().join(ROOT).display().to_string();
        let trust = [
            ("TRUST_STORE", "system".to_owned()),
            ("SSL_CERT_FILE", roots),
        ];
        let endpoints = self.services.iter();
        let endpoints = endpoints.map(|(_, variable, url, _)| (*variable, url.clone()));
        let deployed = AS_DEPLOYED.map(|(name, value)| (name, value.to_owned()));
        let variables: Vec<_> = endpoints.chain(deployed).chain(trust).collect();
        self.take();
        let mut function = Function::start(&bench.program(function)?, &variables).await?;
        let at_init = self.take();
        let answer = function.invoke(&event).await?.answer;
        if answer["statusCode"]
            .as_u64()
            .is_some_and(|status| status >= 400)
        {
            return Err(Trouble::new(
                format!("{subject} was answered {answer}"),
                "mend the function, or the request in tests/bench/tls.rs",
            ));
        }
        let first = self.take();
        bench.note(format!(
            "{subject}: at INIT {}; in the first invocation {}",
            in_words(&at_init),
            in_words(&first)
        ));
        let figure = |name, counts: &[(&str, u32)]| {
            let sum: u32 = counts.iter().map(|(_, count)| count).sum();
            Figure::new(SECTION, subject, name, f64::from(sum), Unit::Calls)
        };
        Ok([
            figure("handshakes at INIT", &at_init),
            Figure {
                unit: if AT_ONCE.contains(&subject) {
                    Unit::Connections
                } else {
                    Unit::Calls
                },
                ..figure("in the first invocation", &first).at_most(0.0)
            },
        ])
    }

    /// The handshakes with each service since this was last asked.
    fn take(&self) -> Vec<(&'static str, u32)> {
        let services = self.services.iter();
        let counts = services.map(|(name, .., count)| (*name, count.swap(0, Ordering::SeqCst)));
        counts
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name, u32::try_from(count).unwrap_or(u32::MAX)))
            .collect()
    }
}

fn in_words(counts: &[(&str, u32)]) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<_> = counts
        .iter()
        .map(|(service, count)| format!("{count} with {service}"))
        .collect();
    words.join(", ")
}

/// The file of the CA's certificate.
const ROOT: &str = "root.pem";

/// A certificate for this machine, and in the folder that of the CA that has signed it.
fn certify(folder: &Path) -> Result<TlsAcceptor, Trouble> {
    let made = || -> Result<ServerConfig, Box<dyn std::error::Error>> {
        let mut ca = CertificateParams::new(Vec::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
        std::fs::write(folder.join(ROOT), ca.pem())?;
        let key = KeyPair::generate()?;
        let here = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()])?;
        let here = here.signed_by(&key, &ca)?;
        let key = key.serialize_der().try_into()?;
        let tls = ServerConfig::builder().with_no_client_auth();
        Ok(tls.with_single_cert(vec![here.into()], key)?)
    };
    let config = made().map_err(|error| no_certificate(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn no_certificate(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(
        format!("no certificate can be made: {error}"),
        "free some space for temporary files",
    )
}

/// Shakes hands, and hands on what is said.
async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    behind: SocketAddr,
    handshakes: Arc<AtomicU64>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        handshakes.fetch_add(1, Ordering::SeqCst);
        let tls = tls.clone();
        connections.spawn(async move {
            // What fails here, the function says.
            if let (Ok(mut front), Ok(mut back)) =
                tokio::join!(tls.accept(stream), TcpStream::connect(behind))
            {
                drop(copy_bidirectional(&mut front, &mut back).await);
            }
        });
    }
}
