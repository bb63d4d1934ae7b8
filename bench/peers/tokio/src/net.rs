// SPDX-License-Identifier: MIT

use crate::bench::{in_task, Bench};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn;

const AT_ONCE: usize = 1000;

async fn echo(mut peer: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    peer.set_nodelay(true)?;
    loop {
        let n = peer.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        peer.write_all(&buffer[..n]).await?;
    }
}

pub fn serve_echo(_: Bench) -> Bench {
    in_task(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("port {}", listener.local_addr().unwrap().port());
        loop {
            let (peer, _) = listener.accept().await.unwrap();
            spawn(echo(peer));
        }
    })
}

/// The size of a whole reply at the start of `text`.
fn reply_size(text: &[u8]) -> Option<usize> {
    let head = text.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let headers = std::str::from_utf8(&text[..head]).ok()?;
    let length = headers.split("Content-Length: ").nth(1)?;
    let body: usize = length.split("\r\n").next()?.parse().ok()?;
    Some(head + body).filter(|size| text.len() >= *size)
}

async fn client(port: u16, requests: usize, keepalive: bool) {
    let request: &[u8] = if keepalive {
        b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
    } else {
        b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    };
    let mut reply = vec![0; 4096];
    let mut connection: Option<TcpStream> = None;
    for _ in 0..requests {
        let mut stream = match connection.take() {
            Some(stream) => stream,
            None => TcpStream::connect(("127.0.0.1", port)).await.unwrap(),
        };
        stream.set_nodelay(true).unwrap();
        stream.write_all(request).await.unwrap();
        let mut size = 0;
        while reply_size(&reply[..size]).is_none() {
            let n = stream.read(&mut reply[size..]).await.unwrap();
            assert!(n > 0, "the server closed");
            size += n;
        }
        if keepalive {
            connection = Some(stream);
        }
    }
}

pub fn get(mut b: Bench) -> Bench {
    let port = match std::env::var("BENCH_HTTP_PORT") {
        Ok(port) => port.parse().unwrap(),
        Err(_) => {
            eprintln!("needs a web server: run it by bench/run.py");
            std::process::exit(77);
        }
    };
    in_task(async move {
        b.start();
        let clients: Vec<_> = (0..AT_ONCE)
            .map(|_| spawn(client(port, b.n / AT_ONCE, b.arg == 1)))
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        b.stop();
        b
    })
}
