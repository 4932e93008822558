//! Mail over SMTP with TLS, to a server of Debian's python3-aiosmtpd.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::wait;

use crate::mail::{cause_mail, cause_mail_to};
use crate::support::{TestDir, output, refusal, sign_up, start};

const MAIL_PASSWORD: &str = "canary-of-the-mail-server";

/// A mail server that writes each message to the file `got`. It accepts mail only from a user who has logged in over
/// TLS, except in the mode `plain`, which has no TLS. In the mode `utf8`, it offers SMTPUTF8 but refuses it.
const SERVER: &str = r#"
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

mode, password = sys.argv[1], sys.argv[2].encode()

class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if "SMTPUTF8" in options:
            return "553 5.6.7 no such sender"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        if address.startswith("locked"):
            return "530 5.7.0 authentication required"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 5.7.1 this looks like spam"
        with open("got.tmp", "wb") as file:
            file.write(envelope.mail_from.encode() + b" " + " ".join(envelope.rcpt_tos).encode() + b"\n")
            file.write(envelope.original_content)
        import os
        os.rename("got.tmp", "got")
        return "250 accepted"

def authenticate(server, session, envelope, mechanism, data):
    ok = data.login == b"noreply@site.example" and data.password == password
    return AuthResult(success=ok, handled=False) if not ok else AuthResult(success=True)

def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    return context

common = dict(hostname="127.0.0.1", port=0, authenticator=authenticate, enable_SMTPUTF8=mode == "utf8")
class Free(Controller):
    """On a free port."""
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        with open("port.tmp", "w") as file:
            file.write(str(self.port))
        import os
        os.rename("port.tmp", "port")
if mode == "implicit":
    controller = Free(Handler(), ssl_context=context(), auth_required=True, auth_require_tls=False, **common)
elif mode in ("starttls", "utf8"):
    controller = Free(Handler(), tls_context=context(), require_starttls=True, auth_required=True, **common)
else:
    controller = Free(Handler(), **common)
try:
    controller.start()
except Exception:
    pass
time.sleep(600)
"#;

struct MailServer {
    child: Child,
    port: u16,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    /// Starts a server whose certificate for `localhost` is in `cert.pem`.
    async fn start(dir: &TestDir, mode: &str) -> Self {
        if !dir.path("cert.pem").exists() {
            let made = Command::new("openssl")
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
                .args(["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"])
                .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
                .current_dir(dir.path(""))
                .output()
                .unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let _ = fs::remove_file(dir.path("port"));
        let mut server = Self::spawn(dir, mode);
        let log = || fs::read_to_string(dir.path("mail-server.log")).unwrap();
        let explain = || format!("the mail server is ready; scripts/setup installs what it needs: {}", log());
        let port = wait::until_some(explain, async || fs::read_to_string(dir.path("port")).ok()).await;
        server.port = port.parse().unwrap();
        server
    }

    fn spawn(dir: &TestDir, mode: &str) -> Self {
        // The Python that Debian's packages are for; another one may come first on the PATH.
        let child = Command::new("/usr/bin/python3")
            .args(["-c", SERVER, mode, MAIL_PASSWORD])
            .current_dir(dir.path(""))
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path("mail-server.log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, port: 0 }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://noreply%40site.example@localhost:{}", self.port)
    }
}

/// A server that trusts the certificate.
fn serve(dir: &TestDir, url: &str, password: &str) -> Program {
    serve_from(dir, "noreply@site.example", url, password)
}

/// Returns a server that sends emails from the address `from`.
fn serve_from(dir: &TestDir, from: &str, url: &str, password: &str) -> Program {
    dir.write(password, &format!("{password}\n"));
    crate::support::set_mode(dir.path(password), 0o600);
    let program = dir.serve(["--mail-from", from, "--smtp-url", url]);
    let cert = dir.path("cert.pem");
    program.env("HARDTACK_SMTP_PASSWORD_FILE", password).env("SSL_CERT_FILE", cert.to_str().unwrap())
}

async fn wait_for(what: impl Fn() -> Option<String>, server: &Process) -> String {
    wait::until_some(|| server.stderr(), async || what()).await
}

#[tokio::test]
async fn l3_mail_is_sent_over_tls_and_never_without() {
    let dir = TestDir::new();
    // In the order of the scenarios: implicit TLS, then STARTTLS.
    for (mode, scheme) in [("implicit", "smtps"), ("starttls", "smtp")] {
        let mail = MailServer::start(&dir, mode).await;
        let server = start(&serve(&dir, &mail.url(scheme), MAIL_PASSWORD)).await;
        cause_mail(&server).await;
        let got = wait_for(|| fs::read_to_string(dir.path("got")).ok(), &server).await;
        assert!(got.starts_with("noreply@site.example someone@mail.example\n"), "{got}");
        assert!(got.contains("Subject: Confirm your email address\r\n"), "{got}");
        assert!(got.contains("/email/confirm?token=") && got.contains("text/html"), "{got}");
        fs::remove_file(dir.path("got")).unwrap();
        let finished = server.stop().await;
        assert!(!finished.stderr.contains(MAIL_PASSWORD), "{}", finished.stderr);
        fs::remove_dir_all(dir.path("hardtack-data")).unwrap();
    }
    // A wrong password, a server without TLS, and a certificate that is not trusted: nothing is sent, and the log says
    // what to do.
    let mail = MailServer::start(&dir, "starttls").await;
    let plain = MailServer::start(&dir, "plain").await;
    let others = "/etc/ssl/certs/ca-certificates.crt";
    for (program, words) in [
        (serve(&dir, &mail.url("smtp"), "not-the-password"), "the log-in was refused"),
        (serve(&dir, &plain.url("smtp"), MAIL_PASSWORD), "STARTTLS"),
        (serve(&dir, &mail.url("smtp"), MAIL_PASSWORD).env("SSL_CERT_FILE", others), "that this machine trusts"),
    ] {
        let server = start(&program).await;
        cause_mail(&server).await;
        let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_failed")), &server).await;
        assert!(log.contains(words), "{log}");
        assert!(!log.contains("not-the-password") && !log.contains(MAIL_PASSWORD), "{log}");
        assert!(!dir.path("got").exists());
        server.kill();
        fs::remove_dir_all(dir.path("hardtack-data")).unwrap();
    }
}

/// A reply 5xx to a recipient is final, and neither it nor a reply 4xx means that the mail server has an outage.
#[tokio::test]
async fn l3_s77_recipients_that_the_mail_server_refuses_are_given_up_and_delay_nobody() {
    let dir = TestDir::new();
    let mail = MailServer::start(&dir, "starttls").await;
    let server = start(&serve(&dir, &mail.url("smtp"), MAIL_PASSWORD)).await;
    for name in ["gone1", "gone2", "gone3", "gone4"] {
        cause_mail_to(&server, name).await;
    }
    wait_for(|| Some(server.stderr()).filter(|log| log.matches("mail_refused").count() == 4), &server).await;
    for name in ["full1", "full2", "full3", "full4"] {
        cause_mail_to(&server, name).await;
    }
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_failed")), &server).await;
    assert!(log.contains("no such mailbox") && !log.contains("no email can be sent at the moment"), "{log}");
    let since = Instant::now();
    cause_mail(&server).await;
    let got = wait_for(|| fs::read_to_string(dir.path("got")).ok(), &server).await;
    assert!(got.starts_with("noreply@site.example someone@mail.example\n"), "{got}");
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    // An address that is not in ASCII, to a server that does not support it, is no outage either.
    cause_mail_to(&server, "gonë").await;
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.matches("mail_refused").count() == 5), &server).await;
    assert!(log.contains("SMTPUTF8") && !log.contains("no email can be sent at the moment"), "{log}");
    server.stop().await;
}

/// The mail server does not support the sender's address, so no email can be sent. The emails must stay in the queue.
#[tokio::test]
async fn l3_s77_a_sender_that_the_mail_server_does_not_support_loses_no_email() {
    let dir = TestDir::new();
    let mail = MailServer::start(&dir, "starttls").await;
    let with = |from| serve_from(&dir, from, &mail.url("smtp"), MAIL_PASSWORD);
    let server = start(&with("n\u{f6}reply@site.example")).await;
    cause_mail(&server).await;
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_failed")), &server).await;
    assert!(log.contains("no email can be sent at the moment"), "{log}");
    assert!(log.contains("(no SMTPUTF8); set mail_from to an address in ASCII"), "{log}");
    assert!(!log.contains("mail_refused"), "{log}");
    server.stop().await;
    let server = start(&with("noreply@site.example")).await;
    let got = wait_for(|| fs::read_to_string(dir.path("got")).ok(), &server).await;
    assert!(got.starts_with("noreply@site.example someone@mail.example\n"), "{got}");
    server.stop().await;
}

/// Strangers choose such addresses on purpose. If the reply counted as an outage, no other email would be sent.
#[tokio::test]
async fn l3_s77_replies_that_an_address_causes_are_no_outage() {
    let dir = TestDir::new();
    let mail = MailServer::start(&dir, "utf8").await;
    let server = start(&serve(&dir, &mail.url("smtp"), MAIL_PASSWORD)).await;
    for name in ["jürgen1", "jürgen2", "spam"] {
        cause_mail_to(&server, name).await;
    }
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.matches("mail_refused").count() == 3), &server).await;
    assert!(log.contains("no such sender") && log.contains("this looks like spam"), "{log}");
    // The address need not be the reason.
    assert_eq!(log.matches("permanently refused the recipient or the message").count(), 3, "{log}");
    assert!(!log.contains("check the user's address"), "{log}");
    cause_mail_to(&server, "locked").await;
    wait_for(|| Some(server.stderr()).filter(|log| log.contains("authentication required")), &server).await;
    cause_mail(&server).await;
    let got = wait_for(|| fs::read_to_string(dir.path("got")).ok(), &server).await;
    assert!(got.starts_with("noreply@site.example someone@mail.example\n"), "{got}");
    let log = server.stop().await.stderr;
    assert!(log.contains("the email could not be sent, and the server will try again later"), "{log}");
    for text in ["no email can be sent at the moment", "check mail_from", "mail_recovered"] {
        assert!(!log.contains(text), "{text}: {log}");
    }
}

#[tokio::test]
async fn l3_bad_mail_servers_are_refused_and_the_password_is_not_shown() {
    let dir = TestDir::new();
    let from = ["--mail-from", "noreply@site.example"];
    let url = "smtps://noreply@mail.site.example";
    for (args, words) in [
        (&["--smtp-url", url][..], "the password is missing; set smtp_password_file"),
        (&["--smtp-url", "mail.site.example"], "is not a URL"),
        (&["--smtp-url", "http://mail.site.example"], "begins with neither smtps:// nor smtp://"),
        (&["--smtp-url", "smtp://mail.site.example/inbox"], "contains more than a user, a host and a port"),
        (
            &["--smtp-url", "smtp://mail.site.example", "--mail-outbox", "letters"],
            "only one of these settings is allowed",
        ),
        (&["--smtp-url", "smtp://mail.site.example", "--smtp-password", MAIL_PASSWORD], "has no user"),
        (&["--smtp-password", MAIL_PASSWORD], "there is no mail server"),
    ] {
        let error = refusal(&dir.serve(from.iter().chain(args).copied()), 2).await;
        assert!(error.contains(words), "{error}");
        assert!(!error.contains(MAIL_PASSWORD), "{error}");
    }
    let error = refusal(&dir.serve(["--smtp-url", "smtp://mail.site.example"]), 2).await;
    assert!(error.contains("set --mail-from"), "{error}");
    dir.write("hardtack.toml", "mail_from = \"noreply@site.example\"\nsmtp_password_file = \"password\"\n");
    dir.write("password", MAIL_PASSWORD);
    crate::support::set_mode(dir.path("password"), 0o600);
    let shown = output(&dir.hardtack(["check-config", "--smtp-url", "smtps://noreply@mail.site.example:465"]));
    assert!(shown.contains("smtp_url is set, without its password: smtps://noreply@mail.site.example:465"), "{shown}");
    assert!(shown.contains("smtp_password is set, not shown") && !shown.contains(MAIL_PASSWORD), "{shown}");
}

/// A command of the operator ends before an email could be sent, so a server sends it.
#[tokio::test]
async fn s85_a_server_sends_the_emails_of_commands() {
    let dir = TestDir::new();
    let server = start(&dir.serve(["--mail-outbox", "letters"])).await;
    sign_up(&mut server.client(), "someone").await;
    let address = ["user", "set-email", "someone", "someone@mail.example", "--confirmed", "--mail-outbox", "letters"];
    output(&dir.hardtack(address));
    output(&dir.hardtack(["user", "rename", "someone", "another", "--mail-outbox", "letters"]));
    let letter = wait_for(
        || {
            let mut files = fs::read_dir(dir.path("letters")).ok()?.map(|file| file.unwrap().path());
            files.find(|path| path.extension().is_some()).map(|path| fs::read_to_string(path).unwrap())
        },
        &server,
    )
    .await;
    assert!(letter.contains("from \"someone\" to \"another\"."), "{letter}");
    server.stop().await;
}
