//! A write, a swap, an await and a read through a `static`, without std. The exit code is
//! the number of the check that failed, or 0.
#![no_std]
#![no_main]

use core::ffi::c_int;
use core::panic::PanicInfo;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use dbuf_async::WriterAsyncExt;
use dbuf_core::{DoubleBuffer, Reader, Writer, split};
use dbuf_strategies::{CountStrategy, LocalStrategy};

mod interrupt;

static SETTING: DoubleBuffer<[u8; 4], CountStrategy> =
    DoubleBuffer::new([0; 4], [0; 4], CountStrategy::new());

// Without std, nothing else links the C library.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
    fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
    fn raise(number: c_int) -> c_int;
}

/// The precompiled `core` refers to it; with `panic = "abort"` it is never called.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: the C library's `abort` takes nothing and does not return.
    unsafe { abort() }
}

/// What the C runtime calls.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> c_int {
    let checks = [concurrent, local, awaits, interrupts, log];
    match checks.into_iter().try_for_each(|check| check()) {
        Ok(()) => 0,
        Err(check) => check,
    }
}

fn check(holds: bool, number: c_int) -> Result<(), c_int> {
    if holds { Ok(()) } else { Err(number) }
}

fn concurrent() -> Result<(), c_int> {
    let reader = Reader::new(&SETTING);
    let mut writer = Writer::claim(&SETTING).map_err(|_| 1)?;
    writer.back_mut()[0] = 7;
    check(reader.read()[0] == 0, 2)?;
    let guard = reader.read();
    check(writer.start_swap(), 3)?;
    check(guard[0] == 0 && reader.read()[0] == 7, 4)?;
    let mut cx = Context::from_waker(Waker::noop());
    check(writer.poll_finish(&mut cx) == Poll::Pending, 5)?;
    drop(guard);
    writer.finish();
    check(writer.split_mut().1[0] == 0, 6)
}

fn local() -> Result<(), c_int> {
    let buffer = DoubleBuffer::new(1, 2, LocalStrategy::new());
    let (mut writer, reader) = split(&buffer).map_err(|_| 11)?;
    let guard = reader.read();
    check(!writer.try_swap(), 12)?;
    drop(guard);
    check(writer.try_swap() && *reader.read() == 2, 13)
}

fn awaits() -> Result<(), c_int> {
    let mut cx = Context::from_waker(Waker::noop());
    let buffer = DoubleBuffer::new(1, 2, LocalStrategy::new());
    let (mut writer, reader) = split(&buffer).map_err(|_| 31)?;
    let guard = reader.read();
    check(pin!(writer.swap_async()).poll(&mut cx).is_pending(), 32)?;
    check(*guard == 1 && *reader.read() == 2, 33)?;
    drop(guard);
    check(pin!(writer.finish_async()).poll(&mut cx).is_ready(), 34)?;
    check(writer.try_back_mut() == Some(&mut 1), 35)
}

/// A signal interrupts the main loop as an interrupt does: on its stack, at once.
fn interrupts() -> Result<(), c_int> {
    const SIGALRM: c_int = 14;

    extern "C" fn handler(_: c_int) {
        interrupt::on_sample(3);
    }

    // SAFETY: the handler takes no lock and does not unwind, and is the only one of the signal.
    unsafe { signal(SIGALRM, handler) };
    // SAFETY: the signal's handler is set.
    let tick = || check(unsafe { raise(SIGALRM) } == 0, 41);
    tick()?;
    check(interrupt::sum() == 3, 42)?;
    interrupt::set(2, 1);
    tick()?;
    check(interrupt::sum() == 3 + 7, 43)
}

#[cfg(not(feature = "alloc"))]
fn log() -> Result<(), c_int> {
    Ok(())
}

#[cfg(feature = "alloc")]
fn log() -> Result<(), c_int> {
    use dbuf_core::OpWriter;

    let (writer, reader) = dbuf_core::arc(1, 0, CountStrategy::new());
    let mut writer = OpWriter::new(writer);
    let add = |n: &mut u32, _: &()| *n += 1;
    for _ in 0..3 {
        writer.write().apply(add);
    }
    check(*reader.read() == 4, 21)?;
    writer.catch_up();
    let mut cx = Context::from_waker(Waker::noop());
    let refused = pin!(writer.transact_async(async |batch| {
        batch.apply(add);
        Err::<(), ()>(())
    }))
    .poll(&mut cx);
    check(refused == Poll::Ready(Err(())) && *reader.read() == 4, 23)?;
    writer.catch_up();
    check(writer.into_writer().split_mut() == (&4, &mut 4), 22)
}

#[cfg(feature = "alloc")]
mod memory {
    use core::alloc::{GlobalAlloc, Layout};
    use core::ffi::c_void;

    unsafe extern "C" {
        fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
        fn free(block: *mut c_void);
    }

    struct C;

    // SAFETY: the C library's allocator, with the size rounded up as it demands.
    unsafe impl GlobalAlloc for C {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let layout = layout.pad_to_align();
            // SAFETY: the alignment is a power of two that divides the size.
            unsafe { aligned_alloc(layout.align().max(8), layout.size().next_multiple_of(8)) }
                .cast()
        }

        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            // SAFETY: it came from `alloc`.
            unsafe { free(block.cast()) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: C = C;
}
