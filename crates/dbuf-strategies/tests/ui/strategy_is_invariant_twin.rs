//! The same lifetime is fine.
use dbuf_strategies::core::DoubleBuffer;

type Named<'n> = DoubleBuffer<u32, &'n str>;

fn keep<'b, 'same>(buffer: &'b Named<'same>, _: &'same str) -> &'b Named<'same> {
    buffer
}

fn main() {
    keep(&DoubleBuffer::new(0, 0, ""), "");
}
