//! Whom outside hosts see: the source addresses of what reached them.

use super::attempt::Attempt;
use super::station::Station;
use manifest::Protocol;
use socket2::Socket;
use std::io::Read as _;
use std::net::IpAddr;

/// Connections to outside hosts that were accepted, until their clients have said which probe they are.
#[derive(Default)]
pub(super) struct Callers {
    waiting: Vec<(Socket, IpAddr)>,
}

impl Callers {
    /// Accepts what waits at a port, and notes the address of each client that has said its number since.
    pub(super) fn hear(&mut self, station: &Station, port: u16, attempts: &mut [Attempt]) {
        let accepted = station.accept(port);
        let accepted = accepted.filter_map(|(socket, peer)| Some((socket, peer.as_socket()?.ip())));
        self.waiting.extend(accepted);
        self.waiting.retain_mut(|(socket, peer)| {
            let mut id = [0; 4];
            let has_spoken = socket.read_exact(&mut id).is_ok();
            if has_spoken {
                let place = (station.address, Protocol::Tcp);
                see(attempts, u32::from_be_bytes(id), place, *peer);
            }
            !has_spoken
        });
    }
}

/// The probe with this number came to this place from this address. Sockets stay open, and may have probes of before.
pub(super) fn see(
    attempts: &mut [Attempt],
    id: u32,
    (at, protocol): (IpAddr, Protocol),
    from: IpAddr,
) {
    let index = usize::try_from(id).unwrap_or(usize::MAX);
    let attempt = attempts.get_mut(index);
    let is_it = |attempt: &&mut Attempt| {
        let question = &attempt.question;
        attempt.is_outbound && (question.destination, question.protocol) == (at, protocol)
    };
    if let Some(attempt) = attempt.filter(is_it) {
        attempt.seen_from = Some(from);
    }
}
