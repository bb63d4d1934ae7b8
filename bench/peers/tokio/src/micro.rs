// SPDX-License-Identifier: MIT

use crate::bench::{in_task, random, Bench, Memory};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, Notify};
use tokio::task::{spawn, spawn_blocking, yield_now, JoinHandle};
use tokio::time::sleep;

async fn join_all(tasks: impl IntoIterator<Item = JoinHandle<()>>) {
    for task in tasks {
        let _ = task.await;
    }
}

pub fn yielding(mut b: Bench) -> Bench {
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    LEFT.store(b.n, Relaxed);
    in_task(async move {
        let (ended, end) = oneshot::channel();
        let ended = Arc::new(Mutex::new(Some(ended)));
        let mut tasks = vec![];
        for _ in 0..b.arg {
            let ended = ended.clone();
            tasks.push(spawn(async move {
                yield_now().await;
                loop {
                    // One thread: no read-modify-write is needed.
                    let left = LEFT.load(Relaxed);
                    if left == 0 {
                        break;
                    }
                    LEFT.store(left - 1, Relaxed);
                    if left == 1 {
                        let ended = ended.lock().unwrap().take().unwrap();
                        ended.send(()).unwrap();
                    }
                    yield_now().await;
                }
            }));
        }
        yield_now().await;
        b.start();
        end.await.unwrap();
        b.stop();
        join_all(tasks).await;
        b
    })
}

pub fn future(mut b: Bench) -> Bench {
    let slot: Arc<Mutex<Option<oneshot::Sender<()>>>> = Arc::default();
    let (n, theirs) = (b.n, slot.clone());
    in_task(async move {
        b.start();
        let waiting = spawn(async move {
            for _ in 0..n {
                let (sender, receiver) = oneshot::channel();
                *theirs.lock().unwrap() = Some(sender);
                receiver.await.unwrap();
            }
        });
        for _ in 0..n {
            loop {
                let sender = slot.lock().unwrap().take();
                if let Some(sender) = sender {
                    sender.send(()).unwrap();
                    break;
                }
                yield_now().await;
            }
            yield_now().await;
        }
        waiting.await.unwrap();
        b.stop();
        b
    })
}

pub fn create(mut b: Bench) -> Bench {
    in_task(async move {
        b.start();
        for _ in 0..b.n {
            spawn(async {}).await.unwrap();
        }
        b.stop();
        b
    })
}

async fn all_alive(n: usize) {
    let tasks: Vec<_> = (0..n).map(|_| spawn(yield_now())).collect();
    join_all(tasks).await;
}

pub fn alive(mut b: Bench) -> Bench {
    in_task(async move {
        if b.arg == 1 {
            all_alive(b.n).await;
        }
        b.start();
        all_alive(b.n).await;
        b.stop();
        b
    })
}

pub fn cancel(mut b: Bench) -> Bench {
    in_task(async move {
        for _ in (0..b.n).step_by(1000) {
            let tasks: Vec<_> =
                (0..1000).map(|_| spawn(sleep(Duration::from_secs(3600)))).collect();
            yield_now().await;
            b.start();
            for task in &tasks {
                task.abort();
            }
            join_all(tasks).await;
            b.stop();
        }
        b
    })
}

pub fn lock(mut b: Bench) -> Bench {
    let mutex = Arc::new(tokio::sync::Mutex::new(()));
    let half = b.n / 2;
    in_task(async move {
        b.start();
        let sides: Vec<_> = (0..2)
            .map(|_| {
                let mutex = mutex.clone();
                spawn(async move {
                    for _ in 0..half {
                        let held = mutex.lock().await;
                        yield_now().await;
                        drop(held);
                    }
                })
            })
            .collect();
        join_all(sides).await;
        b.stop();
        b
    })
}

pub fn event(mut b: Bench) -> Bench {
    let events = Arc::new([Notify::new(), Notify::new()]);
    let half = b.n / 2;
    in_task(async move {
        b.start();
        let theirs = events.clone();
        let partner = spawn(async move {
            for _ in 0..half {
                theirs[0].notified().await;
                theirs[1].notify_one();
            }
        });
        let ours = spawn(async move {
            for _ in 0..half {
                events[0].notify_one();
                events[1].notified().await;
            }
        });
        join_all([partner, ours]).await;
        b.stop();
        b
    })
}

pub fn queue(mut b: Bench) -> Bench {
    let (there, mut there_end) = mpsc::channel::<usize>(1);
    let (back, mut back_end) = mpsc::channel::<usize>(1);
    let n = b.n;
    in_task(async move {
        let partner = spawn(async move {
            while let Some(item) = there_end.recv().await {
                back.send(item).await.unwrap();
            }
        });
        b.start();
        spawn(async move {
            for i in 0..n {
                there.send(i).await.unwrap();
                back_end.recv().await;
            }
        })
        .await
        .unwrap();
        b.stop();
        partner.await.unwrap();
        b
    })
}

pub fn to_thread(mut b: Bench) -> Bench {
    in_task(async move {
        b.start();
        for _ in 0..b.n {
            spawn_blocking(|| {}).await.unwrap();
        }
        b.stop();
        b
    })
}

pub fn gather(mut b: Bench) -> Bench {
    in_task(async move {
        b.start();
        for _ in (0..b.n).step_by(b.arg) {
            let tasks: Vec<_> = (0..b.arg).map(|_| spawn(async {})).collect();
            join_all(tasks).await;
        }
        b.stop();
        b
    })
}

fn skynet_node(first: usize, size: usize) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if size == 1 {
            return first;
        }
        let part = size / 10;
        let parts: Vec<_> =
            (0..10).map(|i| spawn(skynet_node(first + i * part, part))).collect();
        let mut sum = 0;
        for part in parts {
            sum += part.await.unwrap();
        }
        sum
    })
}

pub fn skynet(mut b: Bench) -> Bench {
    in_task(async move {
        b.start();
        assert_eq!(skynet_node(0, 1_000_000).await, 499_999_500_000);
        b.stop();
        b
    })
}

pub fn timers(mut b: Bench) -> Bench {
    in_task(async move {
        let mut seed = 42;
        b.start();
        let tasks: Vec<_> = (0..b.arg)
            .map(|_| {
                let delay = Duration::from_millis(u64::from(random(&mut seed) % 1001));
                spawn(sleep(delay))
            })
            .collect();
        join_all(tasks).await;
        b.stop();
        b
    })
}

pub fn memory(mut b: Bench) -> Bench {
    in_task(async move {
        let before = Memory::now();
        for _ in 0..b.arg {
            spawn(sleep(Duration::from_secs(3600)));
        }
        yield_now().await;
        sleep(Duration::from_millis(100)).await;
        b.memory_since(before);
        b
    })
}
