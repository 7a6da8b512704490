//! Services at the socket: what a pod's socket asks of a virtual end it asks of one of its backends from the start, and
//! the program behind the socket sees the virtual end all the same.
//!
//! Nothing here touches a packet, counts or tells. Whatever is left as it is, [`crate::from_endpoint`] translates packet by
//! packet; so does it refuse what nobody serves.
//! A socket's program may be interrupted by those of packets, so it has working memory of its own, on the stack.

use crate::Maps;
use crate::scratch::{ServiceScratch, Tuple};
use crate::service::{self, MAX_ATTEMPTS, Scope};
use abi::{
    Address, End, Frontend, Generation, PEER_IS_BACKEND, PEER_IS_VIRTUAL, PeerKey, Port, protocol,
};

/// A socket that talks to somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Socket {
    /// The kernel's cookie of it, never used again for another.
    pub cookie: u64,
    /// The kernel's cookie of its network namespace, never used again for another.
    pub namespace: u64,
    /// IP protocol number.
    pub protocol: u8,
    /// Its own port; [`Port::NONE`] if it has none yet.
    pub port: Port,
}

/// Working memory: once on the stack, which has no room for twice.
struct Work {
    flow: Tuple,
    service: ServiceScratch,
    peer: PeerKey,
}

impl Work {
    /// Makes the peer's key that of an end that `socket` knows as another.
    #[inline(always)]
    const fn set_peer(&mut self, socket: &Socket, kind: u32) {
        self.peer.socket = socket.cookie;
        self.peer.kind = kind;
        if kind == PEER_IS_BACKEND {
            self.peer.end.address = self.service.backend.address;
            self.peer.end.port = self.service.backend.port;
        } else {
            self.peer.end.address = self.flow.destination;
            self.peer.end.port = self.flow.destination_port;
        }
    }
}

/// A socket is about to be connected: the backend that it is to be connected to. `None` if to whom it says.
#[inline(always)]
#[must_use]
pub fn connect<M: Maps>(maps: &M, socket: &Socket, to: &End) -> Option<End> {
    // What it was connected to before, or the very same end without a service.
    maps.remove_peer(&PeerKey {
        socket: socket.cookie,
        end: *to,
        kind: PEER_IS_BACKEND,
    });
    serve(maps, socket, to, false)
}

/// A socket is about to send a datagram somewhere else than where it may be connected to: the backend that it is for, which
/// is that of the one before as long as it is one. `None` if it is for whom it says.
#[inline(always)]
#[must_use]
pub fn send<M: Maps>(maps: &M, socket: &Socket, to: &End) -> Option<End> {
    serve(maps, socket, to, true)
}

/// What a socket knows an end as, if not by its own name: whom it is connected to, or whom a datagram is from.
#[inline(always)]
#[must_use]
pub fn known_as<M: Maps>(maps: &M, cookie: u64, end: &End) -> Option<End> {
    maps.peer(&PeerKey {
        socket: cookie,
        end: *end,
        kind: PEER_IS_BACKEND,
    })
}

/// The address of the pod that a socket belongs to, of the family it asks in.
#[inline(always)]
fn client<M: Maps>(maps: &M, socket: &Socket, to: &Address) -> Option<Address> {
    if !matches!(socket.protocol, protocol::TCP | protocol::UDP) {
        return None;
    }
    let link = maps.link(maps.namespace(socket.namespace)?)?;
    let own = if to.is_v4() { link.v4 } else { link.v6 };
    (own != Address::NONE).then_some(own)
}

#[inline(always)]
fn serve<M: Maps>(maps: &M, socket: &Socket, to: &End, stays: bool) -> Option<End> {
    let mut work = Work {
        flow: Tuple {
            source: client(maps, socket, &to.address)?,
            destination: to.address,
            source_port: socket.port,
            destination_port: to.port,
            protocol: u32::from(socket.protocol),
        },
        service: ServiceScratch::default(),
        peer: PeerKey::default(),
    };
    // What hashes: a port that is not known yet may be any.
    if work.flow.source_port == Port::NONE {
        work.flow.source_port = Port::from_octets([random(maps), random(maps)]);
    }
    for _ in 0..MAX_ATTEMPTS {
        let generation = maps.generation();
        let is_chosen = choose(maps, socket, generation, stays, &mut work);
        if maps.generation() == generation {
            if is_chosen {
                remember(maps, socket, to, stays, &mut work);
            }
            return is_chosen.then_some(work.service.backend);
        }
    }
    None
}

#[inline(always)]
fn random<M: Maps>(maps: &M) -> u8 {
    let [first, ..] = maps.random().to_ne_bytes();
    first
}

/// Finds the backend for who asks; false if nothing virtual is asked, or nobody serves it.
#[inline(always)]
fn choose<M: Maps>(
    maps: &M,
    socket: &Socket,
    generation: Generation,
    stays: bool,
    work: &mut Work,
) -> bool {
    let found = service::frontend(maps, generation, &work.flow, &mut work.service);
    let Some(frontend) = found else {
        return false;
    };
    if stays && is_kept(maps, socket, frontend, work) {
        return true;
    }
    let Work { flow, service, .. } = work;
    service::pick(maps, frontend, Scope::Inside, flow, service, None).is_ok()
}

/// Finds the backend of the last datagram, if the service has it still.
#[inline(always)]
fn is_kept<M: Maps>(maps: &M, socket: &Socket, frontend: &Frontend, work: &mut Work) -> bool {
    work.set_peer(socket, PEER_IS_VIRTUAL);
    let Some(backend) = maps.peer(&work.peer) else {
        return false;
    };
    work.service.backend = backend;
    let set = Scope::Inside.of(frontend);
    service::membership(maps, set, &mut work.service).is_some()
}

/// Writes down what the socket knows the backend as.
#[inline(always)]
fn remember<M: Maps>(maps: &M, socket: &Socket, virtual_end: &End, stays: bool, work: &mut Work) {
    work.set_peer(socket, PEER_IS_BACKEND);
    maps.put_peer(&work.peer, virtual_end);
    if stays {
        work.set_peer(socket, PEER_IS_VIRTUAL);
        maps.put_peer(&work.peer, &work.service.backend);
    }
}
