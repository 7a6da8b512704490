//! What a program at a socket is called with.

use abi::{Address, End, Port};
use aya_ebpf::bindings::bpf_sock_addr;
use aya_ebpf::helpers::generated::{bpf_get_netns_cookie, bpf_get_socket_cookie};
use aya_ebpf::programs::SockAddrContext;
use program::{Socket, connect, known_as, send};

/// The call goes on.
const GO_ON: i32 = 1;
/// Which of the two addresses the kernel lets a program read and write.
#[derive(Clone, Copy)]
pub(crate) enum Family {
    V4,
    V6,
}

/// A call of a socket: the end in it is whom it talks to.
pub(crate) struct Call {
    context: *mut bpf_sock_addr,
    family: Family,
}

impl Call {
    #[inline(always)]
    pub(crate) fn of(context: &SockAddrContext, family: Family) -> Self {
        Self {
            context: context.sock_addr,
            family,
        }
    }

    /// `connect`.
    #[inline(always)]
    pub(crate) fn connect(&self) -> i32 {
        let backend = connect(&super::Tables, &self.socket(), &self.end());
        self.turn_to(backend)
    }

    /// `sendto` and the like.
    #[inline(always)]
    pub(crate) fn send(&self) -> i32 {
        let backend = send(&super::Tables, &self.socket(), &self.end());
        self.turn_to(backend)
    }

    /// `recvfrom` and `getpeername`, and the like.
    #[inline(always)]
    pub(crate) fn name(&self) -> i32 {
        self.turn_to(known_as(&super::Tables, self.cookie(), &self.end()))
    }

    #[inline(always)]
    fn turn_to(&self, backend: Option<End>) -> i32 {
        if let Some(end) = backend {
            self.set_end(&end);
        }
        GO_ON
    }

    #[inline(always)]
    fn cookie(&self) -> u64 {
        // SAFETY: the context that the kernel called with.
        unsafe { bpf_get_socket_cookie(self.context.cast()) }
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "protocols and ports are numbers of 8 and 16 bits"
    )]
    fn socket(&self) -> Socket {
        // SAFETY: the context that the kernel called with, and the socket in it, which is never null. Each field is read
        // as a whole: the verifier takes nothing else.
        let (namespace, protocol, port) = unsafe {
            let socket = (&raw const (*self.context).__bindgen_anon_1.sk).read_volatile();
            (
                bpf_get_netns_cookie(self.context.cast()),
                (&raw const (*self.context).protocol).read_volatile(),
                (&raw const (*socket).src_port).read_volatile(),
            )
        };
        Socket {
            cookie: self.cookie(),
            namespace,
            protocol: protocol as u8,
            port: Port::new(port as u16),
        }
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the port is in the first two of the field's four bytes"
    )]
    fn end(&self) -> End {
        // SAFETY: as in `socket`; the kernel lets a program read the address of its family only.
        let (address, port) = unsafe {
            let address = match self.family {
                Family::V4 => {
                    let v4 = (&raw const (*self.context).user_ip4).read_volatile();
                    Address::from_v4(v4.to_ne_bytes())
                }
                Family::V6 => Address::from_v6(self.v6()),
            };
            let port = (&raw const (*self.context).user_port).read_volatile();
            (address, port)
        };
        End::new(address, Port::from_octets((port as u16).to_ne_bytes()))
    }

    #[inline(always)]
    fn v6(&self) -> [u8; 16] {
        let mut words = [0; 4];
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: as in `end`.
            *word = unsafe {
                (&raw const (*self.context).user_ip6)
                    .cast::<u32>()
                    .add(index)
                    .read_volatile()
            };
        }
        // SAFETY: plain bytes of the same size.
        unsafe { core::mem::transmute::<[u32; 4], [u8; 16]>(words) }
    }

    /// Puts an end of the same family in place of the one in the call.
    #[inline(always)]
    fn set_end(&self, end: &End) {
        // SAFETY: plain bytes of the same size.
        let [w, x, y, z] =
            unsafe { core::mem::transmute::<[u8; 16], [u32; 4]>(end.address.octets()) };
        let port = u32::from(u16::from_ne_bytes(end.port.octets()));
        // SAFETY: as in `end`; each field is written as a whole.
        unsafe {
            match self.family {
                Family::V4 => (&raw mut (*self.context).user_ip4).write_volatile(z),
                Family::V6 => {
                    let address = (&raw mut (*self.context).user_ip6).cast::<u32>();
                    address.write_volatile(w);
                    address.add(1).write_volatile(x);
                    address.add(2).write_volatile(y);
                    address.add(3).write_volatile(z);
                }
            }
            (&raw mut (*self.context).user_port).write_volatile(port);
        }
    }
}
