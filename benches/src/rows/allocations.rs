//! The allocations that authentication adds to a request.

use std::process::Command;

use crate::Failed;
use crate::allocations::Counts;
use crate::run::{Plan, Spread};
use crate::table::{Row, Target, Unit};

pub(crate) fn measure(_: &Plan) -> Result<Vec<Row>, Failed> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--quiet", "--manifest-path", manifest, "--bin", "hardtack-bench-allocations"]);
    let counted = command.output()?;
    if !counted.status.success() {
        return Err(format!("allocations: {}", String::from_utf8_lossy(&counted.stderr).trim()).into());
    }
    let counts: Counts = serde_json::from_slice(&counted.stdout)?;
    let figure = |count: i64| Spread::exact(count as f64);
    Ok(vec![
        Row::new("allocations added to each request", Unit::Count, figure(counts.hardtack))
            .target(Target::AtMost(2.0, Some(0.0)))
            .peer("with `Router::layer`", figure(counts.layered))
            .peer("without cache", figure(counts.without_cache))
            .peer("CookieJar + jsonwebtoken by hand", figure(counts.by_hand))
            .peer("axum-login", figure(counts.axum_login))
            .peer("jwt-authorizer", figure(counts.jwt_authorizer)),
    ])
}
