//! Values of the same lifetime may be written.
use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::DoubleBuffer;

type Text<'t> = DoubleBuffer<&'t str, LockStrategy>;

fn keep<'b, 'same>(buffer: &'b Text<'same>, _: &'same str) -> &'b Text<'same> {
    buffer
}

fn main() {
    keep(&DoubleBuffer::new("", "", LockStrategy::new()), "");
}
