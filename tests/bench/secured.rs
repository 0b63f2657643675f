//! The services behind TLS, by certificates of a CA made here, which functions trust as they would that of an inspecting
//! proxy: with `TRUST_STORE=system`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::{
    cloud::{AS_DEPLOYED, ENDPOINTS, no_socket},
    engine::broken,
    report::Trouble,
};

/// The services behind TLS.
pub(crate) struct Secured {
    /// The service's name, the variable that names its address, the address, the handshakes so far.
    services: Vec<(&'static str, &'static str, String, Arc<AtomicU64>)>,
    folder: TempDir,
    _tasks: JoinSet<()>,
}

impl Secured {
    /// TLS before the services at these addresses, in the order of [`ENDPOINTS`].
    pub(crate) async fn start(addresses: &[String; 4]) -> Result<Self, Trouble> {
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

    /// The variables of a function that finds all services here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let roots = self.folder.path().join(ROOT).display().to_string();
        let trust = [
            ("TRUST_STORE", "system".to_owned()),
            ("SSL_CERT_FILE", roots),
        ];
        let endpoints = self.services.iter();
        let endpoints = endpoints.map(|(_, variable, url, _)| (*variable, url.clone()));
        let deployed = AS_DEPLOYED.map(|(name, value)| (name, value.to_owned()));
        endpoints.chain(deployed).chain(trust).collect()
    }

    /// The handshakes with each service since this was last asked.
    pub(crate) fn take(&self) -> Vec<(&'static str, u32)> {
        let services = self.services.iter();
        let counts = services.map(|(name, .., count)| (*name, count.swap(0, Ordering::SeqCst)));
        counts
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name, u32::try_from(count).unwrap_or(u32::MAX)))
            .collect()
    }
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
