//! A bounded in-memory queue in which clients take turns.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

/// The maximum number of waiting items from one client. Many people might share an address, so the maximum covers all
/// requests that the default rate limit allows one address: a full burst, plus further requests for two seconds.
const OF_SOURCE: usize = 1024;

/// The maximum number of waiting items.
const CAPACITY: usize = 4096;

/// The waiting items, grouped by client.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    waiting: Mutex<Waiting<T>>,
    added: Notify,
    /// The number of items that have not been processed.
    open: watch::Sender<usize>,
}

#[derive(Debug)]
struct Waiting<T> {
    of_source: HashMap<String, VecDeque<T>>,
    /// The clients that have items, in the order in which they take turns.
    turns: VecDeque<String>,
    dropped: u64,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        let waiting = Waiting { of_source: HashMap::new(), turns: VecDeque::new(), dropped: 0 };
        Self { waiting: Mutex::new(waiting), added: Notify::new(), open: watch::Sender::new(0) }
    }
}

impl<T> FairQueue<T> {
    /// Adds an item without waiting. If the queue already contains [`OF_SOURCE`] items from the same client, the new
    /// item is dropped. If the queue is full, the newest item from the client with the most items is dropped.
    pub(super) fn push(&self, source: String, item: T) {
        let mut waiting = self.waiting();
        let items = waiting.of_source.entry(source.clone()).or_default();
        if items.len() >= OF_SOURCE {
            waiting.dropped += 1;
            return;
        }
        items.push_back(item);
        if items.len() == 1 {
            waiting.turns.push_back(source);
        }
        self.open.send_modify(|open| *open += 1);
        if waiting.of_source.values().map(VecDeque::len).sum::<usize>() > CAPACITY {
            waiting.drop_of_longest();
            self.open.send_modify(|open| *open -= 1);
        }
        drop(waiting);
        self.added.notify_one();
    }

    /// Waits until the queue has an item.
    pub(super) async fn filled(&self) {
        loop {
            let added = self.added.notified();
            if !self.waiting().turns.is_empty() {
                return;
            }
            added.await;
        }
    }

    /// Removes the next item from the queue and returns it. The next item is the oldest item of the client whose turn
    /// it is. Call [`Self::done`] after processing the item.
    pub(super) fn next(&self) -> Option<T> {
        self.waiting().next()
    }

    /// Records that an item has been processed.
    pub(super) fn done(&self) {
        self.open.send_modify(|open| *open -= 1);
    }

    /// Returns how many items have been dropped since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.waiting().dropped)
    }

    /// Waits until every item has been processed.
    pub(super) async fn drained(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Returns whether every item has been processed.
    pub(super) fn is_drained(&self) -> bool {
        *self.open.borrow() == 0
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiting<T> {
    fn next(&mut self) -> Option<T> {
        let source = self.turns.pop_front()?;
        let items = self.of_source.get_mut(&source)?;
        let item = items.pop_front();
        match items.is_empty() {
            true => drop(self.of_source.remove(&source)),
            false => self.turns.push_back(source),
        }
        item
    }

    fn drop_of_longest(&mut self) {
        self.dropped += 1;
        let Some((source, items)) = self.of_source.iter_mut().max_by_key(|(_, items)| items.len()) else { return };
        items.pop_back();
        if items.is_empty() {
            let source = source.clone();
            self.of_source.remove(&source);
            self.turns.retain(|turn| *turn != source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn l3_clients_take_turns_and_the_greediest_loses() {
        let queue = FairQueue::default();
        for number in 0..OF_SOURCE + 88 {
            queue.push("stranger".to_owned(), ("stranger", number));
        }
        assert_eq!(queue.take_dropped(), 88);
        queue.filled().await;
        queue.push("ada".to_owned(), ("ada", 0));
        queue.push("bob".to_owned(), ("bob", 0));
        let mut first = Vec::new();
        for _ in 0..4 {
            first.push(queue.next().unwrap());
            queue.done();
        }
        assert_eq!(first, [("stranger", 0), ("ada", 0), ("bob", 0), ("stranger", 1)]);
        for source in 0..CAPACITY {
            queue.push(source.to_string(), ("botnet", source));
        }
        assert!(queue.take_dropped() > 1000);
        queue.push("ada".to_owned(), ("ada", 1));
        // When the queue is full, a client with two items loses one item. A client with a single item keeps its item.
        let mut rest = 0;
        while queue.next().is_some() {
            queue.done();
            rest += 1;
        }
        assert_eq!(rest, CAPACITY);
        queue.drained().await;
    }
}
