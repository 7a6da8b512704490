//! Probes, evidence and judgement: runs scenarios and case files against a driver and says what was true.

pub mod driver;
