#[allow(
    dead_code,
    clippy::implicit_return,
    clippy::used_underscore_binding,
    clippy::missing_const_for_fn
)]
fn squared(n: u64) -> u64 {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        fn squared(n: u64) -> u64 {
            n * n
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for squared {
        type Function = __Body;
    }
    ::rewarm::private::infallible(
        squared::__storage().get_blocking(squared::__query(&n), squared::__fetch),
    )
}
///The controls of the cached function `squared`.
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
struct squared {}
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
        __rewarm::Policy::new("squared", 0, __rewarm::Duration::from_secs(3600))
            .blocking(),
        __rewarm::facts!(__Value, __Error),
        1000,
        || (&__STORAGE).values(),
    );
    impl squared {
        fn __storage() -> &'static __Storage {
            &__STORAGE
        }
        fn __query<'a>(n: &'a __Part0) -> __rewarm::Arguments<(&'a __Part0,)> {
            __rewarm::Arguments((n,))
        }
        fn __fetch(__key: __Key) -> __rewarm::Fetch {
            __rewarm::a_guard_is_held_across_await(async move {
                __rewarm::fetched::<
                    __Value,
                    __Error,
                >(
                    ::core::result::Result::<
                        _,
                        __Error,
                    >::Ok(<squared as __rewarm::Written>::Function::squared(__key.0)),
                )
            })
        }
        /// Returns the value if it is fresh.
        fn peek(n: u64) -> ::core::option::Option<u64> {
            squared::__storage().peek(squared::__query(&n))
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
            squared::__storage().invalidate(squared::__query(&n));
        }
        /// Removes all values.
        fn clear() {
            squared::__storage().clear();
        }
        /// Returns the counters of the cache.
        fn stats() -> __rewarm::Stats {
            squared::__storage().stats()
        }
    }
    __rewarm::register!(__ENTRY = __STORAGE);
};
