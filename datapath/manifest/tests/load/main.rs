//! From text to a cluster: what is loaded, what is refused, and how it is said.

mod apply;
mod arbitrary;
mod errors;
mod expansion;
mod hosts;
mod input;
mod locations;
mod logging;
mod masquerade;
mod placement;
mod prefixes;
mod real_dump;
mod services;
mod spread;
mod tiers;
mod world;
