//! Anonymous network namespaces, held by file descriptor.

use crate::LabError;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::getsockopt;
use nix::{getsockopt_impl, sockopt_impl};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

sockopt_impl!(
    /// The number of the namespace that a socket is in (`socket(7)`).
    NetnsCookie,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_NETNS_COOKIE,
    u64
);

/// A network namespace without a name. It lives as long as this descriptor or a socket made inside it is open, so it
/// cannot outlive the process. The kernel destroys it a moment after the last of them is closed.
#[derive(Debug)]
pub struct Namespace(OwnedFd);

impl Namespace {
    /// A new namespace with nothing in it but a loopback interface that is down.
    ///
    /// # Errors
    /// [`LabError::Permission`] without `CAP_SYS_ADMIN`; [`LabError::Kernel`] when the kernel has no room for more.
    pub fn new() -> Result<Self, LabError> {
        Self::create(|| ()).map(|(namespace, ())| namespace)
    }

    /// A new namespace in which `first` has run: one entry less than [`Self::new`] followed by [`Self::run`].
    pub(crate) fn create<R>(first: impl FnOnce() -> R) -> Result<(Self, R), LabError> {
        let home = Self::current()?;
        unshare(CloneFlags::CLONE_NEWNET)
            .map_err(|errno| LabError::kernel("creating a network namespace", errno))?;
        let way_back = WayBack(home);
        let namespace = Self::current()?;
        let result = first();
        drop(way_back);
        Ok((namespace, result))
    }

    /// The namespace the calling thread is in.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when `/proc` is not mounted or no descriptor is left.
    pub fn current() -> Result<Self, LabError> {
        File::open("/proc/thread-self/ns/net")
            .map(|file| Self(file.into()))
            .map_err(|error| LabError::kernel("opening /proc/thread-self/ns/net", error))
    }

    /// Runs `inside` with the calling thread in this namespace, and brings the thread back, also when `inside` panics.
    /// Sockets made inside stay in this namespace for good.
    ///
    /// # Errors
    /// [`LabError::Permission`] without `CAP_SYS_ADMIN`. Then `inside` was not called.
    ///
    /// # Panics
    /// When the way back fails, which the kernel has no reason for: the thread must not go on in a wrong namespace.
    pub fn run<R>(&self, inside: impl FnOnce() -> R) -> Result<R, LabError> {
        let home = Self::current()?;
        self.enter()
            .map_err(|errno| LabError::kernel("entering a network namespace", errno))?;
        let way_back = WayBack(home);
        let result = inside();
        drop(way_back);
        Ok(result)
    }

    /// The number that the kernel knows it by (`SO_NETNS_COOKIE`). No other namespace ever has it.
    ///
    /// # Errors
    /// [`LabError::Permission`] without `CAP_SYS_ADMIN`; [`LabError::Kernel`] when no descriptor is left.
    pub fn cookie(&self) -> Result<u64, LabError> {
        let asked = self.run(|| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            Ok(getsockopt(&socket, NetnsCookie)?)
        })?;
        asked.map_err(|error: io::Error| LabError::kernel("asking for a namespace's cookie", error))
    }

    fn enter(&self) -> nix::Result<()> {
        setns(&self.0, CloneFlags::CLONE_NEWNET)
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Brings the thread back to where it came from when dropped.
struct WayBack(Namespace);

impl Drop for WayBack {
    fn drop(&mut self) {
        self.0
            .enter()
            .expect("a thread can return to the namespace it came from");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::fstat;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The inode of the calling thread's namespace, its identity.
    fn here() -> u64 {
        fstat(Namespace::current().unwrap()).unwrap().st_ino
    }

    #[test]
    fn a_thread_is_inside_while_it_runs_and_back_afterwards() {
        let before = here();
        let namespace = Namespace::new().unwrap();
        assert_eq!(here(), before);
        let inside = namespace.run(here).unwrap();
        assert_ne!(inside, before);
        assert_eq!(inside, fstat(&namespace).unwrap().st_ino);
        assert_eq!(here(), before);
    }

    #[test]
    fn a_panic_brings_the_thread_back() {
        let before = here();
        let namespace = Namespace::new().unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            namespace.run(|| panic!("inside")).unwrap();
        }));
        assert!(panicked.is_err());
        assert_eq!(here(), before);
    }

    #[test]
    fn each_has_a_cookie_of_its_own() {
        let [one, other] = [(); 2].map(|()| Namespace::new().unwrap());
        assert_eq!(one.cookie().unwrap(), one.cookie().unwrap());
        assert_ne!(one.cookie().unwrap(), other.cookie().unwrap());
    }

    #[test]
    fn namespaces_nest() {
        let outer = Namespace::new().unwrap();
        let inner = Namespace::new().unwrap();
        let (first, second, third) = outer
            .run(|| (here(), inner.run(here).unwrap(), here()))
            .unwrap();
        assert_eq!(first, third);
        assert_ne!(first, second);
    }
}
