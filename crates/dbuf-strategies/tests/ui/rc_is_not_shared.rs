//! A value that is not `Send` does not reach another thread through the writer.
use std::rc::Rc;

use dbuf_strategies::FlashStrategy;

fn main() {
    let (writer, _reader) =
        dbuf_strategies::core::arc(Rc::new(1), Rc::new(1), FlashStrategy::new());
    std::thread::spawn(move || drop(writer));
}
