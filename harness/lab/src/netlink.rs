//! Routing netlink: many requests in one system call, blocking, without a runtime.
//!
//! The kernel carries out the requests of one `send` in their order before the call returns. Only the last one asks
//! for an acknowledgement; of the others the kernel answers those that failed.

use crate::LabError;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use std::io;

/// Room for one datagram from the kernel; its dumps use up to 32 KiB.
const DATAGRAM: usize = 32 * 1024;

/// Requests that are carried out together, in order.
#[derive(Default)]
pub(crate) struct Batch(Vec<Request>);

/// One request, and in words what it is for.
struct Request {
    what: &'static str,
    message: NetlinkMessage<RouteNetlinkMessage>,
}

impl Batch {
    /// Adds a request; `flags` beside `NLM_F_REQUEST`.
    pub(crate) fn push(&mut self, what: &'static str, flags: u16, message: RouteNetlinkMessage) {
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | flags;
        self.0.push(Request { what, message });
    }

    /// The bytes to send. The sequence number of a request is its position, from 1.
    fn serialize(&mut self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256 * self.0.len());
        if let Some(last) = self.0.last_mut() {
            last.message.header.flags |= NLM_F_ACK;
        }
        for (sequence, Request { message, .. }) in (1..).zip(&mut self.0) {
            message.header.sequence_number = sequence;
            message.finalize();
            let start = bytes.len();
            bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
            message.serialize(&mut bytes[start..]);
        }
        bytes
    }
}

/// A netlink socket of the namespace it was opened in, whichever thread uses it.
pub(crate) struct Netlink {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket in the calling thread's namespace.
    pub(crate) fn open() -> Result<Self, LabError> {
        let socket = Socket::new(NETLINK_ROUTE)
            .map_err(|error| LabError::kernel("opening a netlink socket", error))?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(DATAGRAM),
        })
    }

    /// Carries out every request, or fails with the first that the kernel refused. `subject` is whom it is for.
    pub(crate) fn send(&mut self, subject: &str, mut batch: Batch) -> Result<(), LabError> {
        if batch.0.is_empty() {
            return Ok(());
        }
        let bytes = batch.serialize();
        self.socket
            .send(&bytes, 0)
            .map_err(|error| LabError::kernel(format!("{subject}: sending to netlink"), error))?;
        self.acknowledge(subject, &batch)
    }

    fn acknowledge(&mut self, subject: &str, batch: &Batch) -> Result<(), LabError> {
        let mut first_failure = None;
        loop {
            for answer in self.receive(subject)? {
                let NetlinkPayload::Error(error) = answer.payload else {
                    continue;
                };
                let sequence = answer.header.sequence_number as usize;
                if error.code.is_some() && first_failure.is_none() {
                    let what = sequence.checked_sub(1).and_then(|index| batch.0.get(index));
                    let what = what.map_or("a request", |request| request.what);
                    let action = format!("{subject}: {what}");
                    first_failure = Some(LabError::kernel(action, error.to_io()));
                }
                if sequence == batch.0.len() {
                    return first_failure.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Everything the kernel lists in answer to `message`.
    pub(crate) fn dump(
        &mut self,
        subject: &str,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, LabError> {
        let mut batch = Batch::default();
        batch.push("listing", NLM_F_DUMP, message);
        self.socket
            .send(&batch.serialize(), 0)
            .map_err(|error| LabError::kernel(format!("{subject}: sending to netlink"), error))?;
        let mut listed = Vec::new();
        loop {
            for answer in self.receive(subject)? {
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => listed.push(message),
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(LabError::kernel(subject, error.to_io()));
                    }
                    NetlinkPayload::Done(_) => return Ok(listed),
                    _ => {}
                }
            }
        }
    }

    /// The messages of the next datagram.
    fn receive(
        &mut self,
        subject: &str,
    ) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, LabError> {
        self.buffer.clear();
        loop {
            match self.socket.recv(&mut self.buffer, 0) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(LabError::kernel(
                        format!("{subject}: reading netlink"),
                        error,
                    ));
                }
            }
        }
        parse(&self.buffer).map_err(|detail| LabError::Answer {
            action: subject.to_owned(),
            detail,
        })
    }
}

/// Splits a datagram into its messages.
fn parse(mut bytes: &[u8]) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, String> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let message = NetlinkMessage::deserialize(bytes).map_err(|error| error.to_string())?;
        let length = (message.header.length as usize).next_multiple_of(4);
        bytes = bytes.get(length..).unwrap_or_default();
        messages.push(message);
    }
    Ok(messages)
}
