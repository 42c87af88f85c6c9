#[allow(dead_code)]
static CONFIG: ::rewarm::private::Cell<::rewarm::private::keeps!(Config, SHAREABLE)> = ::rewarm::private::Cell::new(
    ::rewarm::private::Spec::waiting(
            "CONFIG",
            0,
            ::rewarm::private::nodes::<()>,
            || ::rewarm::private::guard_across_await(async {
                ::rewarm::private::built::<
                    Config,
                    ::rewarm::private::keeps!(Config, SHAREABLE),
                >(Config::load().await?)
            }),
        )
        .retry_after(::rewarm::private::Duration::from_secs(60)),
    || &CONFIG,
);
///The controls of the resource `CONFIG`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct CONFIG {}
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::rewarm::private as __rewarm;
    const _: () = __rewarm::not_a_result(__rewarm::is_result!(Config));
    const _: () = __rewarm::shareable::<Config>();
    impl __rewarm::Resource for CONFIG {
        type Place = ::rewarm::private::Cell<
            ::rewarm::private::keeps!(Config, SHAREABLE),
        >;
        const DEPTH_UNLESS_CIRCULAR: usize = 0;
        fn place() -> &'static Self::Place {
            &CONFIG
        }
    }
    impl CONFIG {
        /// The value if it is built, without waiting.
        fn get() -> ::core::option::Option<__rewarm::Arc<Config>> {
            CONFIG.peek().map(__rewarm::Kept::handle)
        }
        /// Builds the next generation now.
        async fn rebuild() -> ::core::result::Result<
            __rewarm::Arc<Config>,
            __rewarm::ResourceError,
        > {
            __rewarm::give(CONFIG.rebuild().await)
        }
    }
    __rewarm::register!(CONFIG);
};
