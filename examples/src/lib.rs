//! Mocks of services for the examples, which are the files beside this folder.

pub mod mock;
