//! Pointers that hand the buffer back.

use std::thread;

use dbuf_core::{OwningPtr, Reader, split};

use super::harness::{EXTRAS, SuitePtr};

/// P5: while another pointer lives, the first one comes back and is as before.
pub fn buffer_is_refused_while_a_pointer_lives<P: SuitePtr + OwningPtr>(new: impl Fn() -> P) {
    let ptr = new();
    let other = ptr.clone();
    let address: *const _ = &raw const *ptr;
    let Err(ptr) = ptr.try_unwrap() else {
        panic!("another pointer lives");
    };
    assert_eq!(&raw const *ptr, address);
    let reader = Reader::new(ptr);
    let Err(other) = other.try_unwrap() else {
        panic!("a reader has a pointer");
    };
    assert_eq!(reader.read().get(), 0);
    drop(reader);
    assert!(other.try_unwrap().is_ok(), "this is the only pointer");
}

/// P5: the buffer that comes out is the one that the pointers reached.
pub fn buffer_comes_out_as_it_was<P: SuitePtr + OwningPtr>(new: impl Fn() -> P) {
    let ptr = new();
    let (mut writer, reader) = split(ptr.clone()).unwrap();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap() && writer.try_finish());
    writer.try_back_mut().unwrap().set(2);
    drop((writer, reader));
    let Ok(buffer) = ptr.try_unwrap() else {
        panic!("this is the only pointer");
    };
    assert_eq!(*buffer.extras(), EXTRAS);
    assert_eq!(Reader::new(&buffer).read().get(), 1);
    let (front, back) = buffer.into_buffers();
    assert_eq!((front.get(), back.get()), (1, 2));
}

/// P5, S11: a writer comes apart when it has the only pointer, also in the middle of a swap:
/// its claim and its token end in a strategy that has moved.
pub fn writer_comes_apart_when_it_is_the_last<P: SuitePtr + OwningPtr>(new: impl Fn() -> P) {
    let (mut writer, reader) = split(new()).unwrap();
    let guard = reader.read();
    writer.try_back_mut().unwrap().set(1);
    assert!(writer.start_swap());
    let Err(writer) = writer.try_into_buffers() else {
        panic!("a reader has a pointer");
    };
    assert!(writer.is_swapping());
    assert_eq!((guard.get(), reader.read().get()), (0, 1));
    drop(guard);
    drop(reader);
    let Ok((front, back)) = writer.try_into_buffers() else {
        panic!("this is the only pointer");
    };
    assert_eq!((front.get(), back.get()), (1, 0));
}

/// P5: the last pointer takes the buffer out while other threads read and drop theirs. Their
/// reads come before what happens to the values.
pub fn buffer_comes_out_after_the_drops<P>(new: impl Fn() -> P)
where
    P: SuitePtr + OwningPtr + Send,
{
    let rounds = if cfg!(miri) { 5 } else { 100 };
    for _ in 0..rounds {
        let mut ptr = new();
        thread::scope(|scope| {
            for _ in 0..2 {
                let other = ptr.clone();
                scope.spawn(move || assert_eq!(Reader::new(other).read().get(), 0));
            }
            let buffer = loop {
                match ptr.try_unwrap() {
                    Ok(buffer) => break buffer,
                    Err(refused) => ptr = refused,
                }
                thread::yield_now();
            };
            let (mut writer, _) = split(&buffer).unwrap();
            writer.try_back_mut().unwrap().set(1);
            assert!(writer.start_swap() && writer.try_finish());
            writer.try_back_mut().unwrap().set(2);
        });
    }
}
