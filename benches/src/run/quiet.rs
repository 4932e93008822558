//! Selects the rounds that count.

/// Returns the quarter of the rounds in which all cases together were fastest. `cases` contains the times of each case
/// in each round.
///
/// Another process on the same core slows down some operations more than other operations, for seconds at a time.
/// Rounds are selected by the times of all cases, so that no case is favoured.
pub(crate) fn quietest_quarter(cases: &[Vec<f64>]) -> Vec<usize> {
    let usual: Vec<f64> = cases.iter().map(|rounds| super::Spread::of(rounds.clone()).median).collect();
    let rounds = cases.iter().map(Vec::len).min().unwrap_or_default();
    let total = |round: &usize| -> f64 { cases.iter().zip(&usual).map(|(rounds, usual)| rounds[*round] / usual).sum() };
    let mut order: Vec<usize> = (0..rounds).collect();
    order.sort_by(|one, other| total(one).total_cmp(&total(other)));
    order.truncate(rounds.div_ceil(4));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_go_by_all_cases_alike() {
        let cases = [vec![1.0, 1.0, 3.0, 1.2, 9.0], vec![50.0, 90.0, 50.0, 50.0, 50.0]];
        assert_eq!(quietest_quarter(&cases), [0, 3]);
        assert_eq!(quietest_quarter(&[vec![2.0]]), [0]);
        assert!(quietest_quarter(&[]).is_empty());
    }
}
