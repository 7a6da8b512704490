//! How long things are remembered.

const SECOND: u64 = 1_000_000_000;

/// What is forgotten when nothing happens to it for a time. Times are nanoseconds of the conntrack clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Timeout {
    /// TCP and SCTP, no reply seen: 60 s.
    StreamOpening = 0,
    /// TCP and SCTP with a reply: 8,000 s. RFC 5382 asks for at least 2 h 4 min.
    StreamEstablished = 1,
    /// TCP and SCTP, one end has closed: 240 s, the least that RFC 5382 allows for a half-closed connection.
    StreamClosing = 2,
    /// TCP and SCTP, both ends have closed: 120 s, so that repeated last packets still belong to it (TIME-WAIT).
    StreamClosed = 3,
    /// TCP and SCTP, reset or aborted: 10 s.
    StreamReset = 4,
    /// UDP and other protocols, no reply seen: 30 s.
    DatagramOpening = 5,
    /// UDP and other protocols with a reply: 120 s. RFC 4787 asks for at least 2 min.
    DatagramEstablished = 6,
    /// ICMP echoes: 60 s, the least that RFC 5508 allows.
    Echo = 7,
    /// Connections that a policy change turned to deny: 60 s.
    Revoked = 8,
    /// The ports of a packet's first fragment: 30 s, as long as Linux keeps fragments (`net.ipv4.ipfrag_time`).
    Fragment = 9,
}

impl Timeout {
    /// Every one, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::StreamOpening,
        Self::StreamEstablished,
        Self::StreamClosing,
        Self::StreamClosed,
        Self::StreamReset,
        Self::DatagramOpening,
        Self::DatagramEstablished,
        Self::Echo,
        Self::Revoked,
        Self::Fragment,
    ];
}

/// How long each thing is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Timeouts([u64; Timeout::ALL.len()]);

impl Default for Timeouts {
    /// The times that [`Timeout`] names.
    fn default() -> Self {
        Self([60, 8_000, 240, 120, 10, 30, 120, 60, 60, 30].map(|seconds| seconds * SECOND))
    }
}

impl Timeouts {
    /// This one, nanoseconds.
    #[must_use]
    pub const fn get(&self, timeout: Timeout) -> u64 {
        self.0[timeout as usize]
    }

    /// These, but for one; nanoseconds.
    #[must_use]
    pub const fn with(mut self, timeout: Timeout, nanoseconds: u64) -> Self {
        self.0[timeout as usize] = nanoseconds;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_place_and_its_documented_default() {
        for (index, timeout) in Timeout::ALL.into_iter().enumerate() {
            assert_eq!(timeout as usize, index);
        }
        let defaults = Timeouts::default();
        assert_eq!(defaults.get(Timeout::StreamEstablished), 8_000 * SECOND);
        assert_eq!(defaults.get(Timeout::Fragment), 30 * SECOND);
        let changed = defaults.with(Timeout::Echo, 1);
        assert_eq!(changed.get(Timeout::Echo), 1);
        assert_eq!(
            changed.get(Timeout::Revoked),
            defaults.get(Timeout::Revoked)
        );
    }
}
