//! Slots limit the number of GraphQL requests that are executed at the same time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refusal;
use crate::metrics::requests::IN_FLIGHT;

/// The slot of one request. A resolver finds it in the request's data, and [releases](Slot::release) it while it only
/// waits for a payment provider: waiting needs no processor time, so it must not keep other requests out.
#[derive(Debug)]
pub struct Slot(Mutex<Option<CountedPermit>>);

/// A permit that is counted in the metrics while it is held.
#[derive(Debug)]
struct CountedPermit(
    #[expect(dead_code, reason = "dropping it returns the permit")] OwnedSemaphorePermit,
);

impl Drop for CountedPermit {
    fn drop(&mut self) {
        IN_FLIGHT.dec();
    }
}

impl Slot {
    /// Takes a free slot. If there is none, the request is refused at once and the client retries: a queue in the server
    /// would only delay every request.
    pub fn take(slots: &Arc<Semaphore>) -> Result<Arc<Slot>, Refusal> {
        let permit = slots.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        IN_FLIGHT.inc();
        Ok(Arc::new(Slot(Mutex::new(Some(CountedPermit(permit))))))
    }

    /// Releases the slot before the request ends.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
