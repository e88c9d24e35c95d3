//! A subtype of a strategy may be another one: its tokens must not be taken for those of this.
use dbuf_strategies::core::DoubleBuffer;

type Named<'n> = DoubleBuffer<u32, &'n str>;

fn shorten<'b, 'short>(buffer: &'b Named<'static>, _: &'short str) -> &'b Named<'short> {
    buffer
}

fn main() {
    shorten(&DoubleBuffer::new(0, 0, ""), "");
}
