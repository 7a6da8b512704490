//! Every line of the `NetworkPolicy` v1 semantics and of services, put to the oracle.

mod explanation;
mod hosts;
mod isolation;
mod peers;
mod ports;
mod probes;
mod services;
mod world;
