//! A shorter-lived value must not be written where a longer-lived one is read.
use dbuf_strategies::LockStrategy;
use dbuf_strategies::core::DoubleBuffer;

type Text<'t> = DoubleBuffer<&'t str, LockStrategy>;

fn shorten<'b, 'short>(buffer: &'b Text<'static>, _: &'short str) -> &'b Text<'short> {
    buffer
}

fn main() {
    shorten(&DoubleBuffer::new("", "", LockStrategy::new()), "");
}
