//! Sends e-mails by SMTP, with one connection per message.

use std::error::Error as _;
use std::sync::Arc;

use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use super::MailError;
use super::email::ComposedEmail;

#[derive(Clone)]
pub(super) struct Smtp(Arc<AsyncSmtpTransport<Tokio1Executor>>);

/// What is wrong with a URL. The message does not contain the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSmtpUrl {
    #[error("it is not the URL of a mail server, such as smtp://127.0.0.1:25")]
    Malformed,
    #[error(
        "a password must not cross the network in clear text; use smtps:// or add ?tls=required"
    )]
    PasswordInClear,
}

impl Smtp {
    /// `smtp://host:port`, `smtp://user:password@host?tls=required` (STARTTLS), or `smtps://…`.
    pub(super) fn new(url: &str) -> Result<Smtp, BadSmtpUrl> {
        let parsed = Url::parse(url).map_err(|_| BadSmtpUrl::Malformed)?;
        let host = parsed.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(BadSmtpUrl::Malformed)?;
        let is_encrypted = parsed.scheme() == "smtps" || parsed.query() == Some("tls=required");
        let is_local = matches!(host, "localhost" | "127.0.0.1");
        if parsed.password().is_some() && parsed.scheme() == "smtp" && !is_encrypted && !is_local {
            return Err(BadSmtpUrl::PasswordInClear);
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let builder = builder.map_err(|_| BadSmtpUrl::Malformed)?;
        Ok(Smtp(Arc::new(builder.build())))
    }

    pub(super) async fn send(&self, email: &ComposedEmail) -> Result<(), MailError> {
        let sent = self.0.send(email.message().clone()).await;
        sent.map(|_| ()).map_err(|error| mail_error(&error))
    }
}

/// Keeps only the server's codes: its text often repeats the recipient's address.
fn mail_error(error: &Error) -> MailError {
    let Some(code) = error.status() else {
        return MailError::Unreachable("the connection to the mail server failed".to_owned());
    };
    let code = code.to_string();
    let detail = error.source().map(ToString::to_string).and_then(|text| enhanced_status(&text));
    let reason = format!("the mail server answered {code}{}", detail.unwrap_or_default());
    match code.as_str() {
        // RFC 5321 and RFC 4954: the server is closing, or it rejects the credentials. Neither is
        // about this message.
        "421" | "454" | "530" | "534" | "535" | "538" => MailError::Unreachable(reason),
        _ if error.is_permanent() => MailError::Refused(reason),
        _ => MailError::Postponed(reason),
    }
}

/// The enhanced status code (RFC 3463) that a reply may begin with, after a space, such as `
/// 5.1.1`.
fn enhanced_status(reply: &str) -> Option<String> {
    let first = reply.split_whitespace().next()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_code = first.split('.').count() == 3 && first.split('.').all(is_number);
    is_code.then(|| format!(" {first}"))
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Smtp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_kept_without_the_address_in_it() {
        let reply = "5.1.1 <ada@example.org>: no such user";
        assert_eq!(enhanced_status(reply), Some(" 5.1.1".to_owned()));
        assert_eq!(enhanced_status("ada@1.2.3 is unknown"), None);
        assert_eq!(enhanced_status(""), None);
    }

    #[tokio::test]
    async fn a_bad_url_is_refused_without_showing_its_password() {
        for (url, expected) in [
            ("", BadSmtpUrl::Malformed),
            ("mail.example", BadSmtpUrl::Malformed),
            ("smtp://", BadSmtpUrl::Malformed),
            ("http://u:hunter2@mail.example", BadSmtpUrl::Malformed),
            ("smtp://u:hunter2@mail.example?tls=opportunistic", BadSmtpUrl::PasswordInClear),
            ("smtp://u:hunter2@mail.example", BadSmtpUrl::PasswordInClear),
        ] {
            let error = Smtp::new(url).unwrap_err();
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
        for url in [
            "smtp://mail.example:2525",
            "smtp://u:p%40ss@localhost",
            "smtp://u:p%40ss@mail.example?tls=required",
            "smtps://u:p%40ss@mail.example",
        ] {
            assert!(Smtp::new(url).is_ok(), "{url}");
        }
    }
}
