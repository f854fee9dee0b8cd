//! Who gives way where no place is left: connections that have never asked for anything.

use crate::taking::Taking;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// Connections in the order in which they came, those that have asked for something sorted out now and then.
#[derive(Default)]
pub(crate) struct Silent {
    connections: VecDeque<(Arc<Taking>, AbortHandle)>,
    sorted: usize,
}

impl Silent {
    /// A connection that has just come.
    pub(crate) fn push(&mut self, taking: Arc<Taking>, task: AbortHandle) {
        self.connections.push_back((taking, task));
        // Only as often as there are as many new ones as were left.
        if self.connections.len() > 2 * self.sorted + 64 {
            self.connections.retain(|(taking, task)| !taking.has_asked() && !task.is_finished());
            self.sorted = self.connections.len();
        }
    }

    /// Ends the connection that has been open longest without ever asking for anything: whoever floods with such takes
    /// places from itself. An API server asks as soon as it has connected.
    pub(crate) fn make_room(&mut self) -> bool {
        while let Some((taking, task)) = self.connections.pop_front() {
            if !taking.has_asked() && !task.is_finished() {
                task.abort();
                return true;
            }
        }
        false
    }
}
