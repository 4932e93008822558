//! A TLS proxy in front of a plain HTTP server.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::server;

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

    /// Returns the SHA-256 hash (in base64) of the certificate's public key, for
    /// [`BrowserOptions::trusted_key`](crate::BrowserOptions::trusted_key).
    pub fn key_hash(&self) -> String {
        self.key_hash.clone()
    }

    /// Forwards connections to a server, until the test's runtime ends.
    pub fn forward(self, to: SocketAddr) {
        tokio::spawn(async move {
            while let Ok((stream, _)) = self.listener.accept().await {
                let acceptor = self.acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let Ok(mut upstream) = TcpStream::connect(to).await else { return };
                    // Ignore the error. If a connection breaks, the browser reports this.
                    let _ = copy_bidirectional(&mut client, &mut upstream).await;
                });
            }
        });
    }
}
