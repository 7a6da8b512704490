//! Bringing desired tables into force.

use crate::{Agent, AgentError};
use abi::Generation;
use policy::{Desired, Planner, Write};
use std::time::{Duration, Instant};

/// A change that is in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The generation in force now.
    pub generation: Generation,
    /// Rows that were written.
    pub writes: usize,
    /// From the desired tables to the moment they were in force.
    pub elapsed: Duration,
}

impl Agent {
    /// Brings these tables into force, as one generation: no packet is judged by a mix. What is in force already costs
    /// nothing.
    ///
    /// # Errors
    /// When a table is full. Then everything is as it was: the generation in force, and every row.
    pub fn enforce(&mut self, desired: &Desired) -> Result<Applied, AgentError> {
        self.enforce_as(desired, 0)
    }

    /// As [`Agent::enforce`], as this generation if it has not passed yet: the agents of a cluster give one state of it
    /// the same number.
    ///
    /// # Errors
    /// As [`Agent::enforce`].
    pub fn enforce_as(
        &mut self,
        desired: &Desired,
        generation: Generation,
    ) -> Result<Applied, AgentError> {
        let started = Instant::now();
        let mut planner = self.planner.clone();
        let plan = planner.plan_as(desired, generation);
        if let Err(error) = self.write_all(&plan.writes) {
            self.take_back()?;
            return Err(error);
        }
        // On before the first packet that is judged so, off after the last.
        let guard = desired.guard();
        if guard.is_on() {
            self.maps.set_guard(guard)?;
        }
        if desired.serves() {
            self.serve_from_elsewhere()?;
        }
        self.maps.activate(plan.generation)?;
        if !guard.is_on() {
            self.maps.set_guard(guard)?;
        }
        self.planner = planner;
        Ok(Applied {
            generation: plan.generation,
            writes: plan.writes.len(),
            elapsed: started.elapsed(),
        })
    }

    /// Knows who stands behind the numbers in events.
    #[must_use]
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    fn write_all(&mut self, writes: &[Write]) -> Result<(), AgentError> {
        writes.iter().try_for_each(|write| {
            let written = self.maps.write(write);
            self.counting_refusals(written)
        })
    }

    /// Writes the rows back that the last plan changed before it failed. None of them was in force.
    fn take_back(&mut self) -> Result<(), AgentError> {
        let writes = self.maps.rows()?.writes_to(&self.planner.expected());
        writes.iter().try_for_each(|write| self.maps.write(write))
    }
}
