//! What messages say: a template as text and one as HTML for each, in `commands/templates`. The
//! first line of the text is the subject.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::Money;
use domain::notification::{Message, Template};
use domain::order::CancelReason;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, UndefinedBehavior, context};

/// A message in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// All templates, parsed; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Templates(Arc<Environment<'static>>);

/// One message's templates, by name.
struct Source {
    subject: &'static str,
    text: (&'static str, &'static str),
    html: (&'static str, &'static str),
}

macro_rules! source {
    ($name:literal) => {
        Source {
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

fn source(template: Template) -> Source {
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

/// What the others are made of.
fn shared() -> [Source; 2] {
    [source!("layout"), source!("items")]
}

impl Templates {
    /// # Errors
    /// Where one of them cannot be parsed.
    pub(super) fn new() -> Result<Templates, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("money", |amount: Serde<Money>| amount.to_string());
        environment.add_filter("reason", |reason: Serde<CancelReason>| reason.to_string());
        environment.add_filter("day", day);
        for Source { text, html, .. } in shared() {
            environment.add_template(text.0, text.1)?;
            environment.add_template(html.0, html.1)?;
        }
        for Source { subject, text, html } in Template::ALL.map(source) {
            let (first, rest) = text.1.split_once('\n').unwrap_or((text.1, ""));
            environment.add_template(subject, first)?;
            environment.add_template(text.0, rest)?;
            environment.add_template(html.0, html.1)?;
        }
        Ok(Templates(Arc::new(environment)))
    }

    /// The message in the words of this shop, to somebody of this name.
    ///
    /// # Errors
    /// Where a template asks for what the message does not have.
    pub(super) fn render(&self, shop: &str, name: &str, message: &Message) -> Result<Words, Error> {
        let Source { subject, text, html } = source(message.template());
        let data = Value::from(Serde(message)).get_attr("data")?;
        let render = |template: &str, subject: &str| {
            self.0
                .get_template(template)?
                .render(context! { shop, name, data => data.clone(), subject })
        };
        let subject = one_line(&render(subject, "")?);
        let (text, html) = (render(text.0, &subject)?, render(html.0, &subject)?);
        Ok(Words { subject, text, html })
    }
}

fn day(moment: Serde<DateTime<Utc>>) -> String {
    moment.format("%-d %B %Y").to_string()
}

/// For a header: what would end the line is a space.
pub(super) fn one_line(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
