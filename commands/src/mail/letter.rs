//! A message as it is sent: headers, and the same contents as text and as HTML.

use domain::{Email, NotificationId, Timestamp};
use lettre::Address;
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::words::{Words, one_line};

/// A message that is ready to be sent.
#[derive(Debug)]
pub(super) struct Letter {
    name: String,
    message: Message,
}

/// Who it is from and to, and which one it is.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) notification: NotificationId,
    pub(super) requested_at: Timestamp,
    pub(super) from: &'a Mailbox,
    pub(super) to: Mailbox,
}

impl Letter {
    /// The same envelope and words make the same bytes: whoever gets a message twice can tell.
    ///
    /// # Errors
    /// Where headers and parts make no message.
    pub(super) fn new(
        envelope: Envelope<'_>,
        words: &Words,
    ) -> Result<Letter, lettre::error::Error> {
        let Envelope { notification, requested_at, from, to } = envelope;
        let boundary = notification.0.simple().to_string();
        let parts = MultiPart::alternative()
            .boundary(boundary)
            .singlepart(SinglePart::plain(words.text.clone()))
            .singlepart(SinglePart::html(words.html.clone()));
        let message = Message::builder()
            .message_id(Some(format!("<{notification}@{}>", from.email.domain())))
            .date(requested_at.into())
            .from(from.clone())
            .to(to)
            .subject(&words.subject)
            .multipart(parts)?;
        let name = format!("{}-{notification}", requested_at.format("%Y%m%dT%H%M%S"));
        Ok(Letter { name, message })
    }

    /// For a file; in the order in which messages were asked for.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }
}

/// Where mail to a person goes; nothing, where no mail can be sent to such an address.
pub(super) fn mailbox(name: &str, email: &Email) -> Option<Mailbox> {
    let address: Address = email.as_str().parse().ok()?;
    Some(Mailbox::new(Some(one_line(name)), address))
}

#[cfg(test)]
mod tests {
    use domain::Contact;
    use uuid::Uuid;

    use super::*;

    fn letter(name: &str) -> String {
        let email: Email = "ada@example.org".parse().unwrap();
        let words = Words {
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
        let letter = Letter::new(envelope, &words).unwrap();
        String::from_utf8(letter.message().formatted()).unwrap()
    }

    fn headers(letter: &str) -> Vec<&str> {
        let (head, _) = letter.split_once("\r\n\r\n").unwrap();
        head.split("\r\n").filter(|line| !line.starts_with(' ')).collect()
    }

    #[test]
    fn a_name_makes_no_header() {
        let plain = headers(&letter("Ada")).len();
        for name in
            ["Ada\r\nBcc: eve@example.com", "Ada\nBcc: eve@example.com", "Ada\rX: y", "A\0b"]
        {
            let letter = letter(name);
            assert_eq!(headers(&letter).len(), plain, "{letter}");
            assert!(!letter.contains("\nBcc:") && !letter.contains("\rX:"), "{letter}");
        }
    }

    #[test]
    fn a_message_that_is_sent_again_is_the_same_message() {
        assert_eq!(letter("Ada"), letter("Ada"));
        let letter = letter("Ada");
        let id = "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>";
        assert!(headers(&letter).contains(&id), "{letter}");
        assert!(letter.contains("text/plain") && letter.contains("text/html"), "{letter}");
    }

    #[test]
    fn an_address_that_mail_cannot_go_to_is_told_beforehand() {
        let email: Email = "ada(at)home@exa_mple..org".parse().unwrap();
        assert_eq!(mailbox("Ada", &email), None);
        let name = domain::Text::new("Ada", 10).unwrap();
        let contact = Contact { name, email: "ada@example.org".parse().unwrap(), phone: None };
        assert!(mailbox(contact.name.as_str(), &contact.email).is_some());
    }
}
