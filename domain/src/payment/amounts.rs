//! Numbers and sums of requests to the provider.

use std::collections::BTreeMap;

use super::MoneyRequest;

/// The number of the next request, counted from 1.
pub(super) fn next_request(requests: &BTreeMap<u32, MoneyRequest>) -> u32 {
    requests.last_key_value().map_or(1, |(request, _)| request + 1)
}

/// The requested amount that is not answered yet, in minor units.
pub(super) fn pending_amount(requests: &BTreeMap<u32, MoneyRequest>) -> i64 {
    sum(requests.values().filter(|request| request.pending).map(|request| &request.amount))
}

/// Saturates, because facts are recorded as the provider reports them, even with impossible
/// amounts.
pub(super) fn sum<'a>(amounts: impl Iterator<Item = &'a i64>) -> i64 {
    amounts.fold(0, |sum, amount| sum.saturating_add(*amount))
}
