//! Numbers and sums of requests to the provider.

use std::collections::BTreeMap;

use super::MoneyRequest;

/// Requests are numbered from 1.
pub(super) fn next_request(requests: &BTreeMap<u32, MoneyRequest>) -> u32 {
    requests.last_key_value().map_or(1, |(request, _)| request + 1)
}

/// What is requested and not answered yet; minor units.
pub(super) fn pending_amount(requests: &BTreeMap<u32, MoneyRequest>) -> i64 {
    sum(requests.values().filter(|request| request.pending).map(|request| &request.amount))
}

/// Saturates, since facts are recorded as the provider reports them, however absurd their amounts.
pub(super) fn sum<'a>(amounts: impl Iterator<Item = &'a i64>) -> i64 {
    amounts.fold(0, |sum, amount| sum.saturating_add(*amount))
}
