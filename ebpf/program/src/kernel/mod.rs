//! The traits of the library over a real packet and real maps. All `unsafe` of the program is here.

mod chapters;
mod frame;
mod tables;
mod tunnel;

pub(crate) use frame::Frame;
pub(crate) use tables::Tables;
