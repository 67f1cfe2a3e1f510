//! A wire that loses a request or its answer at a chosen moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the next request that carries the mark.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub(crate) enum Fate {
    LoseRequest = 1,
    LoseAnswer = 2,
}

const STRUCK: u8 = 3;

pub(crate) struct Proxy {
    url: String,
    fate: Arc<AtomicU8>,
}

impl Proxy {
    /// A request that contains it may be lost.
    pub(crate) const MARK: &str = "lose me";

    /// A URL's `postgres://user@localhost:port/database?host=socket` becomes the proxy's own.
    pub(crate) async fn to(url: &str) -> Proxy {
        let plain = url.split('?').next().unwrap();
        let authority = plain.split('/').nth(2).unwrap();
        let port = authority.rsplit(':').next().unwrap();
        let upstream = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = authority.replace(&format!("localhost:{port}"), &address.to_string());
        let fate = Arc::new(AtomicU8::new(0));
        tokio::spawn(accept(listener, upstream, fate.clone()));
        Proxy { url: plain.replace(authority, &ours), fate }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn arm(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
    }

    /// Whether it has happened.
    pub(crate) fn struck(&self) -> bool {
        self.fate.load(Ordering::SeqCst) == STRUCK
    }
}

async fn accept(listener: TcpListener, upstream: String, fate: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&upstream).await.unwrap();
        tokio::spawn(forward(client, server, fate.clone()));
    }
}

/// Both ways, until one side ends or fate strikes; then both connections are closed.
async fn forward(mut client: TcpStream, mut server: TcpStream, fate: Arc<AtomicU8>) {
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut doomed = false;
    loop {
        let sent = tokio::select! {
            Ok(n) = client.read(&mut request) => {
                let request = &request[..n];
                if n == 0 {
                    return;
                }
                if is_marked(request) {
                    match fate.swap(STRUCK, Ordering::SeqCst) {
                        armed if armed == Fate::LoseRequest as u8 => return,
                        armed => doomed = armed == Fate::LoseAnswer as u8,
                    }
                }
                server.write_all(request).await
            }
            Ok(n) = server.read(&mut answer) => {
                if n == 0 || doomed {
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
