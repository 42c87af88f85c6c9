#[allow(dead_code, clippy::used_underscore_binding)]
fn squared(n: u64) -> u64 {
    ::rewarm::private::infallible(
        squared::__storage().get_blocking(squared::__query(&n), squared::__fetch),
    )
}
///The controls of the cached function `squared`.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::exhaustive_structs
)]
struct squared {}
const _: () = {
    struct __Body;
    impl __Body {
        #[allow(clippy::missing_const_for_fn)]
        fn squared(n: u64) -> u64 {
            n * n
        }
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery,
        clippy::exhaustive_structs
    )]
    const _: () = {
        use ::rewarm::private as __rewarm;
        type __Plain = __rewarm::Checked<
            u64,
            { __rewarm::not_a_result(__rewarm::is_result!(u64)) },
        >;
        type __Value = __rewarm::Checked<__Plain, { __rewarm::cacheable::<__Plain>() }>;
        type __Error = __rewarm::Infallible;
        type __Part0 = __rewarm::Checked<u64, { __rewarm::key_part::<u64>() }>;
        type __Key = (__rewarm::Owned<__Part0>,);
        type __Storage = __rewarm::Keyed<__Key, __Value, __Error>;
        static __STORAGE: __Storage = __rewarm::Keyed::keyed(
            __rewarm::Policy::new("squared", 0, __rewarm::Duration::from_secs(3600)),
            __rewarm::facts!(__Value, __Error),
            1000,
            || __STORAGE.values(),
        );
        impl squared {
            fn __storage() -> &'static __Storage {
                &__STORAGE
            }
            fn __query<'a>(n: &'a u64) -> __rewarm::Arguments<(&'a __Part0,)> {
                __rewarm::Arguments((n,))
            }
            fn __fetch(key: __Key) -> __rewarm::Fetch {
                __rewarm::guard_across_await(async move {
                    __rewarm::fetched::<
                        __Value,
                        __Error,
                    >(::core::result::Result::<_, __Error>::Ok(__Body::squared(key.0)))
                })
            }
            /// Returns the value if it is fresh.
            fn peek(n: u64) -> ::core::option::Option<u64> {
                __STORAGE.peek(squared::__query(&n))
            }
            /// Fetches the value now and returns it. Concurrent callers share one fetch.
            fn refresh(n: u64) -> u64 {
                __rewarm::infallible(
                    squared::__storage()
                        .refresh_blocking(squared::__query(&n), squared::__fetch),
                )
            }
            /// Removes the value.
            fn invalidate(n: u64) {
                __STORAGE.invalidate(squared::__query(&n));
            }
            /// Removes all values.
            fn clear() {
                __STORAGE.clear();
            }
            /// Returns the counters of the cache.
            fn stats() -> __rewarm::Stats {
                __STORAGE.stats()
            }
        }
        __rewarm::register!(__STORAGE);
    };
};
