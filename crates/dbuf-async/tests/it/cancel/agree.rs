//! A log and a writer without one, each compared with its model after every step.

use dbuf_async::core::{Batch, OpWriter, Strategy, Writer, rc};
use dbuf_async::strategies::Watched;
use dbuf_async::{Watcher, WriterAsyncExt};

use super::Push;
use super::model::{Guards, Log, Model, Step};
use crate::common::{poll_and_cancel, yield_now};

pub(super) fn log_agrees_with_the_model<S: Strategy + 'static>(strategy: S, steps: &[Step]) {
    let (writer, reader) = rc(vec![], vec![], Watched::new(strategy));
    let mut writer: Log<S> = OpWriter::new(writer);
    let mut watcher = Watcher::new(reader.clone());
    let mut guards = Guards {
        reader,
        live: vec![],
    };
    let mut model = Model::default();
    for (at, &step) in steps.iter().enumerate() {
        let (first, second) = (2 * at as u32, 2 * at as u32 + 1);
        let is_held = guards.hold_the_back(model.version);
        match step {
            Step::Take => guards.take(),
            Step::Release(pick) => guards.release(pick),
            Step::Write { polls, end } => {
                let writes = async {
                    let mut batch = writer.write_async().await;
                    batch.apply(Push(first));
                    yield_now().await;
                    batch.apply(Push(second));
                    match end {
                        0 => drop(batch),
                        1 => {
                            batch.publish();
                        }
                        2 => {
                            batch.defer();
                        }
                        _ => {
                            batch.rollback();
                        }
                    }
                };
                let ended = poll_and_cancel(writes, polls).is_some();
                assert_eq!(ended, !is_held && polls >= 2);
                if ended {
                    model.pending.extend([first, second]);
                    match end {
                        0 | 1 => model.publish(),
                        2 => {}
                        _ => model.pending.clear(),
                    }
                } else if !is_held && polls == 1 {
                    // The cancelled task drops half a batch, which publishes it.
                    model.pending.push(first);
                    model.publish();
                }
            }
            Step::Transact { polls, fails } => {
                let transacts = writer.transact_async(async |batch: &mut Batch<_>| {
                    batch.apply(Push(first));
                    yield_now().await;
                    batch.apply(Push(second));
                    if fails { Err(at) } else { Ok(at) }
                });
                let expected = if fails { Err(at) } else { Ok(at) };
                let ended = poll_and_cancel(transacts, polls);
                assert_eq!(ended, (!is_held && polls >= 2).then_some(expected));
                if ended == Some(Ok(at)) {
                    model.pending.extend([first, second]);
                    model.publish();
                } else if !is_held && polls > 0 {
                    model.pending.clear();
                }
            }
            Step::WithoutWaiting => {
                if let Some(mut batch) = writer.try_write() {
                    assert!(!is_held);
                    batch.apply(Push(first));
                    drop(batch);
                    model.pending.push(first);
                    model.publish();
                } else {
                    assert!(is_held);
                }
            }
            Step::Watch { polls } => {
                let last_seen = watcher.last_seen();
                let changed = poll_and_cancel(watcher.changed(), polls);
                let newer = polls > 0 && model.version > last_seen;
                assert_eq!(changed, newer.then_some(Ok(model.version)));
                assert_eq!(
                    watcher.last_seen(),
                    if newer { model.version } else { last_seen }
                );
            }
            Step::Reclaim => {
                let ptr = writer.as_writer().ptr().clone();
                drop(writer);
                writer = OpWriter::new(Writer::claim(ptr).unwrap());
                model.pending.clear();
            }
            Step::Swap { .. } | Step::Finish { .. } => {}
        }
        guards.check();
        assert_eq!(*guards.reader.read(), model.published);
        assert_eq!(writer.as_writer().version(), model.version);
        assert_eq!(writer.has_pending(), !model.pending.is_empty());
    }
    guards.live.clear();
    let batch = writer.try_write().expect("no guard is live");
    let all = [model.published, model.pending].concat();
    assert_eq!(*batch, all, "a change was lost");
    batch.publish();
    assert_eq!(*guards.reader.read(), all);
}

pub(super) fn cells_agree_with_the_model<S: Strategy + 'static>(strategy: S, steps: &[Step]) {
    let (mut writer, reader) = rc(0, 0, Watched::new(strategy));
    let mut guards = Guards {
        reader,
        live: vec![],
    };
    let (mut front, mut back, mut version) = (0, 0, 0);
    for (at, &step) in steps.iter().enumerate() {
        let is_held = guards.hold_the_back(version);
        match step {
            Step::Take => guards.take(),
            Step::Release(pick) => guards.release(pick),
            Step::Swap { polls } => {
                let ready = poll_and_cancel(writer.swap_async(), polls).is_some();
                if polls > 0 && !is_held {
                    std::mem::swap(&mut front, &mut back);
                    version += 1;
                }
                assert_eq!(ready, polls > 0 && !guards.hold_the_back(version));
            }
            Step::Finish { polls } => {
                let ready = poll_and_cancel(writer.finish_async(), polls).is_some();
                assert_eq!(ready, polls > 0 && !is_held);
            }
            Step::Reclaim => {
                let ptr = writer.ptr().clone();
                drop(writer);
                writer = Writer::claim(ptr).unwrap();
            }
            Step::WithoutWaiting => {
                assert_eq!(writer.start_swap(), !is_held);
                if !is_held {
                    std::mem::swap(&mut front, &mut back);
                    version += 1;
                }
            }
            Step::Write { .. } | Step::Transact { .. } | Step::Watch { .. } => {
                match writer.try_back_mut() {
                    Some(value) => {
                        assert!(!is_held, "the back was given away under a guard");
                        assert_eq!(*value, back);
                        *value = at;
                        back = at;
                    }
                    None => assert!(is_held),
                }
            }
        }
        guards.check();
        assert_eq!((*writer.front(), writer.version()), (front, version));
        assert_eq!(*guards.reader.read(), front);
    }
}
