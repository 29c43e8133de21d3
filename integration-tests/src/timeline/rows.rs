//! Rows of a lane: nothing covers anything.

/// Between two things of a row, at the least.
const APART: f64 = 6.0;

/// How far each row is full.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<f64>);

impl Rows {
    /// The first row that is free between both places.
    pub(super) fn place(&mut self, from: f64, to: f64) -> usize {
        let free = self.0.iter().position(|end| *end + APART <= from);
        let row = free.unwrap_or_else(|| {
            self.0.push(f64::MIN);
            self.0.len() - 1
        });
        self.0[row] = to;
        row
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_cover_something_goes_to_the_next_row() {
        let mut rows = Rows::default();
        let placed = [(0.0, 50.0), (10.0, 30.0), (34.0, 60.0), (36.0, 60.0), (56.0, 90.0)];
        assert_eq!(placed.map(|(from, to)| rows.place(from, to)), [0, 1, 2, 1, 0]);
        assert_eq!(rows.count(), 3);
    }
}
