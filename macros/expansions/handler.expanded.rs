#[allow(dead_code, clippy::unused_async)]
/// Takes an order.
async fn checkout(
    order: Order,
    context: Context,
    db: &SqlitePool,
    settings: Settings,
) -> Result<Receipt, Error> {
    order.place(db, &settings, &context.request_id).await
}
///Runs the handler `checkout`.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::exhaustive_structs
)]
struct checkout {}
const _: () = {
    use ::rewarm::private as __rewarm;
    type __Needs = __rewarm::Checked<
        (db, settings),
        { <db as __rewarm::Resource>::IS && <settings as __rewarm::Resource>::IS },
    >;
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        clippy::all,
        clippy::pedantic,
        clippy::nursery,
        clippy::exhaustive_structs
    )]
    const _: () = {
        #[allow(unused_imports)]
        use __rewarm::{ByDiagnostic as _, ByReport as _};
        impl __rewarm::Handler for checkout {
            const SPEC: __rewarm::HandlerSpec = __rewarm::HandlerSpec::DEFAULT
                .name("checkout")
                .report_every(100u64);
            type Event = Order;
            type Context = ::rewarm::Context;
            type Response = __rewarm::Json;
            async fn call(
                __event: Order,
                __context: ::rewarm::Context,
            ) -> ::core::result::Result<__rewarm::Json, ::rewarm::InvocationError> {
                let __held = __rewarm::hold::<__Needs>().await?;
                let __output = checkout(
                        __event,
                        __context,
                        &*__held.0,
                        <Settings as __rewarm::FromRef<_, _>>::from_ref(&__held.1),
                    )
                    .await;
                let __convert = __rewarm::error_of(&__output).convert();
                __rewarm::json(__output, __convert)
            }
        }
        impl checkout {
            /// Runs the handler, in Lambda or on the command line.
            fn run() -> __rewarm::ExitCode {
                __rewarm::run::<Self>()
            }
            /// Returns the handler as a `tower::Service`.
            fn service() -> __rewarm::Service<Self> {
                __rewarm::service()
            }
            __rewarm::container!(fn);
        }
    };
};
