//! The traits of the library over a real packet and real maps. All `unsafe` of the program is here.

mod chapters;
mod frame;
mod socket;
mod tables;
mod tunnel;

pub(crate) use frame::Frame;
pub(crate) use socket::{Call, Family};
pub(crate) use tables::Tables;
