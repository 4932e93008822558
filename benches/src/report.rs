//! Measures the chosen parts and prints the results.

use serde::Serialize;

use crate::Failed;
use crate::options::Options;
use crate::rows::{GROUPS, Group};
use crate::table::{HEAD, Row};

/// The highest load average at which the machine counts as idle.
const QUIET: f64 = 0.5;

/// The results of a run.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    cpu: String,
    cores: usize,
    quick: bool,
    rows: Vec<Row>,
}

pub(crate) fn print(options: &Options) -> Result<(), Failed> {
    if cfg!(debug_assertions) {
        return Err("the figures of a debug build mean nothing; run scripts/bench, or build with --release".into());
    }
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        cpu: cpu(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        quick: options.quick,
        rows: Vec::new(),
    };
    let groups = chosen(&options.only)?;
    let load = load_average();
    if load > QUIET {
        eprintln!(
            "the machine is busy (load average {load}), so the figures vary; do not rely on the figures for two cores"
        );
    }
    for group in groups {
        eprintln!("measuring: {}", group.name);
        report.rows.extend((group.measure)(&options.plan())?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    let rounds = if report.quick { ", a quick look" } else { "" };
    println!("Hardtack {} on {} ({} cores){rounds}\n\n{HEAD}", report.version, report.cpu, report.cores);
    for row in &report.rows {
        println!("{}", row.to_markdown());
    }
    Ok(())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Group>, Failed> {
    if only.is_empty() {
        return Ok(GROUPS.iter().collect());
    }
    let find = |name: &String| GROUPS.iter().find(|group| group.name == name);
    let known = || GROUPS.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
    only.iter()
        .map(|name| find(name).ok_or_else(|| format!("there is no part {name:?}; expected one of {}", known()).into()))
        .collect()
}

/// Returns the load average of the last minute, or zero on systems without `/proc/loadavg`.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// Returns the name of the processor.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "an unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}
