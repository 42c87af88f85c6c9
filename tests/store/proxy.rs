//! A TCP proxy that does what networks and servers do: it delays, cuts, and garbles.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The treatment of responses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    #[default]
    Pass,
    /// Responses are delayed.
    Slow(Duration),
    /// Responses never arrive, and the connection stays open, as after a freeze behind a NAT.
    Silent,
    /// Each connection is closed instead of its response of this number.
    CutAt(usize),
    /// Something else is sent instead.
    Garbage,
    /// New connections are closed at once.
    Refuse,
}

pub struct Proxy {
    port: u16,
    mode: Arc<Mutex<Mode>>,
    /// All connections before this number are cut.
    cut: watch::Sender<usize>,
    /// All connections before this number are silent.
    silent: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy to a port of this machine.
    pub async fn to(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen on a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let (mode, connections) = (Arc::new(Mutex::default()), Arc::new(AtomicUsize::new(0)));
        let silent = Arc::new(AtomicUsize::new(0));
        let all_silent = Arc::clone(&silent);
        let (cut, cuts) = watch::channel(0);
        let (modes, count) = (Arc::clone(&mode), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, SeqCst);
                if *modes.lock().expect("the mode") == Mode::Refuse {
                    continue;
                }
                let (modes, mut cuts) = (Arc::clone(&modes), cuts.clone());
                let silent = Arc::clone(&all_silent);
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
                        return;
                    };
                    tokio::select! {
                        () = forward(client, server, || {
                            let is_silent = number < silent.load(SeqCst);
                            if is_silent { Mode::Silent } else { *modes.lock().expect("the mode") }
                        }) => {}
                        _ = cuts.wait_for(|cut| *cut > number) => {}
                    }
                });
            }
        });
        Proxy { port, mode, cut, silent, connections }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().expect("the mode") = mode;
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// Forgets all connections without a sign.
    pub fn forget(&self) {
        self.silent.store(self.connections(), SeqCst);
    }

    /// Closes all connections.
    pub async fn cut(&self) {
        self.cut.send_replace(self.connections());
        // The client sees it.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn forward(client: TcpStream, server: TcpStream, mode: impl Fn() -> Mode) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async { tokio::io::copy(&mut from_client, &mut to_server).await };
    let responses = async {
        let mut buffer = vec![0; 1 << 16];
        let mut count = 0;
        loop {
            count += 1;
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return Ok::<_, std::io::Error>(());
            }
            match mode() {
                Mode::CutAt(response) if response == count => return Ok(()),
                Mode::Pass | Mode::Refuse | Mode::CutAt(_) => {
                    to_client.write_all(&buffer[..read]).await?;
                }
                Mode::Slow(delay) => {
                    tokio::time::sleep(delay).await;
                    to_client.write_all(&buffer[..read]).await?;
                }
                Mode::Silent => {}
                Mode::Garbage => to_client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?,
            }
        }
    };
    tokio::select! {
        _ = requests => {}
        _ = responses => {}
    }
}
