//! Whether other programs used the machine.

use core::hint::black_box;
use std::fs;
use std::time::Instant;

use crate::machine::Machine;
use crate::metric::median;

/// What the run saw of other programs.
#[derive(Debug)]
pub(crate) struct Noise {
    /// The nanoseconds of each probe.
    probes: Vec<f64>,
    begin: Option<CpuTime>,
}

/// Processor time since the system started, in its ticks.
#[derive(Clone, Copy, Debug)]
struct CpuTime {
    /// Used by any program on any core, or stolen by the host.
    busy: f64,
    total: f64,
    /// Used by this program.
    own: f64,
}

impl CpuTime {
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let fields = stat.lines().next()?.split_whitespace().skip(1);
        // The time of guests is in the first field already.
        let fields = fields.take(8).map_while(|field| field.parse().ok());
        let fields: Vec<f64> = fields.collect();
        let total: f64 = fields.iter().sum();
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // After the name, which may have spaces.
        let (_, rest) = stat.rsplit_once(')')?;
        let number = |nth| rest.split_whitespace().nth(nth)?.parse::<f64>().ok();
        Some(Self {
            busy: total - fields.get(3)? - fields.get(4)?,
            total,
            own: number(11)? + number(12)?,
        })
    }
}

/// What is said about a run's noise.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) text: String,
    pub(crate) is_noisy: bool,
}

impl Noise {
    pub(crate) fn new() -> Self {
        let begin = CpuTime::now();
        let probes = Vec::new();
        Self { probes, begin }
    }

    /// Times some arithmetic, which always takes as long on a quiet machine.
    pub(crate) fn probe(&mut self) {
        let begin = Instant::now();
        let mut number = 1_u64;
        for _ in 0..50_000 {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
        black_box(number);
        self.probes.push(begin.elapsed().as_nanos() as f64);
    }

    /// The share of the machine that other programs had, if the system tells.
    fn others(&self) -> Option<f64> {
        let (begin, now) = (self.begin?, CpuTime::now()?);
        let others = (now.busy - begin.busy) - (now.own - begin.own);
        Some((others / (now.total - begin.total).max(1.0)).clamp(0.0, 1.0))
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let mut probes = self.probes.clone();
        let median = median(&mut probes);
        // `median` sorted them.
        let late = probes.get(probes.len() * 9 / 10);
        let swing = median.zip(late).map_or(1.0, |(median, late)| late / median);
        let others = self.others().unwrap_or(0.0);
        let is_noisy = swing > 1.1 || others > 0.05;
        let seen = format!(
            "other programs used {:.0} % of {} cores; a fixed loop took {swing:.2} times its median in the slowest tenth",
            others * 100.0,
            Machine::cores(),
        );
        let text = match is_noisy {
            true => {
                format!("the machine was noisy ({seen}): compare ratios only, and run it again")
            }
            false => format!("quiet machine: {seen}"),
        };
        Verdict { text, is_noisy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_changes_its_pace_is_noisy() {
        let with = |late| Noise {
            probes: [vec![100.0; 80], vec![late; 20]].concat(),
            begin: None,
        };
        let noisy = with(150.0).verdict();
        assert!(noisy.is_noisy && noisy.text.contains("1.50 times"));
        assert!(!with(101.0).verdict().is_noisy);
        let mut noise = Noise::new();
        noise.probe();
        assert!(noise.probes[0] > 0.0);
    }
}
