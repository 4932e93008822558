//! Mail over SMTP with TLS.

use std::time::Duration;

use hardtack_accounts::EmailAddress;
use hardtack_accounts::mail::{Mail, MailError, Mailer};
use lettre::address::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::timeout::TIMEOUT;
use crate::config::{SmtpServer, SmtpTls};
use crate::error::Error;

/// How long to wait for the reply to QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// A mail server. The client opens a new connection for each message. The connection is encrypted before the client
/// sends the password or the message.
pub(super) struct Smtp {
    host: String,
    port: u16,
    tls: SmtpTls,
    parameters: TlsParameters,
    credentials: Option<Credentials>,
    hello_name: ClientId,
}

/// The part of the SMTP dialogue in which an error occurred.
#[derive(Clone, Copy)]
enum Step {
    /// The part of the dialogue in which the client sends nothing that depends on the recipient. The recipient
    /// therefore cannot have caused an error in this part.
    Connection,
    /// The part of the dialogue in which the client sends the recipient and the message. If the recipient's address
    /// needs SMTPUTF8, the command that requests SMTPUTF8 also belongs to this part.
    Message,
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer, from: &EmailAddress) -> Result<Self, Error> {
        let SmtpServer { host, port, tls, credentials } = server;
        let parameters = TlsParameters::new_rustls(host.clone())
            .map_err(|error| Error::runtime(format_args!("TLS to the mail server cannot be set up: {error}")))?;
        let credentials = credentials.as_ref().map(|(user, password)| Credentials::new(user.clone(), password.clone()));
        let hello_name = hello_name(from);
        Ok(Self { host: host.clone(), port: *port, tls: *tls, parameters, credentials, hello_name })
    }

    /// Connects to the server and logs in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let parameters = || self.parameters.clone();
        let implicit = matches!(self.tls, SmtpTls::Implicit).then(parameters);
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(TIMEOUT), &self.hello_name, implicit, None).await?;
        if matches!(self.tls, SmtpTls::StartTls) {
            // If the server does not offer TLS, this call fails, so nothing is sent in plain text.
            connection.starttls(parameters(), &self.hello_name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    async fn send_on(
        &self,
        connection: &mut AsyncSmtpConnection,
        (from, to): (Address, Address),
        message: &str,
    ) -> Result<(), MailError> {
        let (mut parameters, mut mail_step) = (Vec::new(), Step::Connection);
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        if !is_ascii(&from) || !is_ascii(&to) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let text = format!("{} accepts only addresses in ASCII (no SMTPUTF8)", self.name());
                // If the sender's address is not ASCII, the server would refuse every message.
                return Err(match is_ascii(&from) {
                    true => MailError::refused(text),
                    false => MailError::outage(format!("{text}; set mail_from to an address in ASCII")),
                });
            }
            parameters.push(MailParameter::SmtpUtfEight);
            if is_ascii(&from) {
                mail_step = Step::Message;
            }
        }
        if !message.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let explain = |step: Step| move |error: SmtpError| self.explain(step, &error);
        connection.command(MailFrom::new(Some(from), parameters)).await.map_err(explain(mail_step))?;
        connection.command(Rcpt::new(to, Vec::new())).await.map_err(explain(Step::Message))?;
        connection.command(Data).await.map_err(explain(Step::Message))?;
        connection.message(message.as_bytes()).await.map_err(explain(Step::Message))?;
        Ok(())
    }

    fn name(&self) -> String {
        format!("the mail server {}:{}", self.host, self.port)
    }

    /// Returns an error that says what is wrong and what to do. The returned error also contains the text of `error`.
    fn explain(&self, step: Step, error: &SmtpError) -> MailError {
        let text = format!("{}: {}", self.name(), with_causes(error));
        match (step, error.status().map(u16::from)) {
            // These replies mean that the log-in was refused (RFC 4954 §4 and §6). Such a reply proves an outage only
            // if the client has not sent the recipient yet. After that, the recipient may be the cause.
            (Step::Connection, Some(530 | 534 | 535 | 538)) => MailError::outage(format!(
                "{text}; the log-in was refused; check the user in smtp_url and the password in smtp_password"
            )),
            (Step::Message, Some(530 | 534 | 535 | 538)) => MailError::new(text),
            // RFC 5321 §4.2.1: the failure is permanent, so another attempt would fail as well.
            (Step::Message, Some(500..)) => MailError::refused(text),
            (Step::Message, _) => MailError::new(text),
            (Step::Connection, Some(500..)) => MailError::outage(format!("{text}; check mail_from")),
            (Step::Connection, Some(_)) => MailError::outage(text),
            (Step::Connection, None) if error.is_timeout() => MailError::new(text),
            (Step::Connection, None) if error.is_client() => MailError::outage(format!(
                "{text}; with smtp://, the server must offer STARTTLS; if smtp_url contains a user, the server must \
                 also support authentication; for a port with implicit TLS, such as 465, use smtps://"
            )),
            (Step::Connection, None) => MailError::outage(format!(
                "{text}; check the host and the port in smtp_url (smtps:// for implicit TLS, smtp:// for STARTTLS); \
                 also check that the certificate was issued for this host, by an authority that this machine trusts"
            )),
        }
    }
}

/// Returns the name that this client gives when it greets the mail server. This name is the sender's domain, because
/// few servers accept `localhost`.
fn hello_name(from: &EmailAddress) -> ClientId {
    let domain = from.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
    ClientId::Domain(domain.to_owned())
}

/// Returns the text of an error and of its causes. Leaves out a cause if the text before it already contains it.
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
        let unusable = |error| format!("the address cannot be used: {error}");
        let from = mail.from().as_str().parse::<Address>().map_err(|error| MailError::outage(unusable(error)))?;
        let to = mail.to().as_str().parse::<Address>().map_err(|error| MailError::refused(unusable(error)))?;
        let message = mail.to_string().replace('\n', "\r\n");
        let send = async {
            let connected = self.connect().await;
            let mut connection = connected.map_err(|error| self.explain(Step::Connection, &error))?;
            let sent = self.send_on(&mut connection, (from, to), &message).await;
            Ok((connection, sent))
        };
        // A timeout does not count as an outage, because the recipient may have caused it.
        let too_slow = |_| MailError::new(format!("{} took longer than {TIMEOUT:?}", self.name()));
        let (mut connection, sent) = tokio::time::timeout(TIMEOUT, send).await.map_err(too_slow)??;
        // The server has already accepted or refused the message, so its reply to QUIT does not matter.
        let _ = tokio::time::timeout(QUIT_TIMEOUT, connection.quit()).await;
        sent
    }
}
