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
//! - Handing on may put a packet into the queue again, behind the barrier. How often is known ([`Rig::barriers`]), so
//!   after twice as many barriers in a row during which nothing arrived anywhere, neither a question nor its answer is
//!   under way any more. A probe without answer and without event is then *lost*.
//! - Events of all nodes are read: what a node wrote before a barrier is there when the barrier's event is.
//!
//! Retransmission plays no part: a connection that has not succeeded by then is closed.
//!
//! Whom an outside host sees as the sender of a probe is what its own sockets say: the peer of the connection that it
//! accepted and over which the client then tells which probe it is, or the source of the packet with the probe's number.
//!
//! # Why a fate is a proof
//! Crafted frames are sent one at a time ([`sending`]), in a lab that is mute: no stack answers, so whatever happens
//! between one frame and the next is about that frame, and no payload has to tell whose it is.
//!
//! - Behind a frame go as many barriers, one after the other, as it can wait in queues: the first proves that the first
//!   link's queue is worked off, and whatever that put behind it is proven by the next.
//! - Taps see a frame at its destination before anything there could drop it, so an arrival is a fact, and so is its
//!   absence. What a node's stack takes is seen behind the datapath's hook, so a frame seen there has passed.
//! - IPv6 stacks report multicast groups and look for routers when they like. Such frames are passed over, unless it is
//!   the very frame that was sent.

mod agents;
mod attempt;
mod barrier;
mod callers;
mod icmp;
#[cfg(test)]
mod lossy;
mod probing;
mod rig;
mod sending;
mod station;
mod taps;
mod topology;

use super::labelling::{Labeller, Seen};
use super::{Driver, Fate, Fault, Mode, NodeStatus, Outcome, Reported, Sighting};
use crate::packet::Frame;
use abi::{DropReason, Generation};
use agent::{AttachPoint, Config};
use anyhow::Context as _;
use flow::capture::Captured;
use manifest::Cluster;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use oracle::Probe;
use rig::Rig;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A virtual cluster in this machine's kernel. All of it lives on a thread of its own and is gone when this is dropped.
pub struct KernelDriver {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    labeller: Labeller,
}

/// What the thread can be asked, and where it puts the answer.
enum Command {
    Apply(Box<Cluster>, Sender<anyhow::Result<Generation>>),
    Probe(Vec<Probe>, Sender<anyhow::Result<Vec<Outcome>>>),
    PassTime(Duration, Sender<anyhow::Result<()>>),
    Send(Vec<Frame>, Sender<anyhow::Result<Vec<Option<Fate>>>>),
    Inflict(Fault, Sender<anyhow::Result<()>>),
    Drops(Sender<anyhow::Result<BTreeMap<DropReason, u64>>>),
    KeepReports(Sender<anyhow::Result<()>>),
    Flows(Sender<anyhow::Result<Reported>>),
    Status(Sender<anyhow::Result<Vec<NodeStatus>>>),
    Capture(Sender<anyhow::Result<()>>),
    Captured(Sender<anyhow::Result<Vec<Seen>>>),
}

impl KernelDriver {
    /// Loads the programs; there are no nodes yet.
    ///
    /// # Errors
    /// When namespaces or BPF programs cannot be made here, and what is missing.
    pub fn open(mode: impl Into<Mode>) -> anyhow::Result<Self> {
        let mode = mode.into();
        let (commands, inbox) = mpsc::channel();
        let (ready, opened) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("kernel-driver".to_owned())
            .spawn(move || serve(mode, &ready, &inbox))
            .context("starting the driver's thread")?;
        let driver = Self {
            commands: Some(commands),
            thread: Some(thread),
            labeller: Labeller::default(),
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

    fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.ask(|answer| Command::PassTime(time, answer))
    }

    fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>> {
        self.ask(|answer| Command::Send(frames.to_vec(), answer))
    }

    fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.ask(|answer| Command::Inflict(fault.clone(), answer))
    }

    fn drops(&mut self) -> anyhow::Result<Option<BTreeMap<DropReason, u64>>> {
        self.ask(Command::Drops).map(Some)
    }

    fn keep_reports(&mut self) -> anyhow::Result<()> {
        self.ask(Command::KeepReports)
    }

    fn flows(&mut self) -> anyhow::Result<Reported> {
        self.ask(Command::Flows)
    }

    fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>> {
        self.ask(Command::Status)
    }

    fn capture(&mut self) -> anyhow::Result<()> {
        self.ask(Command::Capture)
    }

    fn captured(&mut self, flows: &[Sighting]) -> anyhow::Result<Vec<Captured>> {
        let seen = self.ask(Command::Captured)?;
        Ok(self.labeller.label(seen, flows))
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
fn serve(mode: Mode, ready: &Sender<anyhow::Result<()>>, inbox: &Receiver<Command>) {
    let mut rig = match stay_on_one_processor().and_then(|()| Rig::open(mode, &config(mode))) {
        Ok(rig) => rig,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    for command in inbox {
        carry_out(&mut rig, command);
    }
    // What cannot be kept is gone with this thread.
    let _ = rig.close();
}

/// Who asked may have gone meanwhile; then nobody misses the answer.
fn carry_out(rig: &mut Rig, command: Command) {
    match command {
        Command::Apply(cluster, answer) => drop(answer.send(rig.apply(*cluster))),
        Command::Probe(probes, answer) => drop(answer.send(rig.probe(&probes))),
        Command::PassTime(time, answer) => drop(answer.send(rig.pass_time(time))),
        Command::Send(frames, answer) => drop(answer.send(rig.send(&frames))),
        Command::Inflict(fault, answer) => drop(answer.send(rig.inflict(&fault))),
        Command::Drops(answer) => drop(answer.send(rig.drops())),
        Command::KeepReports(answer) => {
            rig.keep_reports();
            drop(answer.send(Ok(())));
        }
        Command::Flows(answer) => drop(answer.send(rig.flows())),
        Command::Status(answer) => drop(answer.send(rig.status())),
        Command::Capture(answer) => drop(answer.send(rig.capture())),
        Command::Captured(answer) => drop(answer.send(rig.captured())),
    }
}

/// Interfaces of a lab come and go with scenarios, so attaching has to be quick. Every drop is a proof of something.
fn config(mode: Mode) -> Config {
    Config {
        service_at: mode.service_at,
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
