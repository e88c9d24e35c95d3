use core::fmt;

/// The middle of some rounds, and how far they lie apart.
///
/// # Examples
///
/// ```
/// use dbuf_bench::Spread;
///
/// let spread = Spread::of([3.0, 1.0, 2.25]).unwrap();
/// assert_eq!(spread.to_string(), "2 (1..3)");
/// assert_eq!(format!("{spread:.1}"), "2.2 (1.0..3.0)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of some numbers; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        Some(Self {
            median: median(&mut values)?,
            // The median left them sorted.
            min: *values.first()?,
            max: *values.last()?,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Self { median, min, max } = self;
        write!(f, "{median:.digits$} ({min:.digits$}..{max:.digits$})")
    }
}

/// The median of some numbers, which are sorted for it; `None` of none. Of an
/// even count, the middle between the middle two.
///
/// # Examples
///
/// ```
/// assert_eq!(dbuf_bench::median(&mut [5.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(dbuf_bench::median(&mut [5.0, 1.0, 2.0, 4.0]), Some(3.0));
/// assert_eq!(dbuf_bench::median(&mut []), None);
/// ```
pub fn median(values: &mut [f64]) -> Option<f64> {
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
