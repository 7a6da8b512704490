//! Flows in Hubble's shape: what is written, and what is read.

mod filters;
mod reading;
mod samples;
mod writing;
