//! Renders messages from the files in `commands/templates`: for each message one as text and one as
//! HTML. The first line of the text is the subject.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::Money;
use domain::notification::{Message, Template};
use domain::order::CancelReason;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, UndefinedBehavior, context};

/// A message as its recipient reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RenderedMessage {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// All templates, parsed. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Templates(Arc<Environment<'static>>);

/// The templates of one message, each with its name and its text.
struct TemplateSource {
    subject: &'static str,
    text: (&'static str, &'static str),
    html: (&'static str, &'static str),
}

macro_rules! source {
    ($name:literal) => {
        TemplateSource {
            subject: concat!($name, ".subject"),
            text: (
                concat!($name, ".txt"),
                include_str!(concat!("../../../templates/", $name, ".txt")),
            ),
            html: (
                concat!($name, ".html"),
                include_str!(concat!("../../../templates/", $name, ".html")),
            ),
        }
    };
}

fn source(template: Template) -> TemplateSource {
    match template {
        Template::OrderConfirmation => source!("order_confirmation"),
        Template::PaymentConfirmation => source!("payment_confirmation"),
        Template::OrderProcessing => source!("order_processing"),
        Template::OrderShipped => source!("order_shipped"),
        Template::OrderDelivered => source!("order_delivered"),
        Template::OrderCancelled => source!("order_cancelled"),
        Template::OrderExpired => source!("order_expired"),
        Template::PaymentFailed => source!("payment_failed"),
        Template::Refund => source!("refund"),
        Template::ReturnAccepted => source!("return_accepted"),
        Template::LowStock => source!("low_stock"),
    }
}

/// The templates that the others include.
fn shared() -> [TemplateSource; 2] {
    [source!("layout"), source!("items")]
}

impl Templates {
    /// # Errors
    /// A template cannot be parsed.
    pub(super) fn new() -> Result<Templates, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("money", |amount: Serde<Money>| amount.to_string());
        environment.add_filter("reason", |reason: Serde<CancelReason>| reason.to_string());
        environment.add_filter("day", day);
        for TemplateSource { text, html, .. } in shared() {
            environment.add_template(text.0, text.1)?;
            environment.add_template(html.0, html.1)?;
        }
        for TemplateSource { subject, text, html } in Template::ALL.map(source) {
            let (first, rest) = text.1.split_once('\n').unwrap_or((text.1, ""));
            environment.add_template(subject, first)?;
            environment.add_template(text.0, rest)?;
            environment.add_template(html.0, html.1)?;
        }
        Ok(Templates(Arc::new(environment)))
    }

    /// Renders the message for a shop and a recipient, both by name.
    ///
    /// # Errors
    /// A template uses a field that the message does not have.
    pub(super) fn render(
        &self,
        shop: &str,
        name: &str,
        message: &Message,
    ) -> Result<RenderedMessage, Error> {
        let TemplateSource { subject, text, html } = source(message.template());
        let data = Value::from(Serde(message)).get_attr("data")?;
        let render = |template: &str, subject: &str| {
            self.0
                .get_template(template)?
                .render(context! { shop, name, data => data.clone(), subject })
        };
        let subject = one_line(&render(subject, "")?);
        let (text, html) = (render(text.0, &subject)?, render(html.0, &subject)?);
        Ok(RenderedMessage { subject, text, html })
    }
}

fn day(moment: Serde<DateTime<Utc>>) -> String {
    moment.format("%-d %B %Y").to_string()
}

/// Makes a text suitable for a header: every control character, such as a line break, becomes a
/// space.
pub(super) fn one_line(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
