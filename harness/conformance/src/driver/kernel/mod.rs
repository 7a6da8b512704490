//! The kernel driver: namespaces, real sockets, and the eBPF programs in between.
//!
//! # Why an outcome is a proof
//! Every probe has a tuple of its own (addresses, ports or echo identifier), so an event of the datapath belongs to one
//! probe. *Allowed* and *refused* are answers that came back to the prober's socket. *Denied* is the datapath's event
//! for the tuple. Both are facts; what remains is to know when to stop waiting for one, without a clock:
//!
//! - One thread, bound to one processor, sends every packet. A veth pair puts a packet into the queue of the processor
//!   that sent it, and the kernel works that queue off in order.
//! - A *barrier* ([`barrier`]) is one more packet, sent behind a batch, for which the datapath always writes an event.
//!   When that event is read, each packet that was in the queue before it has been judged and handed on.
//! - Handing on may put a packet into the queue again, behind the barrier. A question or an answer crosses at most two
//!   links, so after [`probing::QUIET_BARRIERS`] barriers in a row during which nothing arrived anywhere, nothing is
//!   under way any more. A probe without answer and without event is then *lost*.
//!
//! Retransmission plays no part: a connection that has not succeeded by then is closed.

mod attempt;
mod barrier;
mod icmp;
mod probing;
mod rig;
mod station;
mod topology;

use super::{Driver, Outcome};
use abi::Generation;
use agent::{AttachPoint, Config};
use anyhow::Context as _;
use manifest::{Cluster, IpBlockMode};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use oracle::Probe;
use rig::Rig;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

/// A virtual cluster in this machine's kernel. All of it lives on a thread of its own and is gone when this is dropped.
pub struct KernelDriver {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread can be asked, and where it puts the answer.
enum Command {
    Apply(Box<Cluster>, Sender<anyhow::Result<Generation>>),
    Probe(Vec<Probe>, Sender<anyhow::Result<Vec<Outcome>>>),
}

impl KernelDriver {
    /// Loads the programs and builds a node without pods.
    ///
    /// # Errors
    /// When namespaces or BPF programs cannot be made here, and what is missing.
    pub fn open(mode: IpBlockMode) -> anyhow::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let (ready, opened) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("kernel-driver".to_owned())
            .spawn(move || serve(mode, &ready, &inbox))
            .context("starting the driver's thread")?;
        let driver = Self {
            commands: Some(commands),
            thread: Some(thread),
        };
        opened.recv().context(GONE)??;
        Ok(driver)
    }

    fn ask<T>(
        &self,
        command: impl FnOnce(Sender<anyhow::Result<T>>) -> Command,
    ) -> anyhow::Result<T> {
        let (answer, answered) = mpsc::channel();
        let commands = self.commands.as_ref().context(GONE)?;
        commands.send(command(answer)).ok().context(GONE)?;
        answered.recv().context(GONE)?
    }
}

const GONE: &str = "the kernel driver's thread has ended";

impl Driver for KernelDriver {
    fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<Generation> {
        self.ask(|answer| Command::Apply(Box::new(cluster.clone()), answer))
    }

    fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        self.ask(|answer| Command::Probe(probes.to_vec(), answer))
    }
}

impl Drop for KernelDriver {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// The thread: opens the rig, says whether that worked, and answers commands until the driver is dropped.
fn serve(mode: IpBlockMode, ready: &Sender<anyhow::Result<()>>, inbox: &Receiver<Command>) {
    let mut rig = match stay_on_one_processor().and_then(|()| Rig::open(mode, &config())) {
        Ok(rig) => rig,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    // Who asked may have gone meanwhile; then nobody misses the answer.
    for command in inbox {
        match command {
            Command::Apply(cluster, answer) => {
                let _ = answer.send(rig.apply(*cluster));
            }
            Command::Probe(probes, answer) => {
                let _ = answer.send(rig.probe(&probes));
            }
        }
    }
    // What cannot be kept is gone with this thread.
    let _ = rig.close();
}

/// Interfaces of a lab come and go with scenarios, so attaching has to be quick. Every drop is a proof of something.
fn config() -> Config {
    Config {
        attach_point: AttachPoint::Clsact,
        drop_events: None,
        ..Config::default()
    }
}

/// Binds the calling thread to one of the processors it may use, each driver to the next.
fn stay_on_one_processor() -> anyhow::Result<()> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let this_thread = Pid::from_raw(0);
    let allowed = sched_getaffinity(this_thread).context("reading the thread's processors")?;
    let usable: Vec<usize> = (0..CpuSet::count())
        .filter(|&processor| allowed.is_set(processor).unwrap_or(false))
        .collect();
    let turn = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut one = CpuSet::new();
    one.set(usable[turn % usable.len()])
        .context("choosing a processor")?;
    sched_setaffinity(this_thread, &one).context("binding the thread to a processor")
}
