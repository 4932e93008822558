//! Runs random histories of two processes with one store, and compares them with a simple model of sessions.
//!
//! Each process has a clock of its own, which may be wrong and is set while it runs. The browser keeps every cookie, so
//! that the processes have to judge expired ones.

use std::time::Duration;

use hardtack::clock::{Clock, Timestamp};
use hardtack::session::SessionPolicy;
use hardtack::testing::TestClock;
use hardtack::{KeySet, MemorySessions};
use proptest::prelude::*;

use crate::support::{Browser, NOW, Site, block_on, key, seconds};

const ACCESS: u64 = 900;
const IDLE: u64 = 86_400;
const ABSOLUTE: u64 = 200_000;
/// The maximum staleness, after which a process queries the store.
const BOUND: u64 = 60;
/// How far times may be in the future.
const SKEW: u64 = 3;
const SUBJECTS: [&str; 2] = ["alice", "bob"];

#[derive(Clone, Debug)]
enum Step {
    LogIn(usize),
    Refresh(usize),
    /// A refresh whose response is lost.
    RefreshAndLose(usize),
    /// The same refresh at both processes.
    RefreshTwice(usize),
    Visit(usize),
    LogOut(usize),
    ChangePassword(usize),
    RevokeOthers(usize),
    ChangeClaims(usize),
    /// A process reads the revocation log.
    Sync,
    /// Time passes, in seconds.
    Advance(u64),
    /// The clock of the process is set, so that it is wrong by this many milliseconds.
    SetClock(i64),
}

/// The index of a process, and what it does.
fn process_and_step() -> impl Strategy<Value = (usize, Step)> {
    (0..2usize, step())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2usize).prop_map(Step::LogIn),
        6 => any::<usize>().prop_map(Step::Refresh),
        2 => any::<usize>().prop_map(Step::RefreshAndLose),
        2 => any::<usize>().prop_map(Step::RefreshTwice),
        4 => any::<usize>().prop_map(Step::Visit),
        1 => any::<usize>().prop_map(Step::LogOut),
        1 => any::<usize>().prop_map(Step::ChangePassword),
        1 => any::<usize>().prop_map(Step::RevokeOthers),
        2 => (0..2usize).prop_map(Step::ChangeClaims),
        3 => Just(Step::Sync),
        4 => prop::sample::select(vec![0, 1, 29, 31, 300, 500, 601, 950, 3_600, 40_000, 90_000])
            .prop_map(Step::Advance),
        2 => prop::sample::select(vec![0, 0, 0, -300, 300, -2_000, 2_000, -3_600_000, 3_600_000])
            .prop_map(Step::SetClock),
    ]
}

/// A session as the documentation describes it.
struct Model {
    subject: usize,
    ended: bool,
    /// Which processes know that it ended.
    end_known: [bool; 2],
    /// Whether its browser got a new session.
    replaced: bool,
    /// The `role` of its claims.
    role: Option<u64>,
    /// Access tokens up to this generation are outdated.
    outdated: u64,
    /// The outdated generation that each process knows.
    known_outdated: [u64; 2],
    generation: u64,
    rotated_at: Timestamp,
    /// Whether an access token of the current generation was used: the row is confirmed.
    confirmed: bool,
    /// The process that issued the current generation, which therefore waits for its first use.
    rotated_by: usize,
    expires_at: Timestamp,
    absolute_expires_at: Timestamp,
}

/// Tokens that were issued together, in a browser of their own.
struct TokenPair {
    session: usize,
    generation: u64,
    access_issued_at: Timestamp,
    access_expires_at: Timestamp,
    refresh_issued_at: Timestamp,
    refresh_expires_at: Timestamp,
    browser: Browser,
}

struct World {
    sites: [Site; 2],
    clocks: [TestClock; 2],
    /// By how many milliseconds each clock is wrong.
    wrong_by: [i64; 2],
    /// When each process last read the log, by its own clock.
    synced_at: [Timestamp; 2],
    /// How much time had passed then.
    synced_after: [Duration; 2],
    sessions: Vec<Model>,
    pairs: Vec<TokenPair>,
    /// The last `role` that was set.
    last_role: u64,
}

impl World {
    fn new() -> Self {
        let (store, keys, clock) = (MemorySessions::new(), KeySet::new(key()), TestClock::start_at(NOW));
        let clocks = [clock.on_another_machine(), clock];
        let sites = clocks.clone().map(|clock| {
            let site = Site::over(store.clone(), keys.clone(), |builder| {
                let builder = builder.access_lifetime(seconds(ACCESS)).refresh_lifetime(seconds(IDLE));
                builder
                    .session_policy(
                        SessionPolicy::default().absolute_lifetime(seconds(ABSOLUTE)).max_staleness(seconds(BOUND)),
                    )
                    .clock(clock)
            });
            block_on(site.auth.sync_revocations()).unwrap();
            // The browser's clock stands still.
            Site { clock: TestClock::start_at(NOW), ..site }
        });
        Self {
            sites,
            clocks,
            wrong_by: [0; 2],
            synced_at: [NOW; 2],
            synced_after: [Duration::ZERO; 2],
            sessions: Vec::new(),
            pairs: Vec::new(),
            last_role: 0,
        }
    }

    /// The time at a process.
    fn now(&self, at: usize) -> Timestamp {
        self.clocks[at].now()
    }

    fn set_clock(&mut self, at: usize, wrong_by: i64) {
        let change = Duration::from_millis((wrong_by - self.wrong_by[at]).unsigned_abs());
        if wrong_by < self.wrong_by[at] {
            self.clocks[at].set_back(change);
        } else {
            self.clocks[at].set_forward(change);
        }
        self.wrong_by[at] = wrong_by;
    }

    /// Whether a time is so far in the future that clocks must differ.
    fn is_early(&self, at: usize, time: Timestamp) -> bool {
        time > self.now(at) + seconds(SKEW)
    }

    /// Whether a process has not read the log for too long, or its clock was set back since.
    fn is_behind(&self, at: usize) -> bool {
        self.now(at) < self.synced_at[at] || self.now(at).since(self.synced_at[at]) >= seconds(BOUND)
    }

    /// Records a new session.
    fn begin(&mut self, at: usize, subject: usize, role: Option<u64>, browser: Browser) {
        let now = self.now(at);
        let (expires_at, absolute_expires_at) = (now + seconds(IDLE), now + seconds(ABSOLUTE));
        let model = Model {
            subject,
            ended: false,
            end_known: [false; 2],
            replaced: false,
            role,
            outdated: 0,
            known_outdated: [0; 2],
            generation: 1,
            rotated_at: now,
            confirmed: true,
            rotated_by: 0,
            expires_at,
            absolute_expires_at,
        };
        self.sessions.push(model);
        self.record_tokens(at, self.sessions.len() - 1, browser);
    }

    /// Records that a browser got the tokens of the session's current state.
    fn record_tokens(&mut self, at: usize, session: usize, browser: Browser) {
        let model = &self.sessions[session];
        let recent = self.now(at).since(model.rotated_at) * 2 <= seconds(ACCESS);
        let issued_at = if recent { model.rotated_at } else { self.now(at) };
        self.pairs.push(TokenPair {
            session,
            generation: model.generation,
            access_issued_at: issued_at,
            access_expires_at: (issued_at + seconds(ACCESS)).min(model.expires_at),
            refresh_issued_at: model.rotated_at,
            refresh_expires_at: model.expires_at,
            browser,
        });
    }

    fn pick(&self, index: usize) -> Option<usize> {
        (!self.pairs.is_empty()).then(|| index % self.pairs.len())
    }

    fn is_live(&self, at: usize, session: usize) -> bool {
        !self.sessions[session].ended && self.now(at) < self.sessions[session].expires_at
    }

    /// Whether a process accepts an access token. It may miss the end of a session, but only for `BOUND` seconds.
    fn access_is_good(&mut self, at: usize, index: usize) -> bool {
        let pair = &self.pairs[index];
        let (session, generation) = (pair.session, pair.generation);
        let valid = self.now(at) < pair.access_expires_at && !self.is_early(at, pair.access_issued_at);
        let behind = self.is_behind(at);
        let model = &mut self.sessions[session];
        if valid && behind && model.ended {
            model.end_known[at] = true;
        }
        let outdated = if behind { model.outdated } else { model.known_outdated[at] };
        valid && !model.end_known[at] && generation > outdated
    }

    /// Ends sessions at a process.
    fn end(&mut self, at: usize, ends: impl Fn(usize, &Model) -> bool) {
        let ending = self.sessions.iter_mut().enumerate().filter(|(index, model)| !model.ended && ends(*index, model));
        ending.for_each(|(_, model)| {
            model.ended = true;
            model.end_known[at] = true;
        });
    }

    fn refresh(&mut self, at: usize, index: usize, arrives: bool) -> Result<(), TestCaseError> {
        let now = self.now(at);
        let pair = &self.pairs[index];
        let (session, generation) = (pair.session, pair.generation);
        let mut browser = pair.browser.clone();
        // A token or a row that is early is refused, but nothing ends and no cookie is deleted.
        let mut early = self.is_early(at, pair.refresh_issued_at);
        let expected = {
            let alive = self.is_live(at, session) && now < pair.refresh_expires_at && !early;
            let rotated_early = self.is_early(at, self.sessions[session].rotated_at);
            let model = &mut self.sessions[session];
            let window = seconds(if model.confirmed { 30 } else { 600 });
            match model.generation - generation {
                _ if !alive => false,
                0 => {
                    model.generation += 1;
                    model.rotated_at = now;
                    model.confirmed = false;
                    model.rotated_by = at;
                    model.expires_at = (now + seconds(IDLE)).min(model.absolute_expires_at);
                    true
                }
                1 if rotated_early => {
                    early = true;
                    false
                }
                1 if now.since(model.rotated_at) <= window => true,
                _ => {
                    model.ended = true;
                    model.end_known[at] = true;
                    false
                }
            }
        };
        let response = self.sites[at].refresh(&mut browser);
        prop_assert_eq!(response.status == 200, expected, "refresh: {}", response.code);
        if !expected {
            // A browser that has a new session may keep its cookies.
            let kept = if early { !browser.is_empty() } else { browser.is_empty() || self.sessions[session].replaced };
            prop_assert!(kept, "{}", response.code);
            return Ok(());
        }
        let model = &self.sessions[session];
        let twin = self.pairs.iter().find(|pair| (pair.session, pair.generation) == (session, model.generation));
        if let Some(twin) = twin {
            prop_assert_eq!(twin.browser.refresh(), browser.refresh());
        }
        let token =
            self.sites[at].auth.decode::<hardtack::jwt::NoExtra>(browser.access(), hardtack::jwt::TokenKind::Access);
        let token = token.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(!token.is_fresh(now));
        prop_assert_eq!(token.subject(), SUBJECTS[model.subject]);
        prop_assert_eq!(token.claim("role").as_u64(), model.role, "a new token has the claims of its session");
        if !arrives {
            return Ok(());
        }
        self.record_tokens(at, session, browser);
        let expected = self.pairs.last().map(|pair| pair.access_expires_at);
        prop_assert_eq!(token.claims().expires_at, expected);
        Ok(())
    }

    /// Sends the access cookie alone, so that the layer cannot refresh.
    fn visit(&mut self, at: usize, index: usize) -> Result<(), TestCaseError> {
        let expected = self.access_is_good(at, index);
        let pair = &self.pairs[index];
        let response = self.sites[at].visit(&mut pair.browser.without(&["refresh_token_cookie"]));
        prop_assert_eq!(response.status == 200, expected, "visit: {}", response.code);
        let (session, generation) = (pair.session, pair.generation);
        let knows_all = self.is_behind(at) || self.synced_after[at] == self.clocks[at].monotonic();
        let model = &mut self.sessions[session];
        if expected && knows_all && generation > model.outdated && !model.ended {
            prop_assert_eq!(response.token().claim("role").as_u64(), model.role);
        }
        if expected && (model.generation, model.rotated_by) == (generation, at) {
            model.confirmed = true;
        }
        Ok(())
    }

    fn sync(&mut self, at: usize) -> Result<(), TestCaseError> {
        let read = block_on(self.sites[at].auth.sync_revocations());
        prop_assert!(read.is_ok());
        self.sessions.iter_mut().filter(|model| model.ended).for_each(|model| model.end_known[at] = true);
        self.sessions.iter_mut().for_each(|model| model.known_outdated[at] = model.outdated);
        self.synced_at[at] = self.now(at);
        self.synced_after[at] = self.clocks[at].monotonic();
        Ok(())
    }

    fn change_password(&mut self, at: usize, index: usize) -> Result<(), TestCaseError> {
        self.visit(at, index)?;
        let good = self.access_is_good(at, index);
        let pair = &self.pairs[index];
        let (session, subject) = (pair.session, self.sessions[pair.session].subject);
        // A process that does not know of the end reads the row from the store.
        let expected = good && !self.sessions[session].ended;
        let mut browser = pair.browser.without(&["refresh_token_cookie"]);
        let response = self.sites[at].renew(&mut browser);
        prop_assert_eq!(response.status == 200, expected, "renew: {}", response.code);
        if expected {
            self.sessions[session].replaced = true;
            self.end(at, |_, model| model.subject == subject);
            self.begin(at, subject, self.sessions[session].role, browser);
        }
        Ok(())
    }

    fn change_claims(&mut self, at: usize, subject: usize) -> Result<(), TestCaseError> {
        self.last_role += 1;
        let role = self.last_role;
        let claims = serde_json::json!({ "role": role });
        let changed = block_on(self.sites[at].auth.change_claims(SUBJECTS[subject], &claims));
        let mut expected = 0;
        for model in self.sessions.iter_mut().filter(|model| !model.ended && model.subject == subject) {
            model.role = Some(role);
            model.outdated = model.generation;
            model.known_outdated[at] = model.generation;
            expected += 1;
        }
        prop_assert_eq!(changed.ok(), Some(expected));
        Ok(())
    }

    fn apply(&mut self, at: usize, step: &Step) -> Result<(), TestCaseError> {
        let index = match *step {
            Step::Advance(span) => {
                self.clocks[0].advance(seconds(span));
                return Ok(());
            }
            Step::SetClock(wrong_by) => {
                self.set_clock(at, wrong_by);
                return Ok(());
            }
            Step::LogIn(subject) => {
                let browser = self.sites[at].browser_of(SUBJECTS[subject]);
                self.begin(at, subject, None, browser);
                return Ok(());
            }
            Step::ChangeClaims(subject) => return self.change_claims(at, subject),
            Step::Sync => return self.sync(at),
            Step::Refresh(index)
            | Step::RefreshAndLose(index)
            | Step::RefreshTwice(index)
            | Step::Visit(index)
            | Step::LogOut(index)
            | Step::ChangePassword(index)
            | Step::RevokeOthers(index) => index,
        };
        let Some(index) = self.pick(index) else { return Ok(()) };
        let session = self.pairs[index].session;
        match step {
            Step::Refresh(_) => self.refresh(at, index, true),
            Step::RefreshAndLose(_) => self.refresh(at, index, false),
            Step::RefreshTwice(_) => self.refresh(at, index, true).and_then(|()| self.refresh(1 - at, index, true)),
            Step::Visit(_) => self.visit(at, index),
            Step::ChangePassword(_) => self.change_password(at, index),
            Step::LogOut(_) => {
                prop_assert_eq!(self.sites[at].log_out(&mut self.pairs[index].browser.clone()).status, 200);
                // A pair that has expired and is not the newest ends nothing: it may be a copy.
                let newest = self.pairs[index].generation == self.sessions[session].generation;
                if !newest && self.pairs[index].refresh_expires_at <= self.now(at) {
                    return Ok(());
                }
                self.end(at, |own, _| own == session);
                // This process now knows that the session has ended, even if it had ended before.
                self.sessions[session].end_known[at] = true;
                Ok(())
            }
            _ => {
                let subject = self.sessions[session].subject;
                let token = self.pairs[index].browser.access();
                let token =
                    self.sites[at].auth.decode::<hardtack::jwt::NoExtra>(token, hardtack::jwt::TokenKind::Access);
                // Only a token that has not expired gives the id of the session.
                let Some(kept) = token.ok().and_then(|token| token.session()) else { return Ok(()) };
                let is_other = |own: usize, model: &Model| model.subject == subject && own != session;
                let count =
                    self.sessions.iter().enumerate().filter(|(own, model)| !model.ended && is_other(*own, model));
                let count = count.count();
                let ended = block_on(self.sites[at].auth.revoke_other_sessions(SUBJECTS[subject], kept));
                prop_assert_eq!(ended.ok(), Some(count));
                self.end(at, is_other);
                Ok(())
            }
        }
    }

    /// Checks what must hold at the end of every history.
    fn check_final_state(&mut self) -> Result<(), TestCaseError> {
        for at in 0..2 {
            self.sync(at)?;
            for (subject, name) in SUBJECTS.iter().enumerate() {
                let live = (0..self.sessions.len())
                    .filter(|session| self.sessions[*session].subject == subject && self.is_live(at, *session));
                prop_assert_eq!(self.sites[at].live_sessions(name).len(), live.count());
            }
        }
        for index in 0..self.pairs.len() {
            let (session, generation) = (self.pairs[index].session, self.pairs[index].generation);
            if self.sessions[session].ended {
                for site in &self.sites {
                    let mut browser = self.pairs[index].browser.clone();
                    prop_assert_eq!(site.visit(&mut browser.clone()).status, 401);
                    prop_assert_eq!(site.refresh(&mut browser).status, 401);
                }
            } else if self.is_live(index % 2, session) && self.sessions[session].generation == generation {
                self.refresh(index % 2, index, true)?;
                prop_assert!(self.is_live(index % 2, session));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s28_s30_s33_s35_s39_s44_histories_are_safe(steps in prop::collection::vec(process_and_step(), 1..60)) {
        let mut world = World::new();
        for (at, step) in &steps {
            world.apply(*at, step)?;
        }
        world.check_final_state()?;
    }
}
