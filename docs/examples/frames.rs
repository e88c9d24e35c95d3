//! Frames on one thread: the next one is drawn on the back while the screen shows the front.
//!
//! ```sh
//! cargo run -p dbuf-docs --example frames
//! ```
//!
//! For each frame the program prints two images of 16x16 pixels: the front, and the back when
//! its upper half is drawn. The back then has the new frame above and an older one below. The
//! front is always a whole frame. In frame 2 the screen is slow: it still holds its guard when
//! the drawing is done. So the swap is refused, and made when the guard is dropped.

use core::array::from_fn;
use core::iter::zip;
use core::ops::Range;

use dbuf_core::rc;
use dbuf_strategies::LocalStrategy;

const SIZE: usize = 16;

/// Pixels that are lit or dark, row by row.
#[derive(Debug, Default, PartialEq)]
struct Image([[bool; SIZE]; SIZE]);

impl Image {
    fn of(frame: usize) -> Self {
        let mut image = Self::default();
        image.draw(frame, 0..SIZE);
        image
    }

    /// Draws some rows of a frame: a ball that moves to the right.
    fn draw(&mut self, frame: usize, rows: Range<usize>) {
        for y in rows {
            // In half pixels: the ball's radius is 5 pixels.
            let dy = (2 * y).abs_diff(15);
            self.0[y] = from_fn(|x| {
                let dx = (2 * x).abs_diff(9 + 4 * frame);
                dx * dx + dy * dy <= 100
            });
        }
    }

    /// One line of text for two rows of pixels.
    fn lines(&self) -> impl Iterator<Item = String> {
        self.0.chunks(2).map(|rows| {
            let pixels = zip(rows[0], rows[1]);
            let halves = pixels.map(|pair| match pair {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
            halves.collect()
        })
    }
}

fn print(front: &Image, back: &Image) {
    println!(" front, on screen    back, half drawn");
    for (front, back) in zip(front.lines(), back.lines()) {
        println!("│{front}│  │{back}│");
    }
}

fn main() {
    let (mut writer, screen) = rc(Image::of(0), Image::default(), LocalStrategy::new());
    for frame in 1..=3 {
        // The back is two frames old, so every row has to be drawn.
        let back = writer.try_back_mut().expect("no guard is left on the back");
        back.draw(frame, 0..SIZE / 2);
        print(&screen.read(), back);
        back.draw(frame, SIZE / 2..SIZE);

        if frame == 2 {
            let slow = screen.read();
            assert!(!writer.try_swap());
            assert_eq!(*slow, Image::of(1), "nothing changed");
            println!("frame 2 is drawn, but the swap is refused: a guard still shows frame 1");
        }
        assert!(writer.try_swap(), "no guard is left on the front");
        assert_eq!(*screen.read(), Image::of(frame));
        println!("swap: frame {frame} is on screen\n");
    }
}
