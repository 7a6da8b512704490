//! Services lowered, seen from outside: who gets which backends, and that Maglev keeps its promises.

mod backends;
mod maglev;
mod numbers;
mod places;
mod sketch;
