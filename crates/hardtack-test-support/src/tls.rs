//! A TLS proxy in front of a plain HTTP server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::{BrowserOptions, server, wait};

/// The size of the buffer for data from the server, in bytes.
const BUFFER: usize = 16 * 1024;

/// A TLS listener on a free port, with a self-signed certificate.
pub struct TlsFront {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    origin: String,
    key_hash: String,
}

impl TlsFront {
    /// Creates a certificate for `host` and binds a listener that uses it.
    pub async fn bind(host: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([host.to_owned()]).expect("a host name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in PKCS#8");
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a certificate with its key");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (listener, address) = server::bind().await;
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            origin: format!("https://{host}:{}", address.port()),
            key_hash: base64_simd::STANDARD.encode_to_string(Sha256::digest(key.subject_public_key_info())),
        }
    }

    /// Returns the origin at which a browser reaches the server.
    pub fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Returns options for a browser that trusts this certificate and can bind sessions to its device.
    pub fn browser_options(&self) -> BrowserOptions {
        let trusted_key = Some(self.key_hash.clone());
        BrowserOptions { trusted_key, binds_devices: true, ..BrowserOptions::default() }
    }

    /// Forwards connections to a server until the test's runtime ends. Use the result to direct later connections to
    /// another server, or to hold back a response.
    pub fn forward(self, to: SocketAddr) -> Upstream {
        let upstream = Upstream(Arc::new(Mutex::new(Target { server: to, held: None })));
        let current = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = self.listener.accept().await {
                let (acceptor, upstream) = (self.acceptor.clone(), current.clone());
                tokio::spawn(async move {
                    let Ok(client) = acceptor.accept(stream).await else { return };
                    let to = upstream.target().server;
                    let Ok(server) = TcpStream::connect(to).await else { return };
                    upstream.relay(client, server).await;
                });
            }
        });
        upstream
    }
}

/// The server that a [`TlsFront`] forwards connections to.
#[derive(Clone)]
pub struct Upstream(Arc<Mutex<Target>>);

struct Target {
    server: SocketAddr,
    held: Option<Held>,
}

/// The response to hold back.
struct Held {
    text: String,
    sent: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

impl Upstream {
    /// Makes later connections go to this server.
    pub fn set(&self, to: SocketAddr) {
        self.target().server = to;
    }

    /// Holds back the next response whose head contains `text`, such as the name of a header field.
    pub fn hold_response(&self, text: &str) -> HeldResponse {
        let (sent, is_sent) = oneshot::channel();
        let (released, release) = oneshot::channel();
        self.target().held = Some(Held { text: text.to_owned(), sent, release });
        HeldResponse { is_sent, released }
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies bytes between a browser and a server until both have ended the connection. Ignores errors, because the
    /// browser reports a broken connection.
    async fn relay(&self, client: TlsStream<TcpStream>, server: TcpStream) {
        let (mut from_client, mut to_client) = split(client);
        let (mut from_server, mut to_server) = server.into_split();
        let requests = async {
            let _ = copy(&mut from_client, &mut to_server).await;
            let _ = to_server.shutdown().await;
        };
        let responses = async {
            let mut buffer = vec![0; BUFFER];
            while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
                let bytes = &buffer[..read];
                if let Some(held) = self.take_held(bytes) {
                    let _ = held.sent.send(());
                    if held.release.await.is_err() {
                        break;
                    }
                }
                if to_client.write_all(bytes).await.is_err() || to_client.flush().await.is_err() {
                    break;
                }
            }
            let _ = to_client.shutdown().await;
        };
        tokio::join!(requests, responses);
    }

    /// Takes the [`Held`] response if these bytes contain its text.
    fn take_held(&self, bytes: &[u8]) -> Option<Held> {
        self.target().held.take_if(|held| bytes.windows(held.text.len()).any(|window| window == held.text.as_bytes()))
    }
}

/// A response that a [`TlsFront`] holds back. If you drop this value, the connection ends without the response.
#[must_use = "if it is dropped, the response is lost"]
pub struct HeldResponse {
    is_sent: oneshot::Receiver<()>,
    released: oneshot::Sender<()>,
}

impl HeldResponse {
    /// Waits until the server has sent the response.
    ///
    /// # Panics
    /// If the server does not send the response in time.
    pub async fn sent(&mut self) {
        wait::within_reason("the server sends the response that is held back", &mut self.is_sent)
            .await
            .expect("the front waits for the response");
    }

    /// Forwards the response to the browser.
    pub fn release(self) {
        let _ = self.released.send(());
    }
}
