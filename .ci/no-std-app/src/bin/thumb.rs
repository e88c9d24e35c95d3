//! The program of `docs/no-std.md` on a Cortex-M: a vector table, the handler of the
//! system timer, and a main loop.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

#[path = "../interrupt.rs"]
mod interrupt;

/// Where the stack of the machine that is to run it ends.
const STACK_END: usize = 0x2000_2000;
/// The system timer's entry in the vector table.
const SYS_TICK: usize = 15;
/// The register that holds the table's address.
const VTOR: *mut *const Table = 0xE000_ED08_usize as _;

#[repr(C)]
union Vector {
    address: usize,
    handler: extern "C" fn(),
}

#[repr(align(128))]
#[expect(dead_code, reason = "the processor reads it")]
struct Table([Vector; SYS_TICK + 1]);

static VECTORS: Table = {
    let mut vectors = [const { Vector { handler: halt } }; SYS_TICK + 1];
    vectors[0] = Vector { address: STACK_END };
    vectors[1] = Vector { handler: _start };
    vectors[SYS_TICK] = Vector { handler: sys_tick };
    Table(vectors)
};

extern "C" fn halt() {
    loop {
        core::hint::spin_loop();
    }
}

extern "C" fn sys_tick() {
    interrupt::on_sample(1);
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // SAFETY: the register takes the address of a table, aligned for its size.
    unsafe { VTOR.write_volatile(&raw const VECTORS) };
    interrupt::set(2, 1);
    loop {
        if interrupt::sum() > 10 {
            interrupt::set(1, 0);
        }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
