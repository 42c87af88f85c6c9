//! What of lambda_runtime users meet in their signatures.

pub use lambda_runtime::{Context, LambdaEvent, MetadataPrelude, StreamResponse};
