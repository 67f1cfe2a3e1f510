//! Composes an e-mail: headers, and the same message as text and as HTML.

use domain::{Email, NotificationId, Timestamp};
use lettre::Address;
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::templates::{RenderedMessage, one_line};

/// An e-mail that is ready to be sent.
#[derive(Debug)]
pub(super) struct ComposedEmail {
    file_name: String,
    message: Message,
}

/// Sender and recipient of an e-mail, and the notification that it belongs to.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) notification: NotificationId,
    pub(super) requested_at: Timestamp,
    pub(super) from: &'a Mailbox,
    pub(super) to: Mailbox,
}

impl ComposedEmail {
    /// The same envelope and message give the same bytes, with the same Message-ID, so a mail
    /// program that receives both can drop one.
    ///
    /// # Errors
    /// The headers cannot be built from the envelope.
    pub(super) fn new(
        envelope: Envelope<'_>,
        rendered: &RenderedMessage,
    ) -> Result<ComposedEmail, lettre::error::Error> {
        let Envelope { notification, requested_at, from, to } = envelope;
        let boundary = notification.0.simple().to_string();
        let parts = MultiPart::alternative()
            .boundary(boundary)
            .singlepart(SinglePart::plain(rendered.text.clone()))
            .singlepart(SinglePart::html(rendered.html.clone()));
        let message = Message::builder()
            .message_id(Some(format!("<{notification}@{}>", from.email.domain())))
            .date(requested_at.into())
            .from(from.clone())
            .to(to)
            .subject(&rendered.subject)
            .multipart(parts)?;
        let file_name = format!("{}-{notification}.eml", requested_at.format("%Y%m%dT%H%M%S"));
        Ok(ComposedEmail { file_name, message })
    }

    /// The name of its file. Names sort in the order in which the messages were requested.
    pub(super) fn file_name(&self) -> &str {
        &self.file_name
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }
}

/// The mailbox of a person. `None` if mail cannot be sent to such an address.
pub(super) fn mailbox(name: &str, email: &Email) -> Option<Mailbox> {
    let address: Address = email.as_str().parse().ok()?;
    Some(Mailbox::new(Some(one_line(name)), address))
}

#[cfg(test)]
mod tests {
    use domain::Contact;
    use uuid::Uuid;

    use super::*;

    fn formatted_email(name: &str) -> String {
        let email: Email = "ada@example.org".parse().unwrap();
        let rendered = RenderedMessage {
            subject: "Grüße".to_owned(),
            text: "Hello Ada".to_owned(),
            html: "<p>Hello Ada</p>".to_owned(),
        };
        let envelope = Envelope {
            notification: NotificationId(Uuid::from_u128(7)),
            requested_at: chrono::DateTime::UNIX_EPOCH,
            from: &"Mugs & more <shop@example.com>".parse().unwrap(),
            to: mailbox(name, &email).unwrap(),
        };
        let email = ComposedEmail::new(envelope, &rendered).unwrap();
        String::from_utf8(email.message().formatted()).unwrap()
    }

    fn headers(email: &str) -> Vec<&str> {
        let (head, _) = email.split_once("\r\n\r\n").unwrap();
        head.split("\r\n").filter(|line| !line.starts_with(' ')).collect()
    }

    #[test]
    fn a_name_cannot_add_a_header() {
        let plain = headers(&formatted_email("Ada")).len();
        for name in
            ["Ada\r\nBcc: eve@example.com", "Ada\nBcc: eve@example.com", "Ada\rX: y", "A\0b"]
        {
            let email = formatted_email(name);
            assert_eq!(headers(&email).len(), plain, "{email}");
            assert!(!email.contains("\nBcc:") && !email.contains("\rX:"), "{email}");
        }
    }

    #[test]
    fn a_message_that_is_sent_again_is_the_same_message() {
        assert_eq!(formatted_email("Ada"), formatted_email("Ada"));
        let email = formatted_email("Ada");
        let id = "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>";
        assert!(headers(&email).contains(&id), "{email}");
        assert!(email.contains("text/plain") && email.contains("text/html"), "{email}");
    }

    #[test]
    fn an_address_that_mail_cannot_be_sent_to_has_no_mailbox() {
        let email: Email = "ada(at)home@exa_mple..org".parse().unwrap();
        assert_eq!(mailbox("Ada", &email), None);
        let name = domain::Text::new("Ada", 10).unwrap();
        let contact = Contact { name, email: "ada@example.org".parse().unwrap(), phone: None };
        assert!(mailbox(contact.name.as_str(), &contact.email).is_some());
    }
}
