//! Mail over SMTP with TLS.

use hardtack_accounts::EmailAddress;
use hardtack_accounts::mail::{Mail, MailError, Mailer};
use lettre::address::{Address, Envelope};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::TIMEOUT;
use crate::config::{SmtpServer, SmtpTls};
use crate::error::Error;

/// A mail server. Each message is sent on a connection of its own, which is encrypted before the password or the
/// message is sent.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// The host and port, for errors.
    server: String,
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer, from: &EmailAddress) -> Result<Self, Error> {
        let SmtpServer { host, port, tls, credentials } = server;
        let parameters = TlsParameters::new_rustls(host.clone())
            .map_err(|error| Error::runtime(format_args!("TLS to the mail server cannot be set up: {error}")))?;
        let tls = match tls {
            SmtpTls::Implicit => Tls::Wrapper(parameters),
            // Nothing is sent in plain text if the server does not offer TLS.
            SmtpTls::StartTls => Tls::Required(parameters),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
            .port(*port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .hello_name(hello_name(from));
        let builder = credentials.iter().fold(builder, |builder, (user, password)| {
            builder.credentials(Credentials::new(user.clone(), password.clone()))
        });
        Ok(Self { transport: builder.build(), server: format!("{host}:{port}") })
    }

    /// Says what is wrong and what to do. The server's own text is part of the error.
    fn explain(&self, error: &lettre::transport::smtp::Error) -> MailError {
        let server = &self.server;
        let code = error.status().map(u16::from);
        let text = format!("the mail server {server}: {}", with_causes(error));
        match code {
            // RFC 4954 §4 and §6.
            Some(530 | 534 | 535 | 538) => MailError::outage(format!(
                "{text}; the log-in was refused; check the user in smtp_url, and smtp_password"
            )),
            // RFC 5321 §3.8: the service is not available.
            Some(421) => MailError::outage(text),
            Some(_) => MailError::new(text),
            None if error.is_client() => MailError::outage(format!(
                "{text}; with smtp://, the server must offer STARTTLS; if smtp_url has a user, the server must also \
                 offer a log-in; for a port with implicit TLS, such as 465, use smtps://"
            )),
            None => MailError::outage(format!(
                "{text}; check the host and the port in smtp_url (smtps:// for implicit TLS, smtp:// for STARTTLS); \
                 also check that the certificate is for this host, and from an authority that this machine trusts"
            )),
        }
    }
}

/// Returns the name with which this client greets the mail server. It is the domain of the sender, because few servers
/// accept `localhost`.
fn hello_name(from: &EmailAddress) -> ClientId {
    let domain = from.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
    ClientId::Domain(domain.to_owned())
}

/// Returns the text of an error and its causes. Leaves out a cause if the preceding text already contains it.
fn with_causes(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|error| MailError::new(format!("the address cannot be used: {error}")))
        };
        let envelope = Envelope::new(Some(address(mail.from().as_str())?), vec![address(mail.to().as_str())?]);
        let envelope = envelope.map_err(MailError::new)?;
        let message = mail.to_string().replace('\n', "\r\n");
        match tokio::time::timeout(TIMEOUT, self.transport.send_raw(&envelope, message.as_bytes())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.explain(&error)),
            Err(_) => Err(MailError::outage(format!("the mail server {} took longer than {TIMEOUT:?}", self.server))),
        }
    }
}
