//! Requests over loopback to a server with one worker, on 32 connections that are never idle.

use std::array::from_fn;
use std::time::Duration;

use crate::Failed;
use crate::load::{Load, Waits};
use crate::peers::flask::Flask;
use crate::run::{Plan, Spread, quietest_quarter};
use crate::server::{Auth, Server};
use crate::table::{Row, Target, Unit};

/// The number of connections to each server.
const CONNECTIONS: usize = 32;

pub(crate) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let axum = [
        Auth::AxumNone,
        Auth::AxumHardtack,
        Auth::AxumHardtackUncached,
        Auth::AxumByHand,
        Auth::AxumLogin,
        Auth::OlderAxumNone,
        Auth::JwtAuthorizer,
    ];
    let [none, ours, uncached, by_hand, login, older, authorizer] = servers(plan, axum)?;
    let [actix_none, actix_ours, actix_session] =
        servers(plan, [Auth::ActixNone, Auth::ActixHardtack, Auth::ActixSession])?;
    let row_name = "axum over loopback: requests per second, relative to no authentication";
    let row = Row::new(row_name, Unit::Ratio, ours.over(&none))
        .target(Target::AtLeast(0.90, Some(0.95)))
        .peer("without cache", uncached.over(&none))
        .peer("CookieJar + jsonwebtoken by hand", by_hand.over(&none))
        .peer("axum-login", login.over(&none))
        .peer("jwt-authorizer", authorizer.over(&older));
    let row = with_flask(plan, row);
    let actix_row = "actix-web over loopback: requests per second, relative to no authentication";
    let by_cpu = |server: &str| {
        format!("{server} over loopback: requests per second of server CPU time, relative to no authentication")
    };
    Ok(vec![
        row,
        Row::new(actix_row, Unit::Ratio, actix_ours.over(&actix_none))
            .target(Target::AtLeast(0.90, Some(0.95)))
            .peer("actix-session", actix_session.over(&actix_none)),
        Row::new(by_cpu("axum"), Unit::Ratio, ours.saves(&none))
            .target(Target::AtLeast(0.90, Some(0.95)))
            .peer("without cache", uncached.saves(&none))
            .peer("CookieJar + jsonwebtoken by hand", by_hand.saves(&none))
            .peer("axum-login", login.saves(&none))
            .peer("jwt-authorizer", authorizer.saves(&older)),
        Row::new(by_cpu("actix-web"), Unit::Ratio, actix_ours.saves(&actix_none))
            .target(Target::AtLeast(0.90, Some(0.95)))
            .peer("actix-session", actix_session.saves(&actix_none)),
        Row::new("CPU time added to each axum request", Unit::Microseconds, ours.beyond(&none))
            .peer("without cache", uncached.beyond(&none))
            .peer("CookieJar + jsonwebtoken by hand", by_hand.beyond(&none))
            .peer("axum-login", login.beyond(&none))
            .peer("jwt-authorizer", authorizer.beyond(&older))
            .peer("no authentication, in total", none.processor()),
        Row::new("CPU time added to each actix-web request", Unit::Microseconds, actix_ours.beyond(&actix_none))
            .peer("actix-session", actix_session.beyond(&actix_none))
            .peer("no authentication, in total", actix_none.processor()),
        Row::new(
            "share of the time that the axum server without authentication is busy (at 1 it is the bottleneck)",
            Unit::Ratio,
            none.busy(),
        ),
    ])
}

/// How many times each server is started.
const LIVES: usize = 5;

/// The figures of each round of one server.
#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    microseconds: Vec<f64>,
    busy: Vec<f64>,
}

impl Rounds {
    fn extend(&mut self, more: Self) {
        self.per_second.extend(more.per_second);
        self.microseconds.extend(more.microseconds);
        self.busy.extend(more.busy);
    }

    fn only(&self, kept: &[usize]) -> Self {
        let of = |values: &[f64]| kept.iter().map(|round| values[*round]).collect();
        Self { per_second: of(&self.per_second), microseconds: of(&self.microseconds), busy: of(&self.busy) }
    }

    fn over(&self, base: &Self) -> Spread {
        Spread::of(self.per_second.iter().zip(&base.per_second).map(|(ours, base)| ours / base).collect())
    }

    /// Like [`Self::over`], but computed from the CPU time per request. If the server is the bottleneck, the result is
    /// the same. If other processes use the processor, this result varies less.
    fn saves(&self, base: &Self) -> Spread {
        Spread::of(self.microseconds.iter().zip(&base.microseconds).map(|(ours, base)| base / ours).collect())
    }

    fn beyond(&self, base: &Self) -> Spread {
        Spread::of(self.microseconds.iter().zip(&base.microseconds).map(|(ours, base)| ours - base).collect())
    }

    fn processor(&self) -> Spread {
        Spread::of(self.microseconds.clone())
    }

    fn busy(&self) -> Spread {
        Spread::of(self.busy.clone())
    }
}

/// Runs all servers at once and sends requests to each in turn. Restarts them several times, because the memory layout
/// of a process makes it faster or slower for its whole life.
fn servers<const N: usize>(plan: &Plan, kinds: [Auth; N]) -> Result<[Rounds; N], Failed> {
    let mut all = from_fn(|_| Rounds::default());
    for _ in 0..LIVES {
        let running = kinds.into_iter().map(Server::start).collect::<Result<Vec<_>, _>>()?;
        let lived = turns::<N>(plan.http_rounds.div_ceil(LIVES), plan.http_round, &running)?;
        all.iter_mut().zip(lived).for_each(|(all, lived)| all.extend(lived));
    }
    Ok(all)
}

fn turns<const N: usize>(rounds: usize, round: Duration, running: &[Server]) -> Result<[Rounds; N], Failed> {
    let open = |server: &Server| Load::open(server.address, CONNECTIONS, server.request(), Waits::Awake);
    let mut loads = running.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    for load in &mut loads {
        load.run(round)?;
    }
    let mut measured: [Rounds; N] = from_fn(|_| Rounds::default());
    for number in 0..rounds {
        for turn in 0..N {
            let at = (number + turn) % N;
            let before = running[at].processor_time()?;
            let done = loads[at].run(round)?;
            let worked = running[at].processor_time()?.saturating_sub(before).as_secs_f64();
            measured[at].per_second.push(done.per_second());
            measured[at].microseconds.push(worked * 1e6 / done.requests as f64);
            measured[at].busy.push(worked / done.spent.as_secs_f64());
        }
    }
    let costs = measured.each_ref().map(|rounds| rounds.per_second.iter().map(|rate| 1.0 / rate).collect());
    let kept = quietest_quarter(&costs);
    Ok(measured.map(|rounds| rounds.only(&kept)))
}

/// Measures Flask in separate rounds, relative to Flask without authentication. Flask gets fewer rounds, because it is
/// ten times slower.
fn with_flask(plan: &Plan, row: Row) -> Row {
    let name = "Flask-JWT-Extended, relative to Flask";
    let measured = Flask::install().and_then(|flask| {
        let running = [flask.serve("bare")?, flask.serve("guarded")?];
        turns::<2>(plan.http_rounds / 3 + 1, plan.http_round, &running)
    });
    match measured {
        Ok([bare, guarded]) => row.peer(name, guarded.over(&bare)),
        Err(error) => row.left_out(name, error.to_string()),
    }
}
