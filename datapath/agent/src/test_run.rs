//! One packet through a program without a link: `BPF_PROG_TEST_RUN`.

use crate::attachment;
use crate::{Agent, AgentError};
use abi::Hook;
use aya::{TestRun as _, TestRunOptions};
use std::time::Duration;

/// What a program did with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TestRun {
    /// What it returned: `TC_ACT_OK` (0), `TC_ACT_SHOT` (2) or `TC_ACT_REDIRECT` (7).
    pub action: u32,
    /// The mean time of one run.
    pub duration: Duration,
}

impl Agent {
    /// Runs a hook's program `repeat` times over a frame, as if it had come by the interface `ifindex` of the calling
    /// thread's namespace. Each run sees the frame as the last one left it. The packet goes nowhere; tables, counters
    /// and events are as if it had.
    ///
    /// # Errors
    /// When the kernel refuses the run: no such interface, a frame shorter than an Ethernet header.
    pub fn test_run(
        &mut self,
        hook: Hook,
        ifindex: u32,
        frame: &[u8],
        repeat: u32,
    ) -> Result<TestRun, AgentError> {
        let name = hook.name();
        let context = context(ifindex);
        let program = attachment::loaded(&mut self.object, name)?;
        let options = TestRunOptions {
            data_in: Some(frame),
            ctx_in: Some(&context),
            repeat,
            ..TestRunOptions::new()
        };
        let result = program.test_run(options);
        let result = result.map_err(attachment::in_program(name))?;
        Ok(TestRun {
            action: result.return_value,
            duration: result.duration,
        })
    }
}

/// The first fields of a `struct __sk_buff` (`linux/bpf.h`), up to the interface's index; the kernel fills in the rest.
fn context(ifindex: u32) -> [u8; 44] {
    let mut context = [0; 44];
    context[40..].copy_from_slice(&ifindex.to_ne_bytes());
    context
}
