//! A place among the requests that are executed at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Refusal;
use crate::metrics::requests::IN_FLIGHT;

/// A request's place.  It is in the request's data, so that a resolver which will only wait for a
/// payment provider can [give it up](Slot::give_up): waiting costs nothing and must not fill the server.
#[derive(Debug)]
pub struct Slot(Mutex<Option<Place>>);

/// Counted for as long as it is taken.
#[derive(Debug)]
struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Drop for Place {
    fn drop(&mut self) {
        IN_FLIGHT.dec();
    }
}

impl Slot {
    /// Takes a free place; there is no queue, as a client can wait better than a server.
    pub fn take(slots: &Arc<Semaphore>) -> Result<Arc<Slot>, Refusal> {
        let permit = slots.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
        IN_FLIGHT.inc();
        Ok(Arc::new(Slot(Mutex::new(Some(Place(permit))))))
    }

    /// Lets another request in, though this one is not done.
    pub fn give_up(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
