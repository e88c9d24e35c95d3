/// The middle of some rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The least.
    pub(crate) min: f64,
    /// The greatest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of some numbers; `None` of none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        Some(Self {
            median: median(&mut values)?,
            // The median left them sorted.
            min: *values.first()?,
            max: *values.last()?,
        })
    }
}

/// The median of some numbers, which are sorted for it; `None` of none. Of an
/// even count, the middle between the middle two.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(lower.midpoint(upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_its_own_middle() {
        assert_eq!(median(&mut [7.0]), Some(7.0));
        let spread = Spread::of([7.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (7.0, 7.0, 7.0));
        assert_eq!(median(&mut [5.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn an_outlier_moves_the_range_and_not_the_middle() {
        let spread = Spread::of([2.0, 1000.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 1000.0));
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(Spread::of([]), None);
    }
}
