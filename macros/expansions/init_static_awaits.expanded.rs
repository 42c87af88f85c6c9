#[allow(dead_code, unreachable_code)]
static CONFIG: <CONFIG as ::rewarm::private::Resource>::Storage = ::rewarm::private::NeedsGetAwait::new(
    ::rewarm::private::Spec::waiting(
            "CONFIG",
            0,
            ::rewarm::private::entries::<()>,
            || ::rewarm::private::a_guard_is_held_across_await(async {
                CONFIG::__built(Config::load().await?)
            }),
        )
        .retry_after(::rewarm::private::Duration::from_secs(60)),
    || &CONFIG,
);
///The controls of the resource `CONFIG`.
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
struct CONFIG {}
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
    type __Kept = __rewarm::Checked<
        Config,
        {
            __rewarm::no_result(__rewarm::is_result!(Config))
                && __rewarm::shareable::<Config>()
                && __rewarm::no_state(
                    __rewarm::is_state!(Config),
                    __rewarm::state_message!("CONFIG"),
                )
        },
    >;
    impl __rewarm::Resource for CONFIG {
        type Storage = __rewarm::NeedsGetAwait<__Kept>;
        const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = 0;
        fn storage() -> &'static Self::Storage {
            &CONFIG
        }
    }
    impl CONFIG {
        fn __built(
            __value: Config,
        ) -> ::core::result::Result<__rewarm::Erased, __rewarm::BoxError> {
            __rewarm::built::<__Kept>(__value)
        }
    }
    impl CONFIG {
        /// Returns the value if it is ready, without waiting.
        fn get() -> ::core::option::Option<__rewarm::Arc<Config>> {
            (&CONFIG).peek()
        }
        /// Builds the next generation now and returns it.
        async fn rebuild() -> ::core::result::Result<
            __rewarm::Arc<Config>,
            __rewarm::ResourceError,
        > {
            (&CONFIG).rebuild().await
        }
    }
    __rewarm::register!(__ENTRY = CONFIG);
};
