#[allow(dead_code)]
async fn settings() -> Result<Settings, Error> {
    <settings as ::rewarm::private::Cached>::cache()
        .get(&(), |__key| settings::__fetch(__key))
        .await
        .map(
            <::rewarm::private::keeps!(
                Settings, CACHEABLE
            ) as ::rewarm::private::Keep<Settings>>::back,
        )
        .map_err(
            <::rewarm::private::keeps!(
                < Result < Settings, Error > as ::rewarm::private::IsResult > ::Err,
                FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
            >>::error_back,
        )
}
///The controls of the cached function `settings`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct settings {}
const _: () = {
    struct __Body;
    impl __Body {
        async fn settings() -> Result<Settings, Error> {
            load_settings().await
        }
    }
    #[allow(
        dead_code,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    impl settings {
        fn __fetch(
            key: (),
        ) -> ::rewarm::private::Fetch<
            <::rewarm::private::keeps!(
                Settings, CACHEABLE
            ) as ::rewarm::private::Keep<Settings>>::Kept,
            <::rewarm::private::keeps!(
                < Result < Settings, Error > as ::rewarm::private::IsResult > ::Err,
                FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
            >>::Kept,
        > {
            ::rewarm::private::guard_across_await(async move {
                __Body::settings()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Settings, CACHEABLE
                        ) as ::rewarm::private::Keep<Settings>>::keep,
                    )
                    .map_err(|error| ::rewarm::private::Failure::Error(
                        <::rewarm::private::keeps!(
                            < Result < Settings, Error > as ::rewarm::private::IsResult >
                            ::Err, FETCH_ERROR
                        ) as ::rewarm::private::KeepError<
                            <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
                        >>::keep_error(error),
                    ))
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
        const _: () = ::rewarm::private::shareable::<Settings>();
        const _: () = ::rewarm::private::copies::<Settings>();
        const _: () = ::rewarm::private::fetch_error::<
            <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
        >();
        static __CACHE: ::rewarm::private::Unkeyed<
            <::rewarm::private::keeps!(
                Settings, CACHEABLE
            ) as ::rewarm::private::Keep<Settings>>::Kept,
            <::rewarm::private::keeps!(
                < Result < Settings, Error > as ::rewarm::private::IsResult > ::Err,
                FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
            >>::Kept,
        > = ::rewarm::private::Unkeyed::unkeyed(
            ::rewarm::private::Policy::new(
                    "settings",
                    <settings as ::rewarm::private::Cached>::DEPTH,
                    ::rewarm::private::Duration::from_secs(300u64),
                )
                .stale_if_error(::rewarm::private::Duration::from_secs(3600u64)),
            ::rewarm::private::facts!(
                < ::rewarm::private::keeps!(Settings, CACHEABLE) as
                ::rewarm::private::Keep < Settings >> ::Kept, <
                ::rewarm::private::keeps!(< Result < Settings, Error > as
                ::rewarm::private::IsResult > ::Err, FETCH_ERROR) as
                ::rewarm::private::KeepError < < Result < Settings, Error > as
                ::rewarm::private::IsResult > ::Err >> ::Kept
            ),
            || {
                ::rewarm::private::Box::pin(async {
                    <settings as ::rewarm::private::Resource>::hold().await.map(drop)
                })
            },
        );
        impl ::rewarm::private::Cached for settings {
            type Cache = ::rewarm::private::Unkeyed<
                <::rewarm::private::keeps!(
                    Settings, CACHEABLE
                ) as ::rewarm::private::Keep<Settings>>::Kept,
                <::rewarm::private::keeps!(
                    < Result < Settings, Error > as ::rewarm::private::IsResult > ::Err,
                    FETCH_ERROR
                ) as ::rewarm::private::KeepError<
                    <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
                >>::Kept,
            >;
            const DEPTH: usize = ::rewarm::private::depth([]);
            fn cache() -> &'static Self::Cache {
                &__CACHE
            }
        }
        impl ::rewarm::private::Resource for settings {
            type Value = <::rewarm::private::keeps!(
                Settings, CACHEABLE
            ) as ::rewarm::private::Keep<Settings>>::Kept;
            type Held = ::rewarm::private::HeldValue<
                <::rewarm::private::keeps!(
                    Settings, CACHEABLE
                ) as ::rewarm::private::Keep<Settings>>::Kept,
                <::rewarm::private::keeps!(
                    < Result < Settings, Error > as ::rewarm::private::IsResult > ::Err,
                    FETCH_ERROR
                ) as ::rewarm::private::KeepError<
                    <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
                >>::Kept,
            >;
            const DEPTH: usize = <Self as ::rewarm::private::Cached>::DEPTH;
            fn node() -> &'static dyn ::rewarm::private::Node {
                &__CACHE
            }
            async fn hold() -> ::core::result::Result<
                Self::Held,
                ::rewarm::ResourceError,
            > {
                __CACHE.hold(settings::__fetch).await
            }
        }
        impl settings {
            /// The value, if it is kept and fresh.
            fn peek() -> ::core::option::Option<Settings> {
                __CACHE
                    .peek(&())
                    .map(
                        <::rewarm::private::keeps!(
                            Settings, CACHEABLE
                        ) as ::rewarm::private::Keep<Settings>>::back,
                    )
            }
            /// Fetches now. Callers at the same time share one fetch.
            async fn refresh() -> Result<Settings, Error> {
                <settings as ::rewarm::private::Cached>::cache()
                    .refresh(&(), |__key| settings::__fetch(__key))
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Settings, CACHEABLE
                        ) as ::rewarm::private::Keep<Settings>>::back,
                    )
                    .map_err(
                        <::rewarm::private::keeps!(
                            < Result < Settings, Error > as ::rewarm::private::IsResult >
                            ::Err, FETCH_ERROR
                        ) as ::rewarm::private::KeepError<
                            <Result<Settings, Error> as ::rewarm::private::IsResult>::Err,
                        >>::error_back,
                    )
            }
            /// Forgets the answer.
            fn invalidate() {
                __CACHE.invalidate(&());
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
