#[allow(dead_code, clippy::unused_async)]
/// Names two globals.
async fn answer(event: u64) -> u64 {
    #[allow(
        deprecated,
        unused_imports,
        static_mut_refs,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    if false {
        use ::rewarm::private::globals::*;
        ::rewarm::private::global(
            &(&&&&::rewarm::private::Global::<
                _,
                ::rewarm::private::ReadOnly,
            >::named(&LIMITS))
                .verdict_of_reads(),
        );
        ::rewarm::private::global(
            &(&&&&&&&&&&::rewarm::private::Global::<
                _,
                ::rewarm::private::AnyUse,
            >::named(&counters::SERVED))
                .verdict(),
        );
    }
    let add = || LIMITS.get() + counters::SERVED.fetch_add(event, Relaxed);
    add()
}
///Runs the handler `answer`.
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
struct answer {}
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
    use ::rewarm::private as __rewarm;
    #[allow(unused_imports)]
    use __rewarm::{ByDiagnostic as _, ByReport as _};
    type __Output = __rewarm::Checked<
        u64,
        { __rewarm::not_a_result(__rewarm::is_result!(u64)) },
    >;
    impl __rewarm::Handler for answer {
        const SPEC: __rewarm::HandlerSpec = __rewarm::HandlerSpec::new(
            "answer",
            ::core::module_path!(),
        );
        type Event = u64;
        type Context = ();
        type Response = __rewarm::Json;
        async fn call(
            __event: u64,
            (): (),
        ) -> ::core::result::Result<__rewarm::Json, ::rewarm::InvocationError> {
            let __output = ::core::result::Result::Ok::<
                __Output,
                __rewarm::Infallible,
            >(answer(__event).await);
            let __convert = __rewarm::error_of(&__output).convert();
            __rewarm::json(__output, __convert)
        }
    }
    impl answer {
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
