//! Mail: whom it is from, and which server takes it.

use std::fmt;
use std::time::Duration;

use commands::mail::{Mailbox, Mailer, RetrySchedule, Settings};

use super::{Fault, Options, duration, masked_url};
use crate::secret::Secret;

/// The last pause is 720 times as long: two years.
const LONGEST_BACKOFF: Duration = Duration::from_secs(86_400);

/// What of the configuration is about mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The server that takes mail; `None` for a folder in the data directory. Secret, as it may hold
    /// a password.
    pub smtp_url: Option<Secret>,
    pub settings: Settings,
}

impl Mail {
    /// Mail into a folder, from nobody in particular.
    pub fn into_folder() -> Self {
        Mail { smtp_url: None, settings: Settings::default() }
    }
}

/// All that is wrong with it goes to the faults.
pub(super) fn read(options: &Options, faults: &mut Vec<Fault>) -> Mail {
    let smtp_url = options.smtp_url.clone().filter(|url| !url.is_empty());
    if let Some(url) = &smtp_url
        && let Err(source) = Mailer::smtp(url)
    {
        faults.push(Fault::SmtpUrl(source));
    }
    if options.mail_backoff.is_zero() || options.mail_backoff > LONGEST_BACKOFF {
        faults.push(Fault::MailBackoff);
    }
    if options.mail_timeout.is_zero() {
        faults.push(Fault::MailTimeout);
    }
    let defaults = Settings::default();
    let from = mailbox("MAIL_FROM", options.mail_from.as_deref(), faults);
    let settings = Settings {
        shop: options.shop_name.clone(),
        from: from.unwrap_or(defaults.from),
        staff: mailbox("CARTULARY_STAFF_MAIL", options.staff_mail.as_deref(), faults),
        backoff: RetrySchedule {
            first: chrono::TimeDelta::from_std(options.mail_backoff)
                .unwrap_or(defaults.backoff.first),
        },
        timeout: options.mail_timeout,
    };
    Mail { smtp_url: smtp_url.map(Secret::new), settings }
}

/// A variable set to nothing is as good as none.
fn mailbox(variable: &'static str, text: Option<&str>, faults: &mut Vec<Fault>) -> Option<Mailbox> {
    let text = text.filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(mailbox) => Some(mailbox),
        Err(_) => {
            faults.push(Fault::Mailbox { variable, text: text.to_owned() });
            None
        }
    }
}

/// As it is configured, each behind its variable; the password masked.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { shop, from, staff, backoff, timeout } = &self.settings;
        let server =
            self.smtp_url.as_ref().map_or("(folder)".into(), |url| masked_url(url.expose()));
        let staff = staff.as_ref().map_or("(nobody)".to_owned(), ToString::to_string);
        let first = backoff.first.to_std().unwrap_or_default();
        writeln!(f, "SMTP_URL={server}")?;
        writeln!(f, "MAIL_FROM={from}")?;
        writeln!(f, "CARTULARY_STAFF_MAIL={staff}")?;
        writeln!(f, "CARTULARY_SHOP_NAME={shop}")?;
        writeln!(f, "CARTULARY_MAIL_BACKOFF={}", duration::format(first))?;
        writeln!(f, "CARTULARY_MAIL_TIMEOUT={}", duration::format(*timeout))
    }
}
