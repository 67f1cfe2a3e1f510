//! Mail: its sender, its server and its retries.

use std::fmt;
use std::time::Duration;

use commands::mail::{Mailbox, Mailer, RetrySchedule, Settings};

use super::{ConfigError, Options};
use crate::duration;
use crate::secret::{Secret, masked_url};

/// The longest pause that may be configured after the first failure. The last pause is 720 times as long: two years.
const LONGEST_BACKOFF: Duration = Duration::from_secs(86_400);

/// The settings of mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The server that mail is sent to; `None` for a folder in the data directory. Secret, because it may
    /// hold a password.
    pub smtp_url: Option<Secret>,
    pub settings: Settings,
}

impl Mail {
    /// Mail that is written into a folder, with the default sender.
    pub fn to_folder() -> Self {
        Mail { smtp_url: None, settings: Settings::default() }
    }
}

pub(super) fn read(options: &Options, errors: &mut Vec<ConfigError>) -> Option<Mail> {
    let smtp_url = options.smtp_url.clone().filter(|url| !url.is_empty());
    if let Some(url) = &smtp_url
        && let Err(source) = Mailer::smtp(url)
    {
        errors.push(ConfigError::SmtpUrl(source));
    }
    let backoff = Some(options.mail_backoff)
        .filter(|first| !first.is_zero() && *first <= LONGEST_BACKOFF)
        .and_then(|first| chrono::TimeDelta::from_std(first).ok())
        .map(|first| RetrySchedule { first });
    if backoff.is_none() {
        errors.push(ConfigError::MailBackoff);
    }
    let from = read_mailbox("MAIL_FROM", options.mail_from.as_deref(), errors);
    let staff = read_mailbox("CARTULARY_STAFF_MAIL", options.staff_mail.as_deref(), errors);
    let settings = Settings {
        shop: options.shop_name.clone(),
        from: from.unwrap_or_else(|| Settings::default().from),
        staff,
        backoff: backoff?,
        timeout: options.mail_timeout,
    };
    Some(Mail { smtp_url: smtp_url.map(Secret::new), settings })
}

fn read_mailbox(
    variable: &'static str,
    text: Option<&str>,
    errors: &mut Vec<ConfigError>,
) -> Option<Mailbox> {
    let text = text.filter(|text| !text.is_empty())?;
    let error = |_| errors.push(ConfigError::Mailbox { variable, text: text.to_owned() });
    text.parse().map_err(error).ok()
}

/// Prints one line per setting, with the name of its variable. The password is masked.
impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { shop, from, staff, backoff, timeout } = &self.settings;
        let server =
            self.smtp_url.as_ref().map_or("(folder)".into(), |url| masked_url(url.expose()));
        let staff = staff.as_ref().map_or("(none)".to_owned(), ToString::to_string);
        let first = backoff.first.to_std().unwrap_or_default();
        writeln!(f, "SMTP_URL={server}")?;
        writeln!(f, "MAIL_FROM={from}")?;
        writeln!(f, "CARTULARY_STAFF_MAIL={staff}")?;
        writeln!(f, "CARTULARY_SHOP_NAME={shop}")?;
        writeln!(f, "CARTULARY_MAIL_BACKOFF={}", duration::format(first))?;
        writeln!(f, "CARTULARY_MAIL_TIMEOUT={}", duration::format(*timeout))
    }
}
