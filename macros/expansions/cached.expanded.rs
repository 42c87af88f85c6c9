#[allow(
    dead_code,
    clippy::implicit_return,
    clippy::used_underscore_binding,
    clippy::unused_async
)]
async fn settings() -> Result<Settings, Error> {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        async fn settings() -> Result<Settings, Error> {
            load_settings().await
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for settings {
        type Function = __Body;
    }
    match settings::__storage().now_or_later((), settings::__fetch) {
        ::core::result::Result::Ok(__value) => ::core::result::Result::Ok(__value),
        ::core::result::Result::Err(__later) => __later.await,
    }
}
///The controls of the cached function `settings`.
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
struct settings {}
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
    type __Value = __rewarm::Checked<Settings, { __rewarm::cacheable::<Settings>() }>;
    type __Error = __rewarm::Checked<
        <Result<Settings, Error> as __rewarm::IsResult>::Err,
        {
            __rewarm::fetch_error::<
                <Result<Settings, Error> as __rewarm::IsResult>::Err,
            >()
        },
    >;
    type __Key = ();
    type __Storage = __rewarm::Unkeyed<__Value, __Error>;
    static __STORAGE: __Storage = __rewarm::Unkeyed::unkeyed(
        __rewarm::Policy::new(
                "settings",
                <settings as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                __rewarm::Duration::from_secs(300),
            )
            .stale_if_error(__rewarm::Duration::from_secs(3600)),
        __rewarm::facts!(__Value, __Error),
        ::core::option::Option::Some(settings::__fetch),
        || (&__STORAGE).values(),
    );
    impl __rewarm::Resource for settings {
        type Storage = __Storage;
        const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = 0;
        fn storage() -> &'static Self::Storage {
            &__STORAGE
        }
    }
    impl settings {
        fn __storage() -> &'static __Storage {
            &__STORAGE
        }
        fn __fetch(__key: __Key) -> __rewarm::Fetch {
            __rewarm::a_guard_is_held_across_await(async move {
                __rewarm::fetched::<
                    __Value,
                    __Error,
                >(<settings as __rewarm::Written>::Function::settings().await)
            })
        }
        /// Returns the value if it is fresh.
        fn peek() -> ::core::option::Option<Settings> {
            settings::__storage().peek(())
        }
        /// Fetches the value now and returns it. Concurrent callers share one fetch.
        async fn refresh() -> Result<Settings, Error> {
            settings::__storage().refresh((), settings::__fetch).await
        }
        /// Removes the value.
        fn invalidate() {
            settings::__storage().invalidate(());
        }
        /// Returns the counters of the cache.
        fn stats() -> __rewarm::Stats {
            settings::__storage().stats()
        }
    }
    __rewarm::register!(__ENTRY = __STORAGE);
};
