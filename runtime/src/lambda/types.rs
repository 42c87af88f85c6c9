//! The types of lambda_runtime that appear in the signatures of handlers.

use std::sync::LazyLock;

pub use lambda_runtime::{Context, Diagnostic, LambdaEvent, MetadataPrelude, StreamResponse};

/// The part of an invocation's context that a handler takes: all or nothing. A context is large, and
/// most handlers take none.
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
        std::mem::replace(context, LEFT.clone())
    }
}
