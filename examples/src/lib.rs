//! What the examples talk to where the real service is absent. The examples are the files beside
//! this folder.

pub mod stand_in;
