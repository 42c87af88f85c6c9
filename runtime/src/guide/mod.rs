//! A guide to containers that are reused.
//!
//! | page | |
//! |---|---|
//! | [`container_life`] | the life of a container, and what follows for a function |
//! | [`init_or_cached`] | which attribute for which value |
//! | [`second_tier`] | a cache that all containers of a function share |
//! | [`secrets`] | secrets in a container that lives for hours |
//! | [`snap_start`] | containers that are restored from a snapshot |
//! | [`managed_instances`] | several invocations in one process |
//! | [`workspaces`] | several functions that share a library of resources |
//! | [`http`] | requests, services, streamed responses |
//! | [`layers`] | layers of tower around a handler |
//! | [`tmp_files`] | files in `/tmp`, which outlive an invocation |
//! | [`metrics`] | metrics of a container |
//! | [`testing`] | three tests that every function should have, and mocks |
//! | [`migrating`] | from `OnceCell`s, from a `main` with set-up or layers, from `cached`, from Powertools |
//! | [`lints`] | code that is unsafe in a container that is reused, and what to write instead |
//! | [`limits`] | what rewarm does not do |

#[doc = include_str!("container_life.md")]
pub mod container_life {}

#[doc = include_str!("init_or_cached.md")]
pub mod init_or_cached {}

// Its examples need the feature.
#[cfg(any(doc, feature = "redis"))]
#[doc = include_str!("second_tier.md")]
pub mod second_tier {}

#[doc = include_str!("secrets.md")]
pub mod secrets {}

#[doc = include_str!("snap_start.md")]
pub mod snap_start {}

#[doc = include_str!("managed_instances.md")]
pub mod managed_instances {}

#[doc = include_str!("workspaces.md")]
pub mod workspaces {}

// Its examples need the feature.
#[cfg(any(doc, feature = "http"))]
#[doc = include_str!("http.md")]
pub mod http {}

#[doc = include_str!("layers.md")]
pub mod layers {}
#[doc = include_str!("tmp_files.md")]
pub mod tmp_files {}

#[doc = include_str!("metrics.md")]
pub mod metrics {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("migrating.md")]
pub mod migrating {}

// Its examples are excerpts. In this folder it is a link, so that the package contains it.
#[cfg(not(doctest))]
#[doc = include_str!("lints.md")]
pub mod lints {}

#[doc = include_str!("limits.md")]
pub mod limits {}
