//! A response that never arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hardtack::session::RevokeTarget;
use hardtack::session::SessionStore;
use hardtack_redis::RedisSessions;
use hardtack_test_support::services::redis::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{NO_SESSIONS, NOW, next, open, session};

/// A proxy between a store and its Redis. When `cut` is set, it still forwards the next request, but closes the
/// connection instead of forwarding the response.
#[derive(Clone, Default)]
struct Proxy {
    cut: Arc<AtomicBool>,
    scripts: Arc<AtomicUsize>,
}

impl Proxy {
    async fn serve(self, server: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(self.clone().pass(client, server));
            }
        });
        port
    }

    async fn pass(self, mut client: TcpStream, mut server: TcpStream) {
        let (mut request, mut response) = ([0; 65536], [0; 65536]);
        loop {
            tokio::select! {
                read = client.read(&mut request) => {
                    let read = read.unwrap_or(0);
                    let scripts = request[..read].windows(7).filter(|bytes| *bytes == b"EVALSHA").count();
                    self.scripts.fetch_add(scripts, Ordering::SeqCst);
                    if read == 0 || server.write_all(&request[..read]).await.is_err() { return }
                }
                read = server.read(&mut response) => {
                    let read = read.unwrap_or(0);
                    let cut = self.cut.swap(false, Ordering::SeqCst);
                    if cut || read == 0 || client.write_all(&response[..read]).await.is_err() { return }
                }
            }
        }
    }
}

#[tokio::test]
async fn s32_a_write_whose_answer_was_lost_is_done_once_and_reported() {
    let server = RedisServer::start();
    let proxy = Proxy::default();
    let port = proxy.clone().serve(server.port()).await;
    let address = server.url().replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    let store = RedisSessions::open(address).await.unwrap();
    let direct = open(&server).await;

    let [row, other] = [session("alice"), session("alice")];
    store.create(&row, NO_SESSIONS).await.unwrap();
    store.create(&other, NO_SESSIONS).await.unwrap();
    store.rotate(row.id, 1, next(1)).await.unwrap().unwrap();
    store.revoke(RevokeTarget::Sessions(&[other.id]), NOW).await.unwrap();

    let sent_once = || assert_eq!(proxy.scripts.swap(0, Ordering::SeqCst), 1);
    proxy.scripts.store(0, Ordering::SeqCst);
    proxy.cut.store(true, Ordering::SeqCst);
    assert!(store.rotate(row.id, 2, next(2)).await.is_err());
    sent_once();
    assert_eq!(direct.find(row.id).await.unwrap().unwrap().generation, 3, "the write was executed once");
    assert_eq!(store.find(row.id).await.unwrap().unwrap().generation, 3, "the store still works");

    proxy.cut.store(true, Ordering::SeqCst);
    assert!(store.revoke(RevokeTarget::AllOf("alice"), NOW).await.is_err());
    sent_once();
    assert_eq!(direct.revocations(0, 10).await.unwrap().entries.len(), 2);

    // A read is sent again, and the caller notices nothing.
    proxy.cut.store(true, Ordering::SeqCst);
    assert!(store.find(row.id).await.unwrap().unwrap().revoked_at.is_some());
    proxy.cut.store(true, Ordering::SeqCst);
    assert_eq!(store.revocations(0, 10).await.unwrap().entries.len(), 2);
}
