//! Mail over SMTP with TLS.

mod bounded_stream;
mod encryption;
mod hide;

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hardtack_accounts::EmailAddress;
use hardtack_accounts::mail::{Mail, MailError, Mailer};
use lettre::address::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::net::TcpStream;

use self::bounded_stream::BoundedStream;
use self::encryption::Encryption;
use self::hide::Known;
use super::timeout::TIMEOUT;
use crate::config::SmtpServer;
use crate::error::Error;

/// How long to wait for the reply to QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// A mail server. The client opens a new connection for each message. The connection is encrypted before the client
/// sends the password or the message.
pub(super) struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<Credentials>,
    /// The user name in the credentials.
    user: Option<String>,
    hello_name: ClientId,
}

/// The part of the SMTP dialogue in which an error occurred. Before [`Message`](Self::Message), the client sends nothing
/// that depends on the recipient, so the recipient cannot have caused the error.
#[derive(Clone, Copy)]
enum Step {
    /// The server greets the client. The client introduces itself (EHLO) and may start encryption (STARTTLS).
    Greeting,
    /// The client logs in.
    LogIn,
    /// The client sends the sender's address.
    Sender,
    /// The client sends the recipient and the message. If the recipient's address needs SMTPUTF8, the command that
    /// requests SMTPUTF8 also belongs to this part.
    Message,
}

impl Smtp {
    pub(super) fn new(server: &SmtpServer, from: &EmailAddress) -> Result<Self, Error> {
        let SmtpServer { host, port, tls, credentials } = server;
        let encryption = Encryption::new(*tls, host)?;
        let user = credentials.as_ref().map(|(user, _)| user.clone());
        let credentials = credentials.as_ref().map(|(user, password)| Credentials::new(user.clone(), password.clone()));
        let hello_name = hello_name(from);
        Ok(Self { host: host.clone(), port: *port, encryption, credentials, user, hello_name })
    }

    /// Connects to the server and logs in.
    async fn connect(&self, mail: &Mail) -> Result<AsyncSmtpConnection, MailError> {
        let explain = |step: Step| move |error: SmtpError| self.explain(step, mail, &error);
        let stream = self.open().await.map_err(|error| self.unreachable(mail, &error))?;
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello_name).await;
        let mut connection = connected.map_err(explain(Step::Greeting))?;
        if let Encryption::StartTls(parameters) = &self.encryption {
            // If the server does not offer TLS, this call fails, so nothing is sent in plain text.
            let started = connection.starttls(parameters.clone(), &self.hello_name).await;
            started.map_err(explain(Step::Greeting))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(explain(Step::LogIn))?;
        }
        Ok(connection)
    }

    /// Opens a connection, which is already encrypted if the server uses implicit TLS.
    async fn open(&self) -> io::Result<Box<dyn AsyncTokioStream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let peer = stream.peer_addr()?;
        Ok(match &self.encryption {
            Encryption::Implicit { connector, host } => {
                Box::new(BoundedStream::new(connector.connect(host.clone(), stream).await?, peer))
            }
            Encryption::StartTls(_) => Box::new(BoundedStream::new(stream, peer)),
        })
    }

    async fn send_on(
        &self,
        connection: &mut AsyncSmtpConnection,
        (from, to): (Address, Address),
        mail: &Mail,
    ) -> Result<(), MailError> {
        let message = mail.to_string().replace('\n', "\r\n");
        let (mut parameters, mut mail_step) = (Vec::new(), Step::Sender);
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
        let explain = |step: Step| move |error: SmtpError| self.explain(step, mail, &error);
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
    fn explain(&self, step: Step, mail: &Mail, error: &SmtpError) -> MailError {
        let text = self.text(mail, error);
        match (step, error.status().map(u16::from)) {
            // These replies mean that the log-in was refused (RFC 4954 §4 and §6). Such a reply proves an outage only
            // if the client has not sent the recipient yet. After that, the recipient may be the cause.
            (Step::Message, Some(530 | 534 | 535 | 538)) => MailError::new(text),
            // RFC 5321 §4.2.1: the failure is permanent, so another attempt would fail as well.
            (Step::Message, Some(500..)) => MailError::refused(text),
            (Step::Message, _) => MailError::new(text),
            (Step::Greeting | Step::LogIn | Step::Sender, Some(530 | 534 | 535 | 538)) | (Step::LogIn, Some(500..)) => {
                MailError::outage(format!(
                    "{text}; the log-in was refused; check the user in smtp_url and the password in smtp_password"
                ))
            }
            (Step::Greeting, Some(500..)) => MailError::outage(format!(
                "{text}; the mail server accepts no mail from this client; ask the mail server's operator whether it \
                 accepts this machine's IP address, and the name {} in EHLO",
                self.hello_name
            )),
            (Step::Sender, Some(500..)) => MailError::outage(format!("{text}; check mail_from")),
            (Step::Greeting | Step::LogIn | Step::Sender, Some(_)) => MailError::outage(text),
            (Step::Greeting | Step::LogIn | Step::Sender, None) if error.is_client() => MailError::outage(format!(
                "{text}; with smtp://, the server must offer STARTTLS; if smtp_url contains a user, the server must \
                 also support authentication; for a port with implicit TLS, such as 465, use smtps://"
            )),
            (Step::Greeting | Step::LogIn | Step::Sender, None) => no_dialogue(&text, error.is_timeout()),
        }
    }

    /// Returns an error for a connection that could not be opened.
    fn unreachable(&self, mail: &Mail, error: &io::Error) -> MailError {
        no_dialogue(&self.text(mail, error), error.kind() == io::ErrorKind::TimedOut)
    }

    /// Returns an error's text for the log, in which addresses, names and links are hidden.
    fn text(&self, mail: &Mail, error: &dyn StdError) -> String {
        let known = Known::new(mail.to().as_str(), mail.text(), self.user.as_deref());
        format!("{}: {}", self.name(), known.hide_in(&with_causes(error)))
    }
}

/// Returns an error for a connection on which the client got no valid reply from the mail server.
fn no_dialogue(text: &str, is_timeout: bool) -> MailError {
    if is_timeout {
        return MailError::new(text);
    }
    MailError::outage(format!(
        "{text}; check the host and the port in smtp_url (smtps:// for implicit TLS, smtp:// for STARTTLS); also check \
         that the certificate was issued for this host, by an authority that this machine trusts"
    ))
}

/// Returns the name that this client gives when it greets the mail server. This name is the sender's domain, because
/// few servers accept `localhost`.
fn hello_name(from: &EmailAddress) -> ClientId {
    let domain = from.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
    ClientId::Domain(domain.to_owned())
}

/// Returns the text of an error and of its causes. Leaves out a cause if the text before it already contains it.
fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
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
        let send = async {
            let mut connection = self.connect(mail).await?;
            let sent = self.send_on(&mut connection, (from, to), mail).await;
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
