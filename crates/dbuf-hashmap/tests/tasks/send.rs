//! Every future of the map may be spawned, that is: is `Send` and borrows what it likes.

use std::hash::RandomState;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{TaskBatch, Watched, Watcher, Writer};

use super::futures::yield_now;
use super::{MapStrategy, map};

fn is_send<T: Send>(value: T) -> T {
    value
}

fn futures_of<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    drop(is_send(map.insert_async(1, 1)));
    drop(is_send(map.remove_async(&1)));
    drop(is_send(map.update_async(&1, |n| *n += 1)));
    drop(is_send(map.write_async()));
    drop(is_send(map.watcher().changed()));
    drop(is_send(async {
        let mut batch = map.write_async().await;
        batch.insert(1, 1);
        yield_now().await;
        batch.insert(2, 2);
    }));
    drop(is_send(async {
        map.transact_async(async |batch| {
            batch.insert(1, 1);
            yield_now().await;
            Ok::<_, ()>(())
        })
        .await
    }));
    let batch = pollster::block_on(map.write_async());
    drop(is_send::<TaskBatch<'_, u32, u32, RandomState, Watched<S>>>(
        batch,
    ));
}

#[test]
fn every_future_of_the_map_is_send() {
    futures_of(CountStrategy::new);
    futures_of(EpochStrategy::new);
    futures_of(FlashStrategy::new);
    futures_of(LockStrategy::new);
}

#[test]
fn futures_of_a_writer_are_send() {
    let (mut writer, _reader): (Writer<u32, u32>, _) = dbuf_hashmap::new();
    drop(is_send(writer.write_async()));
    drop(is_send(async {
        writer
            .transact_async(async |batch| {
                batch.insert(1, 1);
                yield_now().await;
                Ok::<_, ()>(())
            })
            .await
    }));
}

/// Owned keys and values, borrowed lookups, an async closure that borrows and moves:
/// what a service spawns.
#[test]
#[cfg(not(miri))]
fn calls_may_be_spawned() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    let map = dbuf_hashmap::ConcurrentHashMap::<String, Vec<String>>::new();
    let shared = std::sync::Arc::new(map.clone());
    runtime.unwrap().block_on(async {
        let spawned = tokio::spawn(async move {
            let (key, value) = ("a".to_owned(), "b".to_owned());
            shared.insert_async(key.clone(), vec![]).await;
            shared
                .update_async(key.as_str(), |list| list.push(value.clone()))
                .await;
            let moved = shared
                .transact_async(async |batch| {
                    let list = batch.remove(key.as_str()).ok_or("gone")?;
                    tokio::task::yield_now().await;
                    batch.insert(value, list);
                    Ok::<_, &str>(batch.len())
                })
                .await;
            (moved, shared.remove_async("c").await)
        });
        assert_eq!(spawned.await.unwrap(), (Ok(1), None));
    });
    assert_eq!(map.get_cloned("b"), Some(vec!["b".to_owned()]));
}

/// A watcher may be sent to a task, whatever it watches.
#[test]
fn watchers_are_send() {
    is_send::<Option<Watcher<String, u32>>>(None);
    is_send::<Option<Watcher<String, u32, RandomState, FlashStrategy>>>(None);
}
