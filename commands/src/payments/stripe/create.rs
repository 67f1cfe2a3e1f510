//! The request that creates an intent.

use domain::PaymentId;
use domain::payment::{PaymentDetails, PaymentMethod};

use super::objects::{CHARGE, intent_metadata};
use super::request::StripeRequest;
use crate::payments::ProviderError;

/// Stripe counts the króna and the Ugandan shilling in hundredths, and the ariary in whole units,
/// unlike ISO 4217 and this shop (docs.stripe.com/currencies): the amount would be off by a factor
/// of a hundred.
const UNSUPPORTED_CURRENCIES: [&str; 3] = ["ISK", "MGA", "UGX"];

/// The intent is confirmed at once and captured later. A card payment needs no return page.
///
/// # Errors
/// A method or a currency that this shop cannot use with Stripe.
pub(super) fn request(
    payment: PaymentId,
    details: &PaymentDetails,
) -> Result<StripeRequest, ProviderError> {
    let currency = details.amount.currency;
    if details.method != PaymentMethod::Card {
        return Err(ProviderError::Refused("only cards can be paid by Stripe".to_owned()));
    }
    if UNSUPPORTED_CURRENCIES.contains(&currency.code()) {
        return Err(ProviderError::Refused(format!("{currency} cannot be paid by card")));
    }
    Ok(StripeRequest::post("payment_intents")
        .field("amount", details.amount.amount)
        .field("currency", currency.code().to_lowercase())
        .field("capture_method", "manual")
        .field("confirm", true)
        .field("payment_method", &details.source)
        .field("allowed_payment_method_types[0]", "card")
        .metadata(intent_metadata(payment, details))
        .expand(CHARGE))
}
