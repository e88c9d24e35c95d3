//! Whether the machine had other work.

use core::hint::black_box;
use std::fs;
use std::time::Instant;

use crate::{Machine, Spread};

/// Looks at the machine from time to time.
#[derive(Debug)]
pub(crate) struct Noise {
    loops: Vec<f64>,
    begin: Option<Jiffies>,
}

/// Time that was spent, in ticks of the system, since it started.
#[derive(Clone, Copy, Debug)]
struct Jiffies {
    /// By anybody, on all cores; stolen by the host, too.
    busy: f64,
    total: f64,
    /// By this program.
    own: f64,
}

impl Jiffies {
    fn look() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let fields: Vec<f64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            // What guests use is in the first field already.
            .take(8)
            .map_while(|field| field.parse().ok())
            .collect();
        let idle = fields.get(3)? + fields.get(4)?;
        let total: f64 = fields.iter().sum();
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // After the name, which may have spaces.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |nth: usize| fields.get(nth)?.parse::<f64>().ok();
        Some(Self {
            busy: total - idle,
            total,
            own: number(11)? + number(12)?,
        })
    }
}

impl Noise {
    pub(crate) fn new() -> Self {
        Self {
            loops: Vec::new(),
            begin: Jiffies::look(),
        }
    }

    /// Times some arithmetic, which takes as long every time if nobody disturbs.
    pub(crate) fn probe(&mut self) {
        let begin = Instant::now();
        let mut number = 1_u64;
        for _ in 0..50_000 {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
        black_box(number);
        self.loops.push(begin.elapsed().as_nanos() as f64);
    }

    /// What share of the machine others had, as far as the system tells.
    fn others(&self) -> Option<f64> {
        let (begin, now) = (self.begin?, Jiffies::look()?);
        let others = (now.busy - begin.busy) - (now.own - begin.own);
        Some((others / (now.total - begin.total).max(1.0)).clamp(0.0, 1.0))
    }

    /// What was seen, in a line, and whether it is a warning.
    pub(crate) fn say(&self) -> (String, bool) {
        let mut loops = self.loops.clone();
        loops.sort_unstable_by(f64::total_cmp);
        let spread = Spread::of(loops.iter().copied());
        let late = loops.get(loops.len() * 9 / 10);
        let swing = match (spread, late) {
            (Some(spread), Some(late)) => late / spread.median,
            _ => 1.0,
        };
        let others = self.others().unwrap_or(0.0);
        let is_noisy = swing > 1.1 || others > 0.05;
        let line = format!(
            "other programs used {:.0} % of {} cores; a fixed loop took {swing:.2} times its median in the slowest tenth",
            others * 100.0,
            Machine::cores(),
        );
        if is_noisy {
            let line =
                format!("the machine was noisy ({line}): compare ratios only, and run it again");
            (line, true)
        } else {
            (format!("quiet machine: {line}"), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_changes_its_pace_is_noisy() {
        let loops = |late| Noise {
            loops: [vec![100.0; 80], vec![late; 20]].concat(),
            begin: None,
        };
        assert!(loops(150.0).say().1);
        assert!(!loops(101.0).say().1);
        assert!(loops(150.0).say().0.contains("1.50 times"));
    }

    #[test]
    fn a_probe_takes_time() {
        let mut noise = Noise::new();
        noise.probe();
        assert!(noise.loops[0] > 0.0);
    }
}
