//! Services that the examples find on any machine: canned answers over HTTP on a loopback port, each
//! served by a thread of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The URL in the environment variable `variable`, or else of a stand-in that answers every request
/// with `answer`, which is said on stderr.
///
/// # Errors
/// If there is neither a variable nor a free port.
pub fn url(variable: &str, answer: &'static str) -> io::Result<String> {
    if let Ok(url) = std::env::var(variable) {
        return Ok(url);
    }
    let url = serve(move |_| answer)?;
    eprintln!("{variable} is not set: a stand-in at {url} answers");
    Ok(url)
}

/// A configuration of the AWS SDK. If nothing says which AWS is meant, neither an endpoint nor
/// credentials, it leads to a stand-in for as much of AWS as the examples ask it for.
///
/// # Errors
/// If no port can be had.
#[cfg(feature = "aws")]
pub fn aws(config: aws_config::ConfigLoader) -> io::Result<aws_config::ConfigLoader> {
    let says_which = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
    if says_which.iter().any(|name| std::env::var_os(name).is_some()) {
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
    eprintln!("neither AWS_ENDPOINT_URL nor credentials are set: a stand-in at {url} answers");
    Ok(config.endpoint_url(url).region("eu-central-1").test_credentials())
}

/// Answers each request with what `answer` makes of its `X-Amz-Target`. Returns the URL.
fn serve(answer: impl Fn(&str) -> &'static str + Copy + Send + 'static) -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks concerns its client alone.
            thread::spawn(move || converse(stream, answer));
        }
    });
    Ok(url)
}

/// Answers the requests of one connection until the client closes it.
fn converse(mut stream: TcpStream, answer: impl Fn(&str) -> &'static str) -> io::Result<()> {
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
        let answer = answer(&target);
        let length = answer.len();
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}");
        stream.write_all(response.as_bytes())?;
    }
}
