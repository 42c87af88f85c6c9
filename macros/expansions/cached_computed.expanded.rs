#[allow(dead_code)]
fn squared(n: u64) -> u64 {
    <::rewarm::private::keeps!(
        u64, CACHEABLE
    ) as ::rewarm::private::Keep<
        u64,
    >>::back(
        ::rewarm::private::infallible(
            <squared as ::rewarm::private::Cached>::cache()
                .get_blocking(
                    &::rewarm::private::Arguments((
                        <::rewarm::private::keeps!(
                            u64, KEY_PART
                        ) as ::rewarm::private::KeepPart<u64>>::ask(&n),
                    )),
                    |__key| squared::__fetch(__key),
                ),
        ),
    )
}
///The controls of the cached function `squared`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct squared {}
const _: () = {
    struct __Body;
    impl __Body {
        fn squared(n: u64) -> u64 {
            n * n
        }
    }
    #[allow(
        dead_code,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    impl squared {
        fn __fetch(
            key: (
                <::rewarm::private::keeps!(
                    u64, KEY_PART
                ) as ::rewarm::private::KeepPart<u64>>::Kept,
            ),
        ) -> ::rewarm::private::Fetch<
            <::rewarm::private::keeps!(
                u64, CACHEABLE
            ) as ::rewarm::private::Keep<u64>>::Kept,
            ::rewarm::private::Infallible,
        > {
            ::rewarm::private::guard_across_await(async move {
                ::core::result::Result::Ok(
                    <::rewarm::private::keeps!(
                        u64, CACHEABLE
                    ) as ::rewarm::private::Keep<
                        u64,
                    >>::keep(
                        __Body::squared(
                            <::rewarm::private::keeps!(
                                u64, KEY_PART
                            ) as ::rewarm::private::GivePart<u64, _>>::give_part(key.0),
                        ),
                    ),
                )
            })
        }
    }
    #[allow(
        dead_code,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    const _: () = {
        const _: () = ::rewarm::private::not_a_result({
            #[allow(unused_imports)]
            use ::rewarm::private::Unable as _;
            ::rewarm::private::Probe::<u64>::IS_RESULT
        });
        const _: () = ::rewarm::private::shareable::<u64>();
        const _: () = ::rewarm::private::copies::<u64>();
        const _: () = ::rewarm::private::key_part::<u64>();
        static __CACHE: ::rewarm::private::Keyed<
            (
                <::rewarm::private::keeps!(
                    u64, KEY_PART
                ) as ::rewarm::private::KeepPart<u64>>::Kept,
            ),
            <::rewarm::private::keeps!(
                u64, CACHEABLE
            ) as ::rewarm::private::Keep<u64>>::Kept,
            ::rewarm::private::Infallible,
        > = ::rewarm::private::Keyed::keyed(
            ::rewarm::private::Policy::new(
                "squared",
                <squared as ::rewarm::private::Cached>::DEPTH,
                ::rewarm::private::Duration::from_secs(3600u64),
            ),
            ::rewarm::private::facts!(
                < ::rewarm::private::keeps!(u64, CACHEABLE) as ::rewarm::private::Keep <
                u64 >> ::Kept, ::rewarm::private::Infallible
            ),
            1000usize,
        );
        impl ::rewarm::private::Cached for squared {
            type Cache = ::rewarm::private::Keyed<
                (
                    <::rewarm::private::keeps!(
                        u64, KEY_PART
                    ) as ::rewarm::private::KeepPart<u64>>::Kept,
                ),
                <::rewarm::private::keeps!(
                    u64, CACHEABLE
                ) as ::rewarm::private::Keep<u64>>::Kept,
                ::rewarm::private::Infallible,
            >;
            const DEPTH: usize = ::rewarm::private::depth([]);
            fn cache() -> &'static Self::Cache {
                &__CACHE
            }
        }
        impl squared {
            /// The value, if it is kept and fresh.
            fn peek(n: u64) -> ::core::option::Option<u64> {
                __CACHE
                    .peek(
                        &::rewarm::private::Arguments((
                            <::rewarm::private::keeps!(
                                u64, KEY_PART
                            ) as ::rewarm::private::KeepPart<u64>>::ask(&n),
                        )),
                    )
                    .map(
                        <::rewarm::private::keeps!(
                            u64, CACHEABLE
                        ) as ::rewarm::private::Keep<u64>>::back,
                    )
            }
            /// Fetches now. Callers at the same time share one fetch.
            fn refresh(n: u64) -> u64 {
                <::rewarm::private::keeps!(
                    u64, CACHEABLE
                ) as ::rewarm::private::Keep<
                    u64,
                >>::back(
                    ::rewarm::private::infallible(
                        <squared as ::rewarm::private::Cached>::cache()
                            .refresh_blocking(
                                &::rewarm::private::Arguments((
                                    <::rewarm::private::keeps!(
                                        u64, KEY_PART
                                    ) as ::rewarm::private::KeepPart<u64>>::ask(&n),
                                )),
                                |__key| squared::__fetch(__key),
                            ),
                    ),
                )
            }
            /// Forgets the answer.
            fn invalidate(n: u64) {
                __CACHE
                    .invalidate(
                        &::rewarm::private::Arguments((
                            <::rewarm::private::keeps!(
                                u64, KEY_PART
                            ) as ::rewarm::private::KeepPart<u64>>::ask(&n),
                        )),
                    );
            }
            /// Forgets all answers.
            fn clear() {
                __CACHE.clear();
            }
            /// What the cache counted.
            fn stats() -> ::rewarm::Stats {
                __CACHE.stats()
            }
        }
        #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
        #[linkme(crate = ::rewarm::private::linkme)]
        static __NODE: &'static dyn ::rewarm::private::Node = &__CACHE;
    };
};
