//! Compiled tables and plans, seen from outside: what they say, and that no packet ever sees a mix of two of them.

mod atomicity;
mod cluster;
mod hosts;
mod incremental;
mod nodes;
mod served;
mod snapshots;
mod verdict;
mod verdicts;
