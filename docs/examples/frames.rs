//! Frames on one thread: draw into the back while the front is shown.

use dbuf_core::rc;
use dbuf_strategies::LocalStrategy;

fn main() {
    let (mut writer, screen) = rc(String::new(), String::new(), LocalStrategy::new());
    for frame in 0..4 {
        let picture = writer
            .try_back_mut()
            .expect("the last frame is no longer shown");
        *picture = format!("{}o{}", ".".repeat(frame), ".".repeat(3 - frame));
        let shown = screen.read();
        assert!(!writer.try_swap(), "never in the middle of showing a frame");
        drop(shown);
        assert!(writer.try_swap());
        println!("{}", *screen.read());
    }
}
