//! How a connection to the mail server is encrypted.

use std::sync::Arc;

use lettre::transport::smtp::client::TlsParameters;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::SmtpTls;
use crate::error::Error;

/// When encryption starts, and which certificates are accepted. In either case, the certificate must be issued for the
/// mail server's host by an authority that the system trusts.
pub(super) enum Encryption {
    /// The connection is encrypted from the beginning. lettre offers implicit TLS only over a TCP stream of its own,
    /// which reads without limit, so Hardtack encrypts these connections itself.
    Implicit { connector: TlsConnector, host: ServerName<'static> },
    /// lettre encrypts the connection after the STARTTLS command.
    StartTls(TlsParameters),
}

impl Encryption {
    pub(super) fn new(tls: SmtpTls, host: &str) -> Result<Self, Error> {
        match tls {
            SmtpTls::Implicit => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
                let builder = builder.with_safe_default_protocol_versions().map_err(not_set_up)?;
                let config = builder.with_root_certificates(roots).with_no_client_auth();
                let host = ServerName::try_from(host.to_owned()).map_err(not_set_up)?;
                Ok(Self::Implicit { connector: TlsConnector::from(Arc::new(config)), host })
            }
            SmtpTls::StartTls => TlsParameters::new_rustls(host.to_owned()).map(Self::StartTls).map_err(not_set_up),
        }
    }
}

fn not_set_up(error: impl std::fmt::Display) -> Error {
    Error::runtime(format_args!("TLS to the mail server cannot be set up: {error}"))
}
