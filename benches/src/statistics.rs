//! Medians, because a machine's noise only ever adds.

/// The distribution of the rounds of one engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    /// The median of the distances from the median.
    pub(crate) mad: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Sums up at least one value.
    pub(crate) fn of(values: &[f64]) -> Self {
        let middle = median(values);
        let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
        Self {
            median: middle,
            mad: median(&distances),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(0.0, f64::max),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outlier_moves_neither_median_nor_mad() {
        let summary = Summary::of(&[1.0, 2.0, 3.0, 4.0, 100.0]);
        let expected = Summary {
            median: 3.0,
            mad: 1.0,
            min: 1.0,
            max: 100.0,
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn an_even_number_has_its_median_between() {
        assert!((Summary::of(&[1.0, 2.0]).median - 1.5).abs() < 1e-9);
    }
}
