//! The rows of the table, and their format.

use serde::Serialize;

use crate::run::Spread;

/// If the quartiles differ by more than this share of the median, the figure is too unsteady to compare with its
/// target.
const UNSTEADY: f64 = 0.3;

/// One line of the table.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    unit: Unit,
    ours: Spread,
    target: Option<Target>,
    verdict: Option<Verdict>,
    peers: Vec<Peer>,
}

/// The unit of a row's figures.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// A ratio to the baseline.
    Ratio,
    /// Nanoseconds.
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// A count.
    Count,
    /// Megabytes of 1,000,000 bytes.
    Megabytes,
}

/// The target of a row and, if there is one, a more ambitious target ("stretch").
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// The figure must be at most the first value. For the stretch target, it must be at most the second value.
    AtMost(f64, Option<f64>),
    /// The figure must be at least the first value. For the stretch target, it must be at least the second value.
    AtLeast(f64, Option<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// The rounds differ too much for a verdict.
    Unsteady,
    Missed,
    Reached,
    Beyond,
}

/// The figure of another crate, or of the bare operation, in the same row.
#[derive(Serialize)]
struct Peer {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, unit: Unit, ours: Spread) -> Self {
        Self { name: name.into(), unit, ours, target: None, verdict: None, peers: Vec::new() }
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        let unsteady = self.ours.high - self.ours.low > UNSTEADY * self.ours.median.abs();
        let verdict = target.verdict(self.unit.rounded(self.ours.median));
        self.verdict = Some(if unsteady { Verdict::Unsteady } else { verdict });
        self.target = Some(target);
        self
    }

    pub(crate) fn peer(mut self, name: impl Into<String>, value: Spread) -> Self {
        self.peers.push(Peer { name: name.into(), value: Some(value), left_out: None });
        self
    }

    /// Adds a peer that could not be measured, and the reason.
    pub(crate) fn left_out(mut self, name: impl Into<String>, why: impl Into<String>) -> Self {
        self.peers.push(Peer { name: name.into(), value: None, left_out: Some(why.into()) });
        self
    }

    /// Returns the row as a line of Markdown.
    pub(crate) fn to_markdown(&self) -> String {
        let peers: Vec<String> = self.peers.iter().map(|peer| peer.text(self.unit)).collect();
        format!(
            "| {} | {} | {} | {} | {} |",
            self.name,
            self.unit.spread(&self.ours),
            self.target.map_or_else(|| "–".into(), |target| target.text(self.unit)),
            self.verdict.map_or("–", Verdict::text),
            if peers.is_empty() { "–".into() } else { peers.join(" · ") },
        )
    }
}

/// The header of the table.
pub(crate) const HEAD: &str = "| | Hardtack | target | met | others in the same run |\n| --- | --- | --- | --- | --- |";

impl Peer {
    fn text(&self, unit: Unit) -> String {
        match (&self.value, &self.left_out) {
            (Some(value), _) => format!("{} {}", self.name, unit.figure(value.median)),
            (None, why) => format!("{}: left out, {}", self.name, why.as_deref().unwrap_or("unmeasured")),
        }
    }
}

impl Unit {
    /// Rounds to the printed number of digits, so that the verdict is about the printed figure.
    fn rounded(self, value: f64) -> f64 {
        let factor = match self {
            Self::Ratio | Self::Microseconds => 100.0,
            Self::Nanoseconds | Self::Count | Self::Megabytes => 10.0,
        };
        (value * factor).round() / factor
    }

    fn figure(self, value: f64) -> String {
        let value = self.rounded(value);
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Microseconds => format!("{value:.2} µs"),
            Self::Nanoseconds => format!("{value:.0} ns"),
            Self::Count => format!("{value}"),
            Self::Megabytes => format!("{value} MB"),
        }
    }

    fn spread(self, spread: &Spread) -> String {
        let Spread { median, low, high } = *spread;
        if low == high {
            return format!("**{}**", self.figure(median));
        }
        format!("**{}** ({:.2}–{:.2})", self.figure(median), low, high)
    }
}

impl Target {
    fn verdict(self, value: f64) -> Verdict {
        let (reach, beyond) = match self {
            Self::AtMost(reach, beyond) => (value <= reach, beyond.is_some_and(|beyond| value <= beyond)),
            Self::AtLeast(reach, beyond) => (value >= reach, beyond.is_some_and(|beyond| value >= beyond)),
        };
        match (reach, beyond) {
            (_, true) => Verdict::Beyond,
            (true, false) => Verdict::Reached,
            (false, false) => Verdict::Missed,
        }
    }

    fn text(self, unit: Unit) -> String {
        let (sign, reach, beyond) = match self {
            Self::AtMost(reach, beyond) => ("≤", reach, beyond),
            Self::AtLeast(reach, beyond) => ("≥", reach, beyond),
        };
        let beyond = beyond.map(|beyond| format!(", stretch {sign} {}", unit.figure(beyond)));
        format!("{sign} {}{}", unit.figure(reach), beyond.unwrap_or_default())
    }
}

impl Verdict {
    const fn text(self) -> &'static str {
        match self {
            Self::Unsteady => "unsteady: repeat on an idle machine",
            Self::Missed => "no",
            Self::Reached => "yes",
            Self::Beyond => "stretch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged_by_what_is_printed() {
        let most = Target::AtMost(1.6, Some(1.4));
        let judged = |value| Row::new("x", Unit::Ratio, Spread::exact(value)).target(most).verdict;
        assert_eq!(judged(1.604), Some(Verdict::Reached));
        assert_eq!(judged(1.61), Some(Verdict::Missed));
        assert_eq!(judged(1.4), Some(Verdict::Beyond));
        let wild = Spread { median: 1.1, low: 0.4, high: 2.3 };
        assert_eq!(Row::new("x", Unit::Ratio, wild).target(most).verdict, Some(Verdict::Unsteady));
        assert_eq!(Target::AtLeast(0.9, Some(0.95)).verdict(0.89), Verdict::Missed);
        assert_eq!(Target::AtLeast(0.5, None).verdict(0.7), Verdict::Reached);
    }

    #[test]
    fn a_row_is_one_line() {
        let spread = Spread { median: 0.5, low: 0.48, high: 0.52 };
        let row = Row::new("verify", Unit::Ratio, spread).target(Target::AtMost(0.7, None));
        let row = row.peer("other", Spread::exact(6.2)).left_out("absent", "not installed");
        assert_eq!(
            row.to_markdown(),
            "| verify | **0.50** (0.48–0.52) | ≤ 0.70 | yes | other 6.20 · absent: left out, not installed |"
        );
    }
}
