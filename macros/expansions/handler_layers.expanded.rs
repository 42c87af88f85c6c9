#[allow(dead_code, clippy::unused_async)]
/// Takes an order, under the layers of the function `layers`.
async fn checkout(order: Order, db: &SqlitePool) -> Result<Receipt, Error> {
    order.place(db).await
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
    type __Needs = __rewarm::Checked<(db,), { <db as __rewarm::Resource>::IS }>;
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
        static __LAYERED: __rewarm::Cell<
            __rewarm::App<::rewarm::LambdaEvent<Order>, __rewarm::Json>,
        > = __rewarm::Cell::new(
            __rewarm::Spec::computing(
                    "layers",
                    || {
                        #[allow(unused_imports)]
                        use __rewarm::services::*;
                        let __next = __rewarm::next(|__event| __rewarm::a_guard_is_held_across_await(async move {
                            let (__event, __context) = ::rewarm::LambdaEvent::into_parts(
                                __event,
                            );
                            let __held = __rewarm::hold::<__Needs>().await?;
                            let __output = checkout(__event, &*__held.0).await;
                            let __convert = __rewarm::error_of(&__output).convert();
                            ::core::result::Result::map_err(__output, __convert)
                        }));
                        let __layer = http::layers();
                        let __service = (&&__rewarm::layer_of(&__layer))
                            .around(&__layer, __next);
                        __rewarm::built::<
                            __rewarm::App<::rewarm::LambdaEvent<Order>, __rewarm::Json>,
                        >(
                            (&&&&&__rewarm::service_of::<
                                __rewarm::Layered,
                                ::rewarm::LambdaEvent<Order>,
                                _,
                            >(&__service))
                                .app(
                                    __service,
                                    |__output| {
                                        let __convert = __rewarm::error_of(&__output).convert();
                                        __rewarm::json(__output, __convert)
                                    },
                                ),
                        )
                    },
                )
                .restore(__rewarm::Restore::Keep),
            || &__LAYERED,
        );
        __rewarm::register!(__LAYERS = __LAYERED, in "");
        impl __rewarm::Handler for checkout {
            const SPEC: __rewarm::HandlerSpec = __rewarm::HandlerSpec::new(
                "checkout",
                ::core::module_path!(),
            );
            type Event = Order;
            type Context = ::rewarm::Context;
            type Response = __rewarm::Json;
            fn resources() -> __rewarm::Vec<&'static dyn __rewarm::RegistryEntry> {
                [
                    __rewarm::entries::<__Needs>(),
                    __rewarm::Vec::from([(&__LAYERED).entry()]),
                ]
                    .concat()
            }
            async fn call(
                __event: Order,
                __context: ::rewarm::Context,
            ) -> ::core::result::Result<__rewarm::Json, ::rewarm::InvocationError> {
                (&__LAYERED)
                    .get()
                    .await?
                    .call(::rewarm::LambdaEvent::new(__event, __context))
                    .await
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
