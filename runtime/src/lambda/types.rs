//! What of lambda_runtime users meet in their signatures.

use std::sync::LazyLock;

pub use lambda_runtime::{Context, LambdaEvent, MetadataPrelude, StreamResponse};

/// What a handler is given of its invocation's context. It is large, and most handlers want none of it.
pub trait OfContext: Send {
    /// Takes it, and leaves what the invocation still needs.
    fn take(context: &mut Context) -> Self;
}

impl OfContext for () {
    fn take(_: &mut Context) {}
}

impl OfContext for Context {
    fn take(context: &mut Context) -> Self {
        static LEFT: LazyLock<Context> = LazyLock::new(Context::default);
        let mut left = LEFT.clone();
        left.request_id.clone_from(&context.request_id);
        std::mem::replace(context, left)
    }
}
