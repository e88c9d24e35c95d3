//! A buffer in a `static`, and no allocation.
//!
//! ```sh
//! cargo run -p dbuf-docs --example static_buffer
//! ```
//!
//! A sensor publishes its samples, and a display shows them. Both use the buffer by its name,
//! from any thread, without an `Arc`. The program counts every allocation of the process, and
//! prints how many the buffer made: none. A sample is dropped if publishing it needs a wait,
//! since a wait allocates (with std, the waker of the sleeping thread). Only the counting,
//! the printing and the thread need std.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::alloc::System;
use std::thread;

use dbuf_core::{ClaimError, DoubleBuffer, Reader, Writer};
use dbuf_strategies::CountStrategy;

/// The newest four samples, in degrees.
type Samples = [i16; 4];

type Sensor = DoubleBuffer<Samples, CountStrategy>;

static SENSOR: Sensor = Sensor::new([0; 4], [0; 4], CountStrategy::new());

/// Publishes a sample after the last three. Never waits, since an interrupt handler must not:
/// returns `false`, and the sample is lost, while a straggler is on the back.
fn sample(writer: &mut Writer<&'static Sensor>, degrees: i16) -> bool {
    if !writer.try_finish() {
        return false;
    }
    let (front, back) = writer.split_mut();
    back[..3].copy_from_slice(&front[1..]);
    back[3] = degrees;
    writer.start_swap()
}

fn main() -> Result<(), ClaimError> {
    let before = ALLOCATIONS.load(Relaxed);
    let mut writer = Writer::claim(&SENSOR)?;
    let reader = Reader::new(&SENSOR);
    assert_eq!(Writer::claim(&SENSOR).err(), Some(ClaimError), "one writer");
    let mut shown = [Samples::default(); 3];
    for (line, degrees) in shown.iter_mut().zip([18, 19, 21]) {
        assert!(sample(&mut writer, degrees));
        *line = *reader.read();
    }
    let straggler = reader.read();
    assert!(
        sample(&mut writer, 20),
        "published while the straggler lives"
    );
    assert!(!sample(&mut writer, 99), "the straggler is on the back");
    assert_eq!(*straggler, shown[2]);
    drop(straggler);
    let allocations = ALLOCATIONS.load(Relaxed) - before;

    for samples in shown {
        println!("{samples:3?}");
    }
    println!(
        "{:3?} while a straggler lives; the next sample was lost",
        *reader.read()
    );
    println!("{allocations} allocations");
    assert_eq!(allocations, 0);

    drop(writer);
    let other = thread::spawn(|| Writer::claim(&SENSOR).map(|mut writer| sample(&mut writer, 17)));
    assert!(other.join().unwrap()?);
    assert_eq!(*reader.read(), [19, 21, 20, 17]);
    println!("{:3?} by another thread", *reader.read());
    Ok(())
}

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: all calls go to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
