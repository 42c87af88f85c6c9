use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use rewarm::handler;

#[handler]
async fn in_the_body(event: String) -> io::Result<usize> {
    fs::write("/tmp/order.json", &event)?;
    Ok(fs::read("/tmp/order.json")?.len())
}

const SCRATCH: &str = "/tmp/scratch";

fn convert(image: &[u8]) -> io::Result<PathBuf> {
    let output = PathBuf::from(SCRATCH).join("output.tif");
    File::create(&output)?.write_all(image)?;
    Ok(output)
}

#[handler]
async fn in_a_function(event: String) -> io::Result<usize> {
    let path = convert(event.as_bytes())?;
    let size = fs::read(&path)?.len();
    fs::remove_file(path)?;
    Ok(size)
}

struct Log;

impl Log {
    async fn line(&self, line: &str) -> io::Result<()> {
        let path = std::env::temp_dir().join("lines.log");
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())
    }
}

#[handler]
async fn in_a_method(event: String) -> io::Result<()> {
    Log.line(&event).await
}

#[handler]
async fn with_tokio(event: String) -> io::Result<()> {
    tokio::fs::File::create("/tmp/report.csv").await?;
    tokio::fs::write(format!("/tmp/{event}"), &event).await
}

fn main() {}
