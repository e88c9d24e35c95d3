use dbuf_core::{DoubleBuffer, Reader, Writer};
use dbuf_strategies::CountStrategy;

type Shared<T> = DoubleBuffer<T, CountStrategy>;

/// The newest four samples: the interrupt handler writes, the main loop reads.
static SAMPLES: Shared<[i16; 4]> = Shared::new([0; 4], [0; 4], CountStrategy::new());
/// The gain and the offset: the main loop writes, the interrupt handler reads.
static SETTINGS: Shared<(i16, i16)> = Shared::new((1, 0), (1, 0), CountStrategy::new());

/// Called by the interrupt handler, with what it read from the sensor. Never waits.
/// Returns whether the sample was published; it is lost while a guard is on the back.
pub fn on_sample(raw: i16) -> bool {
    let settings = Reader::new(&SETTINGS);
    let (gain, offset) = *settings.read();
    let Ok(mut writer) = Writer::claim(&SAMPLES) else {
        return false; // this handler interrupted itself
    };
    if !writer.try_finish() {
        return false;
    }
    let (front, back) = writer.split_mut();
    back[..3].copy_from_slice(&front[1..]);
    back[3] = raw * gain + offset;
    writer.start_swap()
}

/// Called by the main loop. No sample is published between the four that it adds up.
pub fn sum() -> i16 {
    let samples = Reader::new(&SAMPLES);
    let guard = samples.read();
    guard.iter().sum()
}

/// Called by the main loop. `store` may spin, and on one core it never does: a handler that
/// has returned has dropped its guards.
pub fn set(gain: i16, offset: i16) {
    if let Ok(mut writer) = Writer::claim(&SETTINGS) {
        writer.store((gain, offset));
    }
}
