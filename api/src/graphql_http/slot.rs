//! A slot: one of the GraphQL requests that are executed at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refusal;
use crate::metrics::requests::IN_FLIGHT;

/// A request's slot. It is in the request's data, so that a resolver which only waits for a payment
/// provider can [release](Slot::release) it: waiting costs nothing and must not fill the server.
#[derive(Debug)]
pub struct Slot(Mutex<Option<CountedPermit>>);

/// A permit that is counted in the metrics for as long as it is held.
#[derive(Debug)]
struct CountedPermit(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Drop for CountedPermit {
    fn drop(&mut self) {
        IN_FLIGHT.dec();
    }
}

impl Slot {
    /// Takes a free slot. There is no queue: a client can wait better than a server.
    pub fn take(slots: &Arc<Semaphore>) -> Result<Arc<Slot>, Refusal> {
        let permit = slots.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        IN_FLIGHT.inc();
        Ok(Arc::new(Slot(Mutex::new(Some(CountedPermit(permit))))))
    }

    /// Releases the slot before the request ends, so that another request can be executed.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
