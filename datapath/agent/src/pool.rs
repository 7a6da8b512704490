//! Loaded agents that wait for their next node.
//!
//! The verifier needs about a tenth of a second for the programs, more than all else of a short scenario. A process
//! that builds one node after the other loads as many agents as it has nodes at the same time, and no more.

use crate::{Agent, AgentError, Config};
use std::sync::{Mutex, PoisonError};

static IDLE: Mutex<Vec<(Config, Agent)>> = Mutex::new(Vec::new());

/// An agent in the state in which [`Agent::load`] leaves one: one that was given back, or a new one.
///
/// # Errors
/// As [`Agent::load`].
pub fn take(config: &Config) -> Result<Agent, AgentError> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let position = idle.iter().position(|(its, _)| its == config);
    let agent = position.map(|position| idle.swap_remove(position).1);
    drop(idle);
    agent.map_or_else(|| Agent::load(config), Ok)
}

/// Detaches the agent, empties its tables and keeps it for the next [`take`].
///
/// # Errors
/// When it cannot be emptied; then it is dropped, with all that it held in the kernel.
pub fn give_back(config: &Config, mut agent: Agent) -> Result<(), AgentError> {
    agent.reset()?;
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    idle.push((*config, agent));
    Ok(())
}
