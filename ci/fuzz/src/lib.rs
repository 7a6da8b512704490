//! What hostile input must not do: properties over raw bytes, for the fuzzer and for the tests that replay its finds.
//!
//! A target panics when its property does not hold. The inputs worth keeping are in `fixtures/fuzz/<target>/`:
//! `cargo test` replays each of them, `cargo xtask fuzz <target>` starts from them.

mod event;
mod manifests;
mod node;
mod packet;

/// Something that takes bytes from others.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder of inputs.
    pub name: &'static str,
    /// Holds one input against the target's property.
    ///
    /// # Panics
    /// When the property does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 3] = [
    Target {
        name: "packet",
        run: packet::run,
    },
    Target {
        name: "manifest",
        run: manifests::run,
    },
    Target {
        name: "event",
        run: event::run,
    },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
