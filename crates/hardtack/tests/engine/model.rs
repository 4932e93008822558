//! Random histories against a plain model of what sessions are.

use hardtack::Timestamp;
use proptest::prelude::*;

use crate::support::{Browser, NOW, Site, seconds};

const ACCESS: u64 = 900;
const IDLE: u64 = 86_400;
const ABSOLUTE: u64 = 200_000;
const SUBJECTS: [&str; 2] = ["alice", "bob"];

#[derive(Clone, Debug)]
enum Step {
    LogIn(usize),
    Refresh(usize),
    Visit(usize),
    LogOut(usize),
    ChangePassword(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2usize).prop_map(Step::LogIn),
        6 => any::<usize>().prop_map(Step::Refresh),
        4 => any::<usize>().prop_map(Step::Visit),
        1 => any::<usize>().prop_map(Step::LogOut),
        1 => any::<usize>().prop_map(Step::ChangePassword),
        4 => prop::sample::select(vec![0, 1, 29, 31, 300, 500, 601, 950, 40_000, 90_000]).prop_map(Step::Pass),
    ]
}

/// A session as the documents describe it.
struct Model {
    subject: usize,
    ended: bool,
    replaced: bool,
    generation: u64,
    rotated_at: Timestamp,
    seen: bool,
    expires_at: Timestamp,
    absolute: Timestamp,
}

/// Tokens that were handed out at some time, in a browser of their own.
struct Pair {
    session: usize,
    generation: u64,
    access_ends: Timestamp,
    refresh_ends: Timestamp,
    browser: Browser,
}

struct World {
    site: Site,
    sessions: Vec<Model>,
    pairs: Vec<Pair>,
}

impl World {
    fn new() -> Self {
        let site = Site::with(|builder| {
            builder.access_lifetime(seconds(ACCESS)).refresh_lifetime(seconds(IDLE)).session_lifetime(seconds(ABSOLUTE))
        });
        Self { site, sessions: Vec::new(), pairs: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        self.site.auth.now()
    }

    fn begin(&mut self, subject: usize, browser: Browser) {
        let now = self.now();
        let (expires_at, absolute) = (now + seconds(IDLE), now + seconds(ABSOLUTE));
        let model = Model {
            subject,
            ended: false,
            replaced: false,
            generation: 1,
            rotated_at: now,
            seen: true,
            expires_at,
            absolute,
        };
        self.sessions.push(model);
        self.hand_out(self.sessions.len() - 1, browser);
    }

    /// Notes what a browser got of a session as it stands.
    fn hand_out(&mut self, session: usize, browser: Browser) {
        let model = &self.sessions[session];
        let young = self.now().since(model.rotated_at) * 2 <= seconds(ACCESS);
        let issued_at = if young { model.rotated_at } else { self.now() };
        self.pairs.push(Pair {
            session,
            generation: model.generation,
            access_ends: (issued_at + seconds(ACCESS)).min(model.expires_at),
            refresh_ends: model.expires_at,
            browser,
        });
    }

    fn pick(&self, index: usize) -> Option<usize> {
        (!self.pairs.is_empty()).then(|| index % self.pairs.len())
    }

    fn is_live(&self, session: usize) -> bool {
        !self.sessions[session].ended && self.now() < self.sessions[session].expires_at
    }

    fn access_is_good(&self, pair: &Pair) -> bool {
        !self.sessions[pair.session].ended && self.now() < pair.access_ends
    }

    fn refresh(&mut self, index: usize) -> Result<(), TestCaseError> {
        let now = self.now();
        let pair = &self.pairs[index];
        let (session, generation) = (pair.session, pair.generation);
        let mut browser = pair.browser.clone();
        let expected = {
            let alive = self.is_live(session) && now < pair.refresh_ends;
            let model = &mut self.sessions[session];
            let window = seconds(if model.seen { 30 } else { 600 });
            match model.generation - generation {
                _ if !alive => false,
                0 => {
                    model.generation += 1;
                    model.rotated_at = now;
                    model.seen = false;
                    model.expires_at = (now + seconds(IDLE)).min(model.absolute);
                    true
                }
                1 if now.since(model.rotated_at) <= window => true,
                _ => {
                    model.ended = true;
                    false
                }
            }
        };
        let answer = self.site.refresh(&mut browser);
        prop_assert_eq!(answer.status == 200, expected, "refresh: {}", answer.code);
        if !expected {
            // A browser that got another session keeps the cookies of that one.
            prop_assert!(browser.is_empty() || self.sessions[session].replaced);
            return Ok(());
        }
        let model = &self.sessions[session];
        let twin = self.pairs.iter().find(|pair| (pair.session, pair.generation) == (session, model.generation));
        if let Some(twin) = twin {
            prop_assert_eq!(twin.browser.refresh(), browser.refresh());
        }
        let token = self.site.auth.decode::<hardtack::NoExtra>(browser.access(), hardtack::TokenKind::Access);
        let token = token.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(!token.is_fresh(now));
        prop_assert_eq!(token.subject(), SUBJECTS[model.subject]);
        self.hand_out(session, browser);
        let noted = self.pairs.last().map(|pair| pair.access_ends);
        prop_assert_eq!(token.claims().expires_at, noted);
        Ok(())
    }

    /// With the access cookie alone, so that nothing is refreshed.
    fn visit(&mut self, index: usize) -> Result<(), TestCaseError> {
        let pair = &self.pairs[index];
        let expected = self.access_is_good(pair);
        let answer = self.site.visit(&mut pair.browser.without(&["refresh_token_cookie"]));
        prop_assert_eq!(answer.status == 200, expected, "visit: {}", answer.code);
        let (session, generation) = (pair.session, pair.generation);
        if expected && self.sessions[session].generation == generation {
            self.sessions[session].seen = true;
        }
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Pass(span) => self.site.pass(span),
            Step::LogIn(subject) => {
                let browser = self.site.browser_of(SUBJECTS[subject]);
                self.begin(subject, browser);
            }
            Step::Refresh(index) => {
                if let Some(index) = self.pick(index) {
                    self.refresh(index)?;
                }
            }
            Step::Visit(index) => {
                if let Some(index) = self.pick(index) {
                    self.visit(index)?;
                }
            }
            Step::LogOut(index) => {
                if let Some(index) = self.pick(index) {
                    prop_assert_eq!(self.site.log_out(&mut self.pairs[index].browser.clone()).status, 200);
                    let session = self.pairs[index].session;
                    self.sessions[session].ended = true;
                }
            }
            Step::ChangePassword(index) => {
                if let Some(index) = self.pick(index) {
                    self.visit(index)?;
                    let pair = &self.pairs[index];
                    let expected = self.access_is_good(pair);
                    let session = pair.session;
                    let subject = self.sessions[session].subject;
                    let mut browser = pair.browser.without(&["refresh_token_cookie"]);
                    let answer = self.site.renew(&mut browser);
                    prop_assert_eq!(answer.status == 200, expected, "renew: {}", answer.code);
                    if expected {
                        self.sessions[session].replaced = true;
                        self.sessions.iter_mut().filter(|own| own.subject == subject).for_each(|own| own.ended = true);
                        self.begin(subject, browser);
                    }
                }
            }
        }
        Ok(())
    }

    /// What has to hold at the end of every history.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        for (subject, name) in SUBJECTS.iter().enumerate() {
            let live = (0..self.sessions.len())
                .filter(|session| self.sessions[*session].subject == subject && self.is_live(*session));
            prop_assert_eq!(self.site.live_sessions(name).len(), live.count());
        }
        for index in 0..self.pairs.len() {
            let (session, generation) = (self.pairs[index].session, self.pairs[index].generation);
            if self.sessions[session].ended {
                let mut browser = self.pairs[index].browser.clone();
                prop_assert_eq!(self.site.visit(&mut browser.clone()).status, 401);
                prop_assert_eq!(self.site.refresh(&mut browser).status, 401);
            } else if self.is_live(session) && self.sessions[session].generation == generation {
                self.refresh(index)?;
                prop_assert!(self.is_live(session));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s28_s30_s33_s35_s44_histories_are_safe(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step)?;
        }
        world.settle()?;
        prop_assert!(world.now() >= NOW);
    }
}
