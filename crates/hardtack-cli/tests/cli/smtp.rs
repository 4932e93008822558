//! Mail over SMTP with TLS.

use std::fs;
use std::time::{Duration, Instant};

use crate::mail::{cause_mail, cause_mail_to};
use crate::mail_server::{MAIL_PASSWORD, MailServer, serve, serve_from, wait_for};
use crate::support::{TestDir, output, refusal, set_mode, sign_up, start};

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
    assert!(log.contains("no such mailbox <[hidden]>: see [hidden]"), "{log}");
    assert!(!log.contains("@mail.example") && !log.contains("help.example"), "{log}");
    assert!(!log.contains("no email can be sent at the moment"), "{log}");
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

/// Replies used to be logged with the user names and with encoded links.
#[tokio::test]
async fn l3_names_and_tokens_in_replies_are_not_logged() {
    let dir = TestDir::new();
    let mail = MailServer::start(&dir, "starttls").await;
    let url = mail.url("smtp").replace("noreply%40site.example@", "relayer@");
    let server = start(&serve(&dir, &url, MAIL_PASSWORD)).await;
    cause_mail_to(&server, "echo7").await;
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_refused")), &server).await;
    assert!(log.contains("5.7.1 canary [hidden] [hidden] [hidden] [hidden] [hidden] refused"), "{log}");
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
    for name in ["jürgen1", "jürgen2", "spam1"] {
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
    set_mode(dir.path("password"), 0o600);
    let shown = output(&dir.hardtack(["check-config", "--smtp-url", "smtps://noreply@mail.site.example:465"]));
    assert!(shown.contains("smtp_url is set, without its password: smtps://noreply@mail.site.example:465"), "{shown}");
    assert!(shown.contains("smtp_password is set, not shown") && !shown.contains(MAIL_PASSWORD), "{shown}");
}

/// Anyone on the network path can send such replies before STARTTLS. A line that never ended used to fill up the memory
/// until the timeout. A reply of many short lines used to keep a processor busy for longer than the timeout.
#[tokio::test]
async fn l1_a_reply_that_never_ends_is_cut_off() {
    let dir = TestDir::new();
    for (mode, scheme) in [("plain-endless", "smtp"), ("endless", "smtps"), ("lines", "smtp")] {
        let mail = MailServer::start(&dir, mode).await;
        let server = start(&serve(&dir, &mail.url(scheme), MAIL_PASSWORD)).await;
        cause_mail(&server).await;
        let since = Instant::now();
        let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_failed")), &server).await;
        assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
        assert!(log.contains("the server sent more than 32 KiB in one reply"), "{log}");
        assert!(log.contains("no email can be sent at the moment"), "{log}");
        server.stop().await;
        fs::remove_dir_all(dir.path("hardtack-data")).unwrap();
    }
}

/// The sender's address has not been sent yet, so it cannot be the reason.
#[tokio::test]
async fn a_refusal_in_the_greeting_is_not_blamed_on_the_sender() {
    let dir = TestDir::new();
    let mail = MailServer::start(&dir, "closed").await;
    let server = start(&serve(&dir, &mail.url("smtp"), MAIL_PASSWORD)).await;
    cause_mail(&server).await;
    let log = wait_for(|| Some(server.stderr()).filter(|log| log.contains("mail_failed")), &server).await;
    assert!(log.contains("go away; the mail server accepts no mail from this client; ask "), "{log}");
    assert!(log.contains("the name site.example in EHLO") && !log.contains("check mail_from"), "{log}");
    server.stop().await;
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
