//! The request that creates an intent.

use std::convert::Infallible;

use domain::PaymentId;
use domain::payment::{PaymentDetails, PaymentMethod};
use stripe_core::payment_intent::CreatePaymentIntent;
use stripe_core::{PaymentIntentAllowedPaymentMethodTypes, PaymentIntentCaptureMethod};
use stripe_types::Currency;

use super::objects::{CHARGE, intent_metadata};
use crate::payments::ProviderError;

/// Stripe counts the króna and the Ugandan shilling in hundredths, and the ariary in whole units, unlike
/// ISO 4217 and this shop (docs.stripe.com/currencies): the amount would be off by a factor of a hundred.
const UNSUPPORTED_CURRENCIES: [&str; 3] = ["ISK", "MGA", "UGX"];

/// The intent is confirmed at once and captured later. A card payment needs no return page.
///
/// # Errors
/// A method or a currency that this shop cannot use with Stripe.
pub(super) fn request(
    payment: PaymentId,
    details: &PaymentDetails,
) -> Result<CreatePaymentIntent, ProviderError> {
    let currency = details.amount.currency;
    if details.method != PaymentMethod::Card {
        return Err(ProviderError::Refused("only cards can be paid by Stripe".to_owned()));
    }
    if UNSUPPORTED_CURRENCIES.contains(&currency.code()) {
        return Err(ProviderError::Refused(format!("{currency} cannot be paid by card")));
    }
    let parsed: Result<Currency, Infallible> = currency.code().to_lowercase().parse();
    let Ok(currency) = parsed;
    Ok(CreatePaymentIntent::new(details.amount.amount, currency)
        .capture_method(PaymentIntentCaptureMethod::Manual)
        .confirm(true)
        .payment_method(&*details.source)
        .allowed_payment_method_types([PaymentIntentAllowedPaymentMethodTypes::Card])
        .metadata(intent_metadata(payment, details))
        .expand([CHARGE.to_owned()]))
}
