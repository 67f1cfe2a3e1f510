//! A proxy in front of Postgres that loses a request or its answer when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy does with the next request that contains the mark.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Loss {
    Request = 1,
    Answer = 2,
}

const LOST: u8 = 3;

pub(crate) struct Proxy {
    url: String,
    loss: Arc<AtomicU8>,
}

impl Proxy {
    /// Only a request that contains this text may be lost.
    pub(crate) const MARK: &str = "lose me";

    /// A proxy for the server of this URL, which has the form
    /// `postgres://user@localhost:port/database?host=socket`.
    pub(crate) async fn to(url: &str) -> Proxy {
        let plain = url.split('?').next().unwrap();
        let authority = plain.split('/').nth(2).unwrap();
        let port = authority.rsplit(':').next().unwrap();
        let upstream = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = authority.replace(&format!("localhost:{port}"), &address.to_string());
        let loss = Arc::new(AtomicU8::new(0));
        tokio::spawn(accept(listener, upstream, loss.clone()));
        Proxy { url: plain.replace(authority, &ours), loss }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn arm(&self, loss: Loss) {
        self.loss.store(loss as u8, Ordering::SeqCst);
    }

    /// Whether a request or an answer was lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.loss.load(Ordering::SeqCst) == LOST
    }
}

async fn accept(listener: TcpListener, upstream: String, loss: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&upstream).await.unwrap();
        tokio::spawn(forward(client, server, loss.clone()));
    }
}

/// Forwards in both directions, until one side ends or something is lost; then closes both
/// connections.
async fn forward(mut client: TcpStream, mut server: TcpStream, loss: Arc<AtomicU8>) {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_lost = false;
    loop {
        let sent = tokio::select! {
            Ok(n) = client.read(&mut request) => {
                let request = &request[..n];
                if n == 0 {
                    return;
                }
                if is_marked(request) {
                    match loss.swap(LOST, Ordering::SeqCst) {
                        armed if armed == Loss::Request as u8 => return,
                        armed => is_lost = armed == Loss::Answer as u8,
                    }
                }
                server.write_all(request).await
            }
            Ok(n) = server.read(&mut answer) => {
                if n == 0 || is_lost {
                    return;
                }
                client.write_all(&answer[..n]).await
            }
            else => return,
        };
        if sent.is_err() {
            return;
        }
    }
}

fn is_marked(request: &[u8]) -> bool {
    request.windows(Proxy::MARK.len()).any(|part| part == Proxy::MARK.as_bytes())
}
