//! One kept-alive HTTP/1.1 connection that costs the load generator little: it sends a prepared
//! request, and reads only the status and the length from the head of the answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::BenchError;

/// The longest that a client waits for an answer; after that the run fails.
const ANSWER_MAX: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct HttpConnection {
    stream: TcpStream,
    input: Vec<u8>,
}

/// The position of the answer's body in the input.
struct Head {
    status: u16,
    body_at: usize,
    body_bytes: usize,
}

impl HttpConnection {
    pub async fn open(address: SocketAddr) -> io::Result<HttpConnection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(HttpConnection { stream, input: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and returns the body of the answer, whose status must be 200.
    pub async fn call(&mut self, request: &[u8]) -> Result<&[u8], BenchError> {
        let body = timeout(ANSWER_MAX, self.exchange(request)).await;
        body.unwrap_or_else(|_| {
            let text = format!("none within {} s", ANSWER_MAX.as_secs());
            Err(BenchError::Answer(text))
        })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<&[u8], BenchError> {
        self.input.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(BenchError::answer("the server closed the connection", &self.input));
            }
            let Some(head) = head(&self.input)? else { continue };
            let end = head.body_at + head.body_bytes;
            if self.input.len() < end {
                continue;
            }
            if head.status != 200 || self.input.len() > end {
                return Err(BenchError::answer("not one answer with status 200", &self.input));
            }
            return Ok(&self.input[head.body_at..end]);
        }
    }
}

/// Parses the head, or returns None while it is incomplete.
fn head(input: &[u8]) -> Result<Option<Head>, BenchError> {
    let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let malformed = || BenchError::answer("no HTTP", input);
    let text = std::str::from_utf8(&input[..end]).map_err(|_| malformed())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body_bytes = length.and_then(|(_, value)| value.trim().parse().ok());
    let (status, body_bytes) = status.zip(body_bytes).ok_or_else(malformed)?;
    Ok(Some(Head { status, body_at: end + 4, body_bytes }))
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert!(head(&whole[..30]).unwrap().is_none());
        let head = head(whole).unwrap().unwrap();
        assert_eq!((head.status, head.body_at, head.body_bytes), (200, 38, 2));
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
