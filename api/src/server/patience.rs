//! How long a connection may go without a complete head of a request: long while nothing has come,
//! briefly once it has begun.
//!
//! hyper 1.12 has one time limit for both, which runs from the end of the last answer.  A short one
//! closes idle connections under the hands of clients that keep them in a pool; a long one lets a slow
//! head hold a socket.  So hyper is given the long one, with a timer that becomes short when the
//! connection's first bytes are read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::InspectReader;

/// The timer of one connection.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// How long a head may take that has begun.
    head_within: Duration,
    /// Whether bytes came since hyper began to wait for a head.  A client that has just connected owes
    /// one, so it counts as begun.
    begun: Arc<AtomicBool>,
    is_first: Arc<AtomicBool>,
}

impl Patience {
    pub(super) fn new(head_within: Duration) -> Self {
        let yes = || Arc::new(AtomicBool::new(true));
        Patience { head_within, begun: yes(), is_first: yes() }
    }

    /// The same stream, whose reads are noticed.
    ///
    /// What was read together with the end of the request before is not: it waits as long as an idle
    /// connection at most, and costs no more.
    pub(super) fn watch(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> impl AsyncRead + AsyncWrite + Unpin + Send + 'static {
        let begun = self.begun.clone();
        InspectReader::new(stream, move |_: &[u8]| begun.store(true, Ordering::Relaxed))
    }
}

/// hyper asks for a timer when it begins to wait for a head, and for nothing else.
impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        self.begun.store(is_first, Ordering::Relaxed);
        Box::pin(Waiting {
            end: Box::pin(tokio::time::sleep_until(deadline.into())),
            head_within: Some(self.head_within),
            begun: self.begun.clone(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// Polled after every read that did not complete the head.
struct Waiting {
    end: Pin<Box<tokio::time::Sleep>>,
    /// Until the head has begun.
    head_within: Option<Duration>,
    begun: Arc<AtomicBool>,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.begun.load(Ordering::Relaxed)
            && let Some(head_within) = self.head_within.take()
        {
            let end = self.end.deadline().min(tokio::time::Instant::now() + head_within);
            self.end.as_mut().reset(end);
        }
        self.end.as_mut().poll(context)
    }
}

impl Sleep for Waiting {}
