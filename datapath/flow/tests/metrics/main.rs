//! Metrics: what is counted, how it is written, and the server.

mod counting;
mod exposition;
mod serving;
