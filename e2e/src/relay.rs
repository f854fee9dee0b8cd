//! A way to the API server that can be cut.

use crate::Result;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Passes on what comes, in both directions.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// To `host:port`.
    pub(crate) fn start(to: &str) -> Result<Self> {
        let listen = || -> io::Result<(TcpListener, SocketAddr)> {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listen().map_err(|error| format!("a relay can't listen: {error}"))?;
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (to, kept) = (to.to_owned(), Arc::clone(&open));
        // It ends with the program: nobody connects to it any more.
        thread::spawn(move || {
            for from in listener.incoming().map_while(io::Result::ok) {
                let _ = pass(from, &to, &kept);
            }
        });
        Ok(Self { address, open })
    }

    /// Ends all connections that there are; new ones are passed on. How many there were.
    pub(crate) fn cut(&self) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.drain(..).filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count()
    }
}

fn pass(from: TcpStream, to: &str, open: &Mutex<Vec<TcpStream>>) -> io::Result<()> {
    let to = TcpStream::connect(to)?;
    let mut kept = open.lock().unwrap_or_else(PoisonError::into_inner);
    kept.extend([from.try_clone()?, to.try_clone()?]);
    for (mut one, mut other) in [(from.try_clone()?, to.try_clone()?), (to, from)] {
        thread::spawn(move || {
            let _ = io::copy(&mut one, &mut other);
            let _ = other.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
