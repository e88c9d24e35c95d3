//! The calls of "From `left-right`" in `docs/migrating.md`, theirs before ours.

use dbuf_core::{OpWriter, Operation};
use dbuf_strategies::EpochStrategy;
use left_right::Absorb;

#[test]
fn calls() {
    struct Add(i32);

    #[derive(Debug, Default, PartialEq)]
    struct Total(i32);

    impl Absorb<Add> for Total {
        fn absorb_first(&mut self, op: &mut Add, _: &Self) {
            self.0 += op.0;
        }

        fn absorb_second(&mut self, op: Add, _: &Self) {
            self.0 += op.0;
        }

        fn sync_with(&mut self, first: &Self) {
            self.0 = first.0;
        }
    }

    impl Operation<Total> for Add {
        fn apply(&mut self, total: &mut Total, _: &()) {
            total.0 += self.0;
        }

        fn apply_once(self, total: &mut Total, _: &()) {
            total.0 += self.0;
        }
    }

    impl Clone for Total {
        fn clone(&self) -> Self {
            Self(self.0)
        }

        fn clone_from(&mut self, front: &Self) {
            self.0 = front.0;
        }
    }
    let (mut write, read) = left_right::new_from_empty::<Total, Add>(Total::default());
    let (writer, reader) = dbuf_core::arc(Total::default(), Total::default(), EpochStrategy::new());
    let mut writer = OpWriter::<_, Add>::new(writer);
    assert_eq!(read.enter().unwrap().0, reader.read().0);

    // Writing.
    let mut batch = writer.write();
    write.append(Add(1));
    batch.apply(Add(1));
    write.extend([Add(2), Add(3)]);
    [Add(2), Add(3)].into_iter().for_each(|op| batch.apply(op));
    assert_eq!(batch.0, 6);
    assert_eq!(read.enter().unwrap().0, reader.read().0); // nobody sees it yet
    write.publish();
    batch.publish();
    assert_eq!(*read.enter().unwrap(), *reader.read());
    let mut batch = writer.write();
    write.append(Add(4));
    batch.apply(Add(4));
    let seen = write.enter().unwrap().0;
    write.append(Add(seen));
    let (published, mut apply) = batch.split();
    apply(Add(published.0));
    drop(apply);
    batch.defer();
    assert_eq!(write.has_pending_operations(), writer.has_pending());
    write.flush();
    writer.publish();
    assert_eq!(*read.enter().unwrap(), *reader.read());
    assert_eq!(write.try_publish(), writer.try_write().is_some());

    // Reading.
    assert_eq!(read.enter().unwrap().0, reader.read().0);
    let guard = read.enter().unwrap();
    let view = reader.read();
    let theirs = left_right::ReadGuard::map(guard, |total| &total.0);
    let ours = dbuf_core::ReadGuard::map(view, |total, _| &total.0);
    assert_eq!(*theirs, *ours);
    drop((theirs, ours));
    let guard = read.enter().unwrap();
    let view = reader.read();
    let theirs = left_right::ReadGuard::try_map(guard, |_| None::<&i32>);
    let ours = dbuf_core::ReadGuard::try_map(view, |_, _| None::<&i32>);
    assert_eq!(theirs.is_none(), ours.is_err());
    drop((theirs, ours));
    let factory = read.factory();
    let shared = reader.shared();
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| factory.handle().enter().unwrap().0);
        let ours = scope.spawn(|| shared.read().0);
        assert_eq!(theirs.join().unwrap(), ours.join().unwrap());
    });

    // The end.
    drop((reader, shared));
    let mut batch = writer.write();
    write.append(Add(5));
    batch.apply(Add(5));
    batch.defer();
    let theirs = write.take();
    writer.publish();
    let (ours, _) = writer.into_writer().try_into_buffers().unwrap();
    assert_eq!(*theirs, ours);
    assert_eq!(ours.0, 21); // without `publish`, 16

    let (write, read) = left_right::new_from_empty::<Total, Add>(Total(1));
    let (writer, reader) = dbuf_core::arc(Total(1), Total(1), EpochStrategy::new());
    drop((write, writer));
    assert_eq!(read.was_dropped(), reader.is_closed());
    assert_eq!(reader.read().0, 1); // still there
}
