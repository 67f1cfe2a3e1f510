//! Two time limits of a connection: a long one for idle connections, and a short one for the head of a
//! request that has started.
//!
//! hyper 1.12 has one time limit for both, which runs from the end of the last answer. A short limit would close
//! connections that clients keep in a pool, and a long limit would let a slow head hold a socket. Therefore hyper
//! gets the long limit, and a timer that shortens it when the first bytes of a head are read.

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
pub(super) struct HeadTimer {
    /// The time limit of a head that has started.
    head_within: Duration,
    /// Whether bytes were read since hyper started to wait for a head. The first head of a connection counts
    /// as started when the client connects.
    has_started: Arc<AtomicBool>,
    is_first: Arc<AtomicBool>,
}

impl HeadTimer {
    pub(super) fn new(head_within: Duration) -> Self {
        let is_true = || Arc::new(AtomicBool::new(true));
        HeadTimer { head_within, has_started: is_true(), is_first: is_true() }
    }

    /// Wraps the stream, so that the timer notices when bytes are read.
    ///
    /// It does not notice bytes that were read together with the end of the previous request. Such a head has the
    /// time limit of an idle connection.
    pub(super) fn watch(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> impl AsyncRead + AsyncWrite + Unpin + Send + 'static {
        let has_started = self.has_started.clone();
        InspectReader::new(stream, move |_: &[u8]| has_started.store(true, Ordering::Relaxed))
    }
}

/// hyper uses the timer only to wait for a head.
impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let is_first = self.is_first.swap(false, Ordering::Relaxed);
        self.has_started.store(is_first, Ordering::Relaxed);
        Box::pin(Waiting {
            end: Box::pin(tokio::time::sleep_until(deadline.into())),
            head_within: Some(self.head_within),
            has_started: self.has_started.clone(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// The time limit of one head. hyper polls it after every read that did not complete the head.
struct Waiting {
    end: Pin<Box<tokio::time::Sleep>>,
    /// `None` once the head has started.
    head_within: Option<Duration>,
    has_started: Arc<AtomicBool>,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.has_started.load(Ordering::Relaxed)
            && let Some(head_within) = self.head_within.take()
        {
            let end = self.end.deadline().min(tokio::time::Instant::now() + head_within);
            self.end.as_mut().reset(end);
        }
        self.end.as_mut().poll(context)
    }
}

impl Sleep for Waiting {}
