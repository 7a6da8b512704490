//! Which flows become which records, and when.

mod aggregation;
mod delegation;
mod record;
mod world;
