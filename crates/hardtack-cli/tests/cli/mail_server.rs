//! A mail server for tests, which uses Debian's python3-aiosmtpd.

use std::fs;
use std::process::{Child, Command, Stdio};

use hardtack_test_support::process::{Process, Program};
use hardtack_test_support::wait;

use crate::support::{TestDir, set_mode};

pub(crate) const MAIL_PASSWORD: &str = "canary-of-the-mail-server";

/// A mail server that writes each message to the file `got`. It accepts mail only from a user who has logged in over
/// TLS, except in the mode `plain`, which has no TLS. In the mode `utf8`, it offers SMTPUTF8 but refuses it. In the modes
/// `endless` (with implicit TLS) and `plain-endless`, its greeting is a line that never ends. In the mode `lines`, its
/// greeting has any number of lines. In the mode `closed`, its greeting is a refusal.
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
            return f"550 5.1.1 no such mailbox <{address}>: see http://help.example/?token=abc"
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        if address.startswith("locked"):
            return "530 5.7.0 authentication required"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("echo"):
            import re
            token = re.search(rb"[?]token=3?D?([0-9a-f]+)", envelope.original_content)[1].decode()
            encoded = "".join(f"%{ord(c):02x}" for c in token[:4]) + token[4:]
            name = envelope.rcpt_tos[0].split("@")[0]
            return f"554 5.7.1 canary {name} (relayer) confirm%3Ftoken%3D{token} {token} {encoded} refused"
        if envelope.rcpt_tos[0].startswith("spam"):
            return "554 5.7.1 this looks like spam"
        with open("got.tmp", "wb") as file:
            file.write(envelope.mail_from.encode() + b" " + " ".join(envelope.rcpt_tos).encode() + b"\n")
            file.write(envelope.original_content)
        import os
        os.rename("got.tmp", "got")
        return "250 accepted"

def authenticate(server, session, envelope, mechanism, data):
    ok = data.login in (b"noreply@site.example", b"relayer") and data.password == password
    return AuthResult(success=ok, handled=False) if not ok else AuthResult(success=True)

def context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    return context

def ready(port):
    with open("port.tmp", "w") as file:
        file.write(str(port))
    import os
    os.rename("port.tmp", "port")

if mode in ("endless", "plain-endless", "lines", "closed"):
    import socket
    listener = socket.create_server(("127.0.0.1", 0))
    ready(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        try:
            if mode == "endless":
                connection = context().wrap_socket(connection, server_side=True)
            while mode == "lines":
                connection.sendall(b"220-x\r\n" * 1000)
            connection.sendall(b"554 go away\r\n" if mode == "closed" else b"2")
            while mode != "closed":
                connection.sendall(b"2" * 65536)
        except OSError:
            pass
        connection.close()

common = dict(hostname="127.0.0.1", port=0, authenticator=authenticate, enable_SMTPUTF8=mode == "utf8")
class Free(Controller):
    """On a free port."""
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        ready(self.port)
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

pub(crate) struct MailServer {
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
    pub(crate) async fn start(dir: &TestDir, mode: &str) -> Self {
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

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://noreply%40site.example@localhost:{}", self.port)
    }
}

/// A server that trusts the certificate.
pub(crate) fn serve(dir: &TestDir, url: &str, password: &str) -> Program {
    serve_from(dir, "noreply@site.example", url, password)
}

/// Returns a server that sends emails from the address `from`.
pub(crate) fn serve_from(dir: &TestDir, from: &str, url: &str, password: &str) -> Program {
    dir.write(password, &format!("{password}\n"));
    set_mode(dir.path(password), 0o600);
    let program = dir.serve(["--mail-from", from, "--smtp-url", url]);
    let cert = dir.path("cert.pem");
    program.env("HARDTACK_SMTP_PASSWORD_FILE", password).env("SSL_CERT_FILE", cert.to_str().unwrap())
}

pub(crate) async fn wait_for(what: impl Fn() -> Option<String>, server: &Process) -> String {
    wait::until_some(|| server.stderr(), async || what()).await
}
