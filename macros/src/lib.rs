//! The attributes of `rewarm`: `#[init]`, `#[cached]` and `#[handler]`. Depend on `rewarm`, which
//! re-exports them.

mod args;
mod cached;
mod diag;
mod driver;
mod duration;
mod handler;
mod init;
mod item;
mod lints;
mod names;
mod stand_in;

use proc_macro::TokenStream;

/// A resource built once per container, in Lambda's INIT phase, beside all the others.
#[proc_macro_attribute]
pub fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<init::Init>(args.into(), item.into()).into()
}

/// A function whose answer is kept for a time, shared by all callers and bounded.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<cached::Cached>(args.into(), item.into()).into()
}

/// The function that answers every event.
///
/// ```ignore
/// #[handler(deadline_margin = "500ms")]
/// async fn checkout(order: Order, context: Context, db: &SqlitePool) -> Result<Receipt, Error> { /* … */ }
///
/// fn main() -> std::process::ExitCode {
///     checkout::run()
/// }
/// ```
///
/// First comes the event (a type that is `Deserialize`, or `LambdaEvent<T>`), then a `Context` if
/// wanted, then resources by name: `&T`, `Arc<T>`, or a clone of a cached value. The answer is a
/// `Serialize` type, or a `Result` of one with an error that converts into
/// `Box<dyn Error + Send + Sync>`. The function stays as it is, for tests to call; a type of the same
/// name has `run()`, `service()` and, with the feature `testing`, `container()`.
///
/// An invocation that fails shows Lambda an error type: the short name of the function's own error,
/// or `Panic`, `DeadlineExceeded`, `InvalidEvent`, `InvalidAnswer`, `ResourceUnavailable`. None of them
/// ends the container.
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `deadline_margin = "250ms"` | `"250ms"` | the handler, and a body that it streams, is cancelled this long before Lambda's deadline, so that the container and all it holds is not killed; `"0s"` never |
/// | `report_every = 10` | `10` | the container is reported every so many invocations; `0` never |
/// | `warmup` | off | an event `{"source": "serverless-plugin-warmup"}` or `{"warmup": true}` is answered with `null` at once, without the handler, and is no invocation |
/// | `http` | off | feature `http`: the event is a `rewarm::http::Request`, the answer an `IntoResponse`. A function that does not take the request makes a `tower::Service` of its resources, such as an `axum::Router`: once per container, in INIT, and again when one of the resources is |
/// | `streaming` | off | the answer is a `StreamResponse<S>` of a stream of bytes; with `http`, an `http::Response<B>` whose body is sent as it comes |
/// | `allow(lint, …)` | none | switches off a lint |
/// | `crate = path` | `::rewarm` | where rewarm is, if it is renamed |
#[proc_macro_attribute]
pub fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::run::<handler::Handler>(args.into(), item.into()).into()
}
