//! The part of an HTTP/1.1 server that a Lambda runtime needs: requests with bodies of known length
//! or in chunks (trailers included), `Expect: 100-continue`, persistent connections, and responses
//! of known length. Ambiguous and malformed requests are errors.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes accepted in a request line or header, and in all of a head or trailer section.
const MAX_HEAD: usize = 64 * 1024;
/// The most bytes accepted in a body; Lambda itself lets a streamed response grow to 200 MiB.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Header or trailer fields of a message in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of the first field of that name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let has_name = |(field, _): &(&str, &str)| field.eq_ignore_ascii_case(name);
        self.iter().find(has_name).map(|(_, value)| value)
    }

    /// All fields, by name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The values of all fields of that name, in any case.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// True if one of the comma-separated tokens in the fields of that name is `token`.
    fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    }
}

/// A complete request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path without the query.
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    /// The fields after the last chunk of the body.
    pub(crate) trailers: Headers,
    /// True if the connection may serve another request after this one.
    pub(crate) keep_alive: bool,
}

/// A response, always sent with its length.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Headers::default(), body: Vec::new() }
    }
}

/// Reads the next request, or `None` if the peer closed the connection between two requests.
///
/// The error of an incomplete or malformed request names its request line.
pub(crate) async fn read_request<S>(stream: &mut S) -> io::Result<Option<Request>>
where
    S: AsyncBufRead + AsyncWrite + Unpin,
{
    if stream.fill_buf().await?.is_empty() {
        return Ok(None);
    }
    let line = read_line(stream).await?;
    let mut parts = line.split(' ');
    let (method, target, version) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(version), None) if target.starts_with('/') => {
            (method, target, version)
        }
        _ => return Err(malformed(format!("request line {line:?}"))),
    };
    if version != "HTTP/1.1" && version != "HTTP/1.0" {
        return Err(malformed(format!("version {version:?}")));
    }
    let path = target.split('?').next().unwrap_or(target);

    let read_rest = async {
        let headers = read_fields(stream).await?;
        if headers.has_token("expect", "100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            stream.flush().await?;
        }
        let (body, trailers) = read_body(stream, &headers).await?;
        Ok((headers, body, trailers))
    };
    let (headers, body, trailers) = read_rest.await.map_err(|error: io::Error| {
        io::Error::new(error.kind(), format!("in {method} {path}: {error}"))
    })?;
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        keep_alive: version == "HTTP/1.1" && !headers.has_token("connection", "close"),
        headers,
        body,
        trailers,
    }))
}

/// Writes a response. It announces the end of the connection unless `keep_alive`.
pub(crate) async fn write_response<S>(
    stream: &mut S,
    response: &Response,
    keep_alive: bool,
) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let mut message = head(response, response.body.len(), keep_alive);
    message.extend_from_slice(&response.body);
    stream.write_all(&message).await?;
    stream.flush().await
}

/// Writes a part of a response, after which the caller closes the connection.
pub(crate) async fn write_cut_off<S>(stream: &mut S, response: &Response) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let mut message = head(response, response.body.len() + 1, true);
    message.extend_from_slice(&response.body[..response.body.len() / 2]);
    stream.write_all(&message).await?;
    stream.flush().await
}

/// The head of a response with a body of that length.
fn head(response: &Response, length: usize, keep_alive: bool) -> Vec<u8> {
    let reason = match response.status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "",
    };
    let mut message = format!("HTTP/1.1 {} {reason}\r\n", response.status);
    for (name, value) in response.headers.iter() {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    if !keep_alive {
        message.push_str("Connection: close\r\n");
    }
    message.push_str(&format!("Content-Length: {length}\r\n\r\n"));
    message.into_bytes()
}

/// Reads the body that the headers announce, and the trailers.
async fn read_body<S>(stream: &mut S, headers: &Headers) -> io::Result<(Vec<u8>, Headers)>
where
    S: AsyncBufRead + Unpin,
{
    let lengths: Vec<_> = headers.all("content-length").collect();
    let codings: Vec<_> = headers.all("transfer-encoding").collect();
    let mut body = Vec::new();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok((body, Headers::default())),
        ([length], []) => {
            read_exactly(stream, parse_length(length, 10)?, &mut body).await?;
            Ok((body, Headers::default()))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => {
            loop {
                let line = read_line(stream).await?;
                let size = line.split(';').next().unwrap_or(&line).trim();
                let size = parse_length(size, 16)?;
                if size == 0 {
                    break;
                }
                read_exactly(stream, size, &mut body).await?;
                if !read_line(stream).await?.is_empty() {
                    return Err(malformed("chunk longer than its size"));
                }
            }
            Ok((body, read_fields(stream).await?))
        }
        _ => Err(malformed(format!(
            "body framed by Content-Length {lengths:?} and Transfer-Encoding {codings:?}"
        ))),
    }
}

/// Reads header or trailer fields and the empty line after them.
async fn read_fields<S>(stream: &mut S) -> io::Result<Headers>
where
    S: AsyncBufRead + Unpin,
{
    let mut fields = Headers::default();
    let mut total = 0;
    loop {
        let line = read_line(stream).await?;
        if line.is_empty() {
            return Ok(fields);
        }
        total += line.len();
        match line.split_once(':') {
            Some((name, value)) if is_token(name) && total <= MAX_HEAD => {
                fields.push(name, value.trim());
            }
            _ => return Err(malformed(format!("header {line:?}"))),
        }
    }
}

/// Reads a line without its end.
async fn read_line<S>(stream: &mut S) -> io::Result<String>
where
    S: AsyncBufRead + Unpin,
{
    let mut line = Vec::new();
    let mut limited = stream.take(MAX_HEAD as u64);
    limited.read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if line.len() == MAX_HEAD => Err(malformed("line too long")),
        None if line.ends_with(b"\n") => Err(malformed("line ended by a bare line feed")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Appends the next `size` bytes to `body`.
async fn read_exactly<S>(stream: &mut S, size: usize, body: &mut Vec<u8>) -> io::Result<()>
where
    S: AsyncBufRead + Unpin,
{
    if size > MAX_BODY - body.len() {
        return Err(malformed("body too long"));
    }
    let read = stream.take(size as u64).read_to_end(body).await?;
    if read < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Parses the digits of a length, without the sign that `from_str_radix` would accept.
fn parse_length(digits: &str, radix: u32) -> io::Result<usize> {
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(malformed(format!("length {digits:?}")));
    }
    usize::from_str_radix(digits, radix).map_err(|_| malformed(format!("length {digits:?}")))
}

/// True if a field may have that name.
fn is_token(name: &str) -> bool {
    let is_token_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token_byte)
}

fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{BufReader, DuplexStream};

    use super::*;

    /// A connection on which the client has sent only `bytes`.
    async fn connection(bytes: &[u8]) -> (BufReader<DuplexStream>, DuplexStream) {
        let (mut client, server) = tokio::io::duplex(4096);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        (BufReader::with_capacity(7, server), client)
    }

    async fn error_of(bytes: &[u8]) -> io::Error {
        let (mut stream, _client) = connection(bytes).await;
        read_request(&mut stream).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_connection_serves_several_requests() {
        let (mut stream, _client) = connection(
            b"GET /next?x=1 HTTP/1.1\r\nHost: a\r\n\r\n\
              POST /error HTTP/1.1\r\ncontent-LENGTH: 5\r\nConnection: x, Close\r\n\r\nhello",
        )
        .await;
        let first = read_request(&mut stream).await.unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/next"));
        assert_eq!(first.headers.get("HOST"), Some("a"));
        assert!(first.body.is_empty() && first.keep_alive);
        let second = read_request(&mut stream).await.unwrap().unwrap();
        assert_eq!(second.body, b"hello");
        assert!(!second.keep_alive);
        assert!(read_request(&mut stream).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_chunked_body_ends_with_its_trailers() {
        let (mut stream, _client) = connection(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
              4\r\nab\r\n\r\nA;name=\"x\"\r\n0123456789\r\n0\r\nX-Error: bad thing \r\n\r\n",
        )
        .await;
        let request = read_request(&mut stream).await.unwrap().unwrap();
        assert_eq!(request.body, b"ab\r\n0123456789");
        assert_eq!(request.trailers.get("x-error"), Some("bad thing"));
        assert!(read_request(&mut stream).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn expect_100_continue_is_answered_before_the_body() {
        let (mut stream, mut client) =
            connection(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok")
                .await;
        assert_eq!(read_request(&mut stream).await.unwrap().unwrap().body, b"ok");
        drop(stream);
        let mut reply = String::new();
        client.read_to_string(&mut reply).await.unwrap();
        assert_eq!(reply, "HTTP/1.1 100 Continue\r\n\r\n");
    }

    #[tokio::test]
    async fn malformed_and_incomplete_requests_are_errors() {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        let cases: [(&[u8], io::ErrorKind); 10] = [
            (b"GET /\r\n\r\n", InvalidData),
            (b"GET / HTTP/2\r\n\r\n", InvalidData),
            (b"GET / HTTP/1.1\nHost: a\n\n", InvalidData),
            (b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", InvalidData),
            (b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", InvalidData),
            (
                b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                InvalidData,
            ),
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
                InvalidData,
            ),
            (b"GET / HTTP/1.1\r\nHost", UnexpectedEof),
            (
                b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
                UnexpectedEof,
            ),
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                UnexpectedEof,
            ),
        ];
        for (bytes, kind) in cases {
            assert_eq!(error_of(bytes).await.kind(), kind, "{}", bytes.escape_ascii());
        }
    }

    #[tokio::test]
    async fn a_response_has_a_content_length() {
        let (mut client, mut server) = tokio::io::duplex(4096);
        let mut headers = Headers::default();
        headers.push("X-Id", "7");
        let response = Response { status: 202, headers, body: b"{}".to_vec() };
        write_response(&mut server, &response, false).await.unwrap();
        drop(server);
        let mut sent = String::new();
        client.read_to_string(&mut sent).await.unwrap();
        assert_eq!(
            sent,
            "HTTP/1.1 202 Accepted\r\nX-Id: 7\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        );
    }
}
