//! An HTTP server whose responses the test decides, for functions to call, and an HTTP client for the
//! test itself.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::TIMEOUT;
use crate::http::{Headers, Response, read_request, write_response};

/// An HTTP server on a loopback port, stopped when dropped.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Backend {
    /// Starts a server. `respond` maps the path without the query and the headers of a request to a
    /// status and a body.
    pub async fn start<R>(respond: R) -> Backend
    where
        R: Fn(&str, &Headers) -> (u16, String) + Send + Sync + 'static,
    {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.expect("listen on a loopback port");
        let address = listener.local_addr().expect("the address listened on");
        let respond = Arc::new(respond);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let respond = Arc::clone(&respond);
                // A client may break its connection.
                tokio::spawn(async move { serve(stream, &*respond).await });
            }
        });
        Backend { address, server }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    stream: TcpStream,
    respond: &(dyn Fn(&str, &Headers) -> (u16, String) + Send + Sync),
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await? {
        let (status, body) = respond(&request.path, &request.headers);
        let response = Response { status, headers: Headers::default(), body: body.into_bytes() };
        write_response(&mut stream, &response, request.keep_alive).await?;
        if !request.keep_alive {
            break;
        }
    }
    Ok(())
}

/// Sends a request to a port of the loopback interface and returns status and body.
///
/// # Errors
/// If nothing listens on the port or the response is not HTTP.
pub async fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<(u16, String)> {
    // In HTTP/1.0 the end of the connection ends the response, which is not chunked.
    let mut message = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n");
    for (name, value) in headers {
        message.push_str(&format!("{name}: {value}\r\n"));
    }
    message.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(message.as_bytes()).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        let response = String::from_utf8_lossy(&response).into_owned();
        let status = response.get(9..12).and_then(|status| status.parse().ok());
        match (status, response.split_once("\r\n\r\n")) {
            (Some(status), Some((_, body))) => Ok((status, body.to_owned())),
            _ => Err(io::Error::other(format!("not a response: {response:?}"))),
        }
    };
    tokio::time::timeout(TIMEOUT, exchange).await?
}
