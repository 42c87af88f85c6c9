//! What a handler takes of lambda_runtime's types.

pub use lambda_runtime::{Context, LambdaEvent};
