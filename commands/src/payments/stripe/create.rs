//! The request for an intent: how much, by which means, and whose it is.

use std::convert::Infallible;

use domain::PaymentId;
use domain::payment::{PaymentDetails, PaymentMethod};
use stripe_core::payment_intent::CreatePaymentIntent;
use stripe_core::{PaymentIntentAllowedPaymentMethodTypes, PaymentIntentCaptureMethod};
use stripe_types::Currency;

use super::answers::{CHARGE, intent_metadata};
use crate::payments::ProviderError;

/// Stripe counts the króna and the Ugandan shilling in hundredths, and the ariary in whole ones,
/// unlike ISO 4217 and us (docs.stripe.com/currencies): the amount would be off by a hundred.
const COUNTED_OTHERWISE: [&str; 3] = ["ISK", "MGA", "UGX"];

/// Confirmed at once and captured later; a card needs no page to come back to.
pub(super) fn request(
    payment: PaymentId,
    attempt: &PaymentDetails,
) -> Result<CreatePaymentIntent, ProviderError> {
    let currency = attempt.amount.currency;
    if attempt.method != PaymentMethod::Card {
        return Err(ProviderError::Refused("Stripe is asked for cards only".to_owned()));
    }
    if COUNTED_OTHERWISE.contains(&currency.code()) {
        return Err(ProviderError::Refused(format!("{currency} cannot be paid by card")));
    }
    let parsed: Result<Currency, Infallible> = currency.code().to_lowercase().parse();
    let Ok(currency) = parsed;
    Ok(CreatePaymentIntent::new(attempt.amount.amount, currency)
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .confirm(true)
        .payment_method(&*attempt.source)
        .allowed_payment_method_types([PaymentIntentAllowedPaymentMethodTypes::Card])
        .metadata(intent_metadata(payment, attempt))
        .expand([CHARGE.to_owned()]))
}
