//! Every future of the map may be spawned: it is `Send`, whatever it borrows.

use std::borrow::Cow;
use std::hash::RandomState;
use std::sync::Arc;

use dbuf_hashmap::strategies::{CountStrategy, EpochStrategy, FlashStrategy, LockStrategy};
use dbuf_hashmap::{ConcurrentHashMap, Operation, TaskBatch, Watched, Watcher, Writer};

use super::{MapStrategy, map};
use crate::futures::yield_now;

fn is_send<T: Send>(value: T) -> T {
    value
}

fn futures_of<S: MapStrategy>(new: fn() -> S) {
    let map = map(new());
    drop(is_send(map.insert_async(1, 1)));
    drop(is_send(map.remove_async(&1)));
    drop(is_send(map.update_async(&1, |n| *n += 1)));
    drop(is_send(map.remove_if_async(&1, |_, _| true)));
    drop(is_send(
        map.entry_async(1, |entry| *entry.or_insert(0) += 1),
    ));
    drop(is_send(map.compute_async(1, |_| Operation::<_>::Remove)));
    drop(is_send(
        map.get_or_try_insert_with_async(1, || Ok::<_, ()>(1)),
    ));
    drop(is_send(map.drain_async()));
    drop(is_send(map.catch_up_async()));
    drop(is_send(map.write_async()));
    drop(is_send(map.watcher().changed()));
    drop(is_send(map.watcher().wait_for(|map| map.is_empty())));
    drop(is_send(map.watcher().closed()));
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

/// The calls that a service spawns: owned keys and values, borrowed lookups, and an async closure
/// that borrows and moves.
#[test]
#[cfg(not(miri))]
fn calls_may_be_spawned() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    let map = ConcurrentHashMap::<String, Vec<String>>::new();
    let shared = Arc::new(map.clone());
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

/// Requires what the `spawn` of an executor requires.
fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> F::Output {
    pollster::block_on(future)
}

trait Service: Send + Sync {
    fn call(&self) -> u32;
}

struct Answers(u32);

impl Service for Answers {
    fn call(&self) -> u32 {
        self.0
    }
}

/// Batches that are held across an await, and single writes, in a spawned task, for types
/// that name a lifetime or a trait object.
macro_rules! spawned {
    ($($name:ident: $K:ty, $V:ty = $key:expr, $value:expr;)*) => {$(
        #[test]
        fn $name() {
            let map = ConcurrentHashMap::<$K, $V>::new();
            let (mut writer, _reader) = dbuf_hashmap::new::<$K, $V>();
            spawn(async move {
                map.insert_async($key, $value).await;
                map.update_async(&$key, |_| ()).await;
                map.remove_async(&$key).await;
                let mut batch = map.write_async().await;
                batch.insert($key, $value);
                yield_now().await;
                batch.publish();
                // All or nothing: `?`, or the end of the task, undoes all changes.
                let mut batch = map.write_async().await;
                batch.rollback_on_drop();
                batch.remove(&$key);
                yield_now().await;
                drop(batch);
                assert_eq!(map.len(), 1);
                let mut batch = writer.write_async().await;
                batch.insert($key, $value);
                yield_now().await;
                batch.publish();
            });
        }
    )*};
}

spawned! {
    spawned_owned: String, u32 = "a".to_owned(), 1;
    spawned_static_str: &'static str, u32 = "a", 1;
    spawned_static_values: u32, &'static str = 1, "a";
    spawned_two_lifetimes: &'static str, &'static [u8] = "a", b"b";
    spawned_static_reference: &'static u32, Option<&'static u32> = &1, Some(&2);
    spawned_arc_str: Arc<str>, Arc<str> = Arc::from("a"), Arc::from("b");
    spawned_arc_dyn: String, Arc<dyn Service> = "a".to_owned(), Arc::new(Answers(1));
    spawned_option_dyn: u8, Option<Arc<dyn Service>> = 1, None;
    spawned_cow: Cow<'static, str>, u32 = Cow::Borrowed("a"), 1;
    spawned_cow_values: u32, Cow<'static, [u8]> = 1, Cow::Borrowed(b"a");
    spawned_fn_pointer: String, fn(&u32) -> u32 = "a".to_owned(), |n| *n;
    spawned_arc_closure: u32, Arc<dyn Fn(&str) -> usize + Send + Sync> = 1, Arc::new(str::len);
    spawned_tuple: (&'static str, u8), Vec<&'static str> = ("a", 1), vec!["b"];
    spawned_map_in_map: u32, ConcurrentHashMap<&'static str, u32> = 1, ConcurrentHashMap::new();
}

/// Services in a map are called through a guard and in a transaction.
#[test]
fn services_are_called() {
    let map = ConcurrentHashMap::<&'static str, Arc<dyn Service>>::new();
    map.insert("a", Arc::new(Answers(7)));
    assert_eq!(map.get_with("a", |service| service.call()), Some(7));
}

/// A watcher may be sent to a task.
#[test]
fn watchers_are_send() {
    is_send::<Option<Watcher<String, u32>>>(None);
    is_send::<Option<Watcher<String, u32, RandomState, FlashStrategy>>>(None);
}
