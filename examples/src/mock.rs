//! Mocks of services: fixed responses over HTTP on a loopback port, each server on a thread of its
//! own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Returns the URL in an environment variable, or starts a mock that sends `response` to every
/// request, and prints a line about it.
///
/// # Errors
/// If the variable is not set and no port is free.
pub fn url(variable: &str, response: &'static str) -> io::Result<String> {
    if let Ok(url) = std::env::var(variable) {
        return Ok(url);
    }
    let url = serve(move |_| response)?;
    eprintln!("{variable} is not set: using a mock at {url}");
    Ok(url)
}

/// Configures the AWS SDK. Without an endpoint or credentials in the environment it uses a mock of
/// the calls that the examples make.
///
/// # Errors
/// If no port is free.
#[cfg(feature = "aws")]
pub fn aws(config: aws_config::ConfigLoader) -> io::Result<aws_config::ConfigLoader> {
    let selected = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
    if selected.iter().any(|name| std::env::var_os(name).is_some()) {
        return Ok(config);
    }
    let url = serve(|target| match target.rsplit('.').next() {
        Some("GetParametersByPath") => {
            r#"{"Parameters": [
                {"Name": "/shop/currency", "Type": "String", "Value": "EUR"},
                {"Name": "/shop/tax_percent", "Type": "SecureString", "Value": "20"}
            ]}"#
        }
        Some("GetSecretValue") => r#"{"Name": "shop/payments", "SecretString": "sample"}"#,
        Some("GetItem") => r#"{"Item": {"id": {"S": "1"}, "status": {"S": "paid"}}}"#,
        _ => "1 pot of tea: EUR 4.50", // an object in S3
    })?;
    eprintln!("neither AWS_ENDPOINT_URL nor credentials are set: using a mock at {url}");
    Ok(config.endpoint_url(url).region("eu-central-1").test_credentials())
}

/// Serves each request with the response to its `X-Amz-Target`. Returns the URL.
fn serve(response: impl Fn(&str) -> &'static str + Copy + Send + 'static) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A broken connection affects only its client.
            thread::spawn(move || serve_connection(stream, response));
        }
    });
    Ok(url)
}

/// Serves one connection until the client closes it.
fn serve_connection(
    mut stream: TcpStream,
    response: impl Fn(&str) -> &'static str,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut target, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                    target = value.to_owned();
                }
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().map_err(io::Error::other)?;
                }
                None if line.trim().is_empty() => break,
                _ => {}
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        let body = response(&target);
        let length = body.len();
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(response.as_bytes())?;
    }
}
