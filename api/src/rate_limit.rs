//! Limits the rate of requests of each caller.
//!
//! Requests are counted by the person or program that signed in, else by the cart of a guest, else by the client's
//! address. A request with invalid credentials is counted by its address, so that guessing credentials is limited
//! like anonymous requests.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, request};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use uuid::Uuid;

use crate::auth::Caller;
use crate::config::Limits;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How often the counts of callers are removed who may send a full burst again.
const CLEAN_EVERY: Duration = Duration::from_secs(10);

/// What a request is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum CountedBy {
    Person(Uuid),
    Cart(Uuid),
    Program(Arc<str>),
    Address(IpAddr),
}

/// Counts requests by caller. It is cheap to clone. If the limit is switched off, it counts nothing.
#[derive(Debug, Clone)]
pub struct RateLimit {
    counts: Option<Arc<DefaultKeyedRateLimiter<CountedBy>>>,
    /// The number of trusted proxies in front of this server. Each appends the address of its client to
    /// `X-Forwarded-For`.
    proxies: usize,
}

/// The caller has sent too many requests. The next one is admitted after `retry_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; send the next one in {} s", self.retry_after_s())]
pub struct TooManyRequests {
    pub retry_after: Duration,
}

impl TooManyRequests {
    /// The time to wait in whole seconds, rounded up, for the header `Retry-After`.
    pub fn retry_after_s(self) -> u64 {
        self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)
    }
}

impl RateLimit {
    /// Starts to count. It spawns a task that removes old counts; the task ends when the last clone is dropped.
    pub fn start(limits: &Limits) -> RateLimit {
        let counts = quota(limits).map(|quota| Arc::new(DefaultKeyedRateLimiter::keyed(quota)));
        if let Some(counts) = &counts {
            let counts = Arc::downgrade(counts);
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(CLEAN_EVERY);
                loop {
                    ticks.tick().await;
                    let Some(counts) = counts.upgrade() else { return };
                    counts.retain_recent();
                    counts.shrink_to_fit();
                }
            });
        }
        RateLimit { counts, proxies: limits.proxies }
    }

    /// Counts a request of this caller. An anonymous request is counted by its address.
    ///
    /// # Errors
    /// If the caller has sent too many requests.
    pub fn admit(&self, caller: &Caller, head: &request::Parts) -> Result<(), TooManyRequests> {
        let Some(counts) = &self.counts else { return Ok(()) };
        let key = match caller {
            Caller::Customer { id } => CountedBy::Person(id.0),
            Caller::Support { id } | Caller::Admin { id } => CountedBy::Person(*id),
            Caller::Guest { cart } => CountedBy::Cart(cart.0),
            Caller::Key { name, .. } => CountedBy::Program(name.clone()),
            Caller::Anonymous => CountedBy::Address(self.client_address(head)),
        };
        let allowed = counts.check_key(&key);
        allowed.map_err(|until| TooManyRequests {
            retry_after: until.wait_time_from(DefaultClock::default().now()),
        })
    }

    /// The client's address as the outermost trusted proxy has seen it. Earlier entries of the header can be forged
    /// by the client.
    fn client_address(&self, head: &request::Parts) -> IpAddr {
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv6Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
        let forwarded = self.proxies.checked_sub(1).and_then(|n| nth_forwarded(&head.headers, n));
        to_network(forwarded.unwrap_or(peer))
    }
}

/// The quota of each caller; `None` if the limit is switched off.
fn quota(limits: &Limits) -> Option<Quota> {
    let rate = NonZeroU32::new(limits.rate)?;
    let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
    Some(Quota::per_second(rate).allow_burst(burst))
}

/// The address at place `nth`, counted from the end, of all `X-Forwarded-For` headers together.
fn nth_forwarded(headers: &HeaderMap, nth: usize) -> Option<IpAddr> {
    let lists = headers.get_all(FORWARDED_FOR).into_iter().rev();
    let mut hops = lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.rsplit(','));
    hops.nth(nth)?.trim().parse().ok()
}

/// Replaces an IPv6 address by its /64 network, because a client usually has the whole network.
fn to_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn limit(rate: u32, burst: u32, proxies: usize) -> Limits {
        Limits { rate, burst, proxies, ..Limits::default() }
    }

    fn from(peer: &str, forwarded: &[&str]) -> request::Parts {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = Request::builder().extension(ConnectInfo(peer));
        let add = |request: axum::http::request::Builder, list: &&str| {
            request.header(FORWARDED_FOR, *list)
        };
        forwarded.iter().fold(request, add).body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn each_caller_has_a_burst_of_their_own_and_old_counts_are_removed() {
        let limits = RateLimit::start(&limit(1_000, 2, 0));
        let head = from("192.0.2.1:1", &[]);
        let customer = Caller::Customer { id: domain::CustomerId(Uuid::from_u128(1)) };
        for caller in [Caller::Anonymous, customer] {
            let admitted = (0..100).filter(|_| limits.admit(&caller, &head).is_ok()).count();
            assert!((2..100).contains(&admitted), "{admitted}");
        }
        let counts = limits.counts.unwrap();
        assert_eq!(counts.len(), 2);
        while !counts.is_empty() {
            counts.retain_recent();
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_rate_of_zero_is_no_limit() {
        let limits = RateLimit::start(&limit(0, 1, 0));
        let head = from("192.0.2.1:1", &[]);
        assert!((0..1_000).all(|_| limits.admit(&Caller::Anonymous, &head).is_ok()));
    }

    #[tokio::test]
    async fn the_address_is_taken_from_trusted_proxies_only() {
        let address = |proxies, forwarded: &[&str]| {
            let limits = RateLimit { counts: None, proxies };
            limits.client_address(&from("192.0.2.9:1", forwarded)).to_string()
        };
        assert_eq!(address(0, &["203.0.113.7"]), "192.0.2.9");
        assert_eq!(address(1, &["198.51.100.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(address(2, &["198.51.100.1", "203.0.113.7"]), "198.51.100.1");
        assert_eq!(address(1, &["nonsense"]), "192.0.2.9");
        assert_eq!(address(1, &["2001:db8:1:2:3:4:5:6"]), "2001:db8:1:2::");
        assert_eq!(address(1, &["::ffff:203.0.113.7"]), "203.0.113.7");
    }
}
