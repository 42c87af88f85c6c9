/// What an article costs.
#[allow(dead_code)]
pub async fn price(
    sku: &str,
    day: u32,
    trace: &str,
) -> Result<Option<Price>, sqlx::Error> {
    <price as ::rewarm::private::Cached>::cache()
        .get(
            &::rewarm::private::Arguments((
                <::rewarm::private::keeps!(
                    str, KEY_PART
                ) as ::rewarm::private::KeepPart<str>>::ask(sku),
                <::rewarm::private::keeps!(
                    u32, KEY_PART
                ) as ::rewarm::private::KeepPart<u32>>::ask(&day),
            )),
            |__key| price::__fetch(__key, ::rewarm::private::ToOwned::to_owned(trace)),
        )
        .await
        .map(
            <::rewarm::private::keeps!(
                Option < Price >, CACHEABLE
            ) as ::rewarm::private::Keep<Option<Price>>>::back,
        )
        .map_err(
            <::rewarm::private::keeps!(
                < Result < Option < Price >, sqlx::Error > as ::rewarm::private::IsResult
                > ::Err, FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Option<Price>, sqlx::Error> as ::rewarm::private::IsResult>::Err,
            >>::error_back,
        )
}
///The controls of the cached function `price`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
pub struct price {}
const _: () = {
    struct __Body;
    impl __Body {
        async fn price(
            db: &SqlitePool,
            sku: &str,
            day: u32,
            trace: &str,
        ) -> Result<Option<Price>, sqlx::Error> {
            Price::find(db, sku, day, trace).await
        }
    }
    #[allow(
        dead_code,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    impl price {
        fn __fetch(
            key: (
                <::rewarm::private::keeps!(
                    str, KEY_PART
                ) as ::rewarm::private::KeepPart<str>>::Kept,
                <::rewarm::private::keeps!(
                    u32, KEY_PART
                ) as ::rewarm::private::KeepPart<u32>>::Kept,
            ),
            __trace: <str as ::rewarm::private::ToOwned>::Owned,
        ) -> ::rewarm::private::Fetch<
            <::rewarm::private::keeps!(
                Option < Price >, CACHEABLE
            ) as ::rewarm::private::Keep<Option<Price>>>::Kept,
            <::rewarm::private::keeps!(
                < Result < Option < Price >, sqlx::Error > as ::rewarm::private::IsResult
                > ::Err, FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Option<Price>, sqlx::Error> as ::rewarm::private::IsResult>::Err,
            >>::Kept,
        > {
            ::rewarm::private::guard_across_await(async move {
                let held = ::rewarm::private::hold::<(db,)>().await?;
                __Body::price(
                        &*held.0,
                        <::rewarm::private::keeps!(
                            str, KEY_PART
                        ) as ::rewarm::private::KeepPart<str>>::lend(&key.0),
                        <::rewarm::private::keeps!(
                            u32, KEY_PART
                        ) as ::rewarm::private::GivePart<u32, _>>::give_part(key.1),
                        ::rewarm::private::Borrow::borrow(&__trace),
                    )
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Option < Price >, CACHEABLE
                        ) as ::rewarm::private::Keep<Option<Price>>>::keep,
                    )
                    .map_err(|error| ::rewarm::private::Failure::Error(
                        <::rewarm::private::keeps!(
                            < Result < Option < Price >, sqlx::Error > as
                            ::rewarm::private::IsResult > ::Err, FETCH_ERROR
                        ) as ::rewarm::private::KeepError<
                            <Result<
                                Option<Price>,
                                sqlx::Error,
                            > as ::rewarm::private::IsResult>::Err,
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
        const _: () = ::rewarm::private::shareable::<Option<Price>>();
        const _: () = ::rewarm::private::copies::<Option<Price>>();
        const _: () = ::rewarm::private::key_part::<str>();
        const _: () = ::rewarm::private::key_part::<u32>();
        const _: () = ::rewarm::private::fetch_error::<
            <Result<Option<Price>, sqlx::Error> as ::rewarm::private::IsResult>::Err,
        >();
        static __CACHE: ::rewarm::private::Keyed<
            (
                <::rewarm::private::keeps!(
                    str, KEY_PART
                ) as ::rewarm::private::KeepPart<str>>::Kept,
                <::rewarm::private::keeps!(
                    u32, KEY_PART
                ) as ::rewarm::private::KeepPart<u32>>::Kept,
            ),
            <::rewarm::private::keeps!(
                Option < Price >, CACHEABLE
            ) as ::rewarm::private::Keep<Option<Price>>>::Kept,
            <::rewarm::private::keeps!(
                < Result < Option < Price >, sqlx::Error > as ::rewarm::private::IsResult
                > ::Err, FETCH_ERROR
            ) as ::rewarm::private::KeepError<
                <Result<Option<Price>, sqlx::Error> as ::rewarm::private::IsResult>::Err,
            >>::Kept,
        > = ::rewarm::private::Keyed::keyed(
            ::rewarm::private::Policy::new(
                "price",
                <price as ::rewarm::private::Cached>::DEPTH,
                ::rewarm::private::Duration::from_secs(30u64),
            ),
            ::rewarm::private::facts!(
                < ::rewarm::private::keeps!(Option < Price >, CACHEABLE) as
                ::rewarm::private::Keep < Option < Price > >> ::Kept, <
                ::rewarm::private::keeps!(< Result < Option < Price >, sqlx::Error > as
                ::rewarm::private::IsResult > ::Err, FETCH_ERROR) as
                ::rewarm::private::KeepError < < Result < Option < Price >, sqlx::Error >
                as ::rewarm::private::IsResult > ::Err >> ::Kept
            ),
            500usize,
        );
        impl ::rewarm::private::Cached for price {
            type Cache = ::rewarm::private::Keyed<
                (
                    <::rewarm::private::keeps!(
                        str, KEY_PART
                    ) as ::rewarm::private::KeepPart<str>>::Kept,
                    <::rewarm::private::keeps!(
                        u32, KEY_PART
                    ) as ::rewarm::private::KeepPart<u32>>::Kept,
                ),
                <::rewarm::private::keeps!(
                    Option < Price >, CACHEABLE
                ) as ::rewarm::private::Keep<Option<Price>>>::Kept,
                <::rewarm::private::keeps!(
                    < Result < Option < Price >, sqlx::Error > as
                    ::rewarm::private::IsResult > ::Err, FETCH_ERROR
                ) as ::rewarm::private::KeepError<
                    <Result<
                        Option<Price>,
                        sqlx::Error,
                    > as ::rewarm::private::IsResult>::Err,
                >>::Kept,
            >;
            const DEPTH: usize = ::rewarm::private::depth([
                <db as ::rewarm::private::Resource>::DEPTH,
            ]);
            fn cache() -> &'static Self::Cache {
                &__CACHE
            }
        }
        impl price {
            /// The value, if it is kept and fresh.
            pub fn peek(sku: &str, day: u32) -> ::core::option::Option<Option<Price>> {
                __CACHE
                    .peek(
                        &::rewarm::private::Arguments((
                            <::rewarm::private::keeps!(
                                str, KEY_PART
                            ) as ::rewarm::private::KeepPart<str>>::ask(sku),
                            <::rewarm::private::keeps!(
                                u32, KEY_PART
                            ) as ::rewarm::private::KeepPart<u32>>::ask(&day),
                        )),
                    )
                    .map(
                        <::rewarm::private::keeps!(
                            Option < Price >, CACHEABLE
                        ) as ::rewarm::private::Keep<Option<Price>>>::back,
                    )
            }
            /// Fetches now. Callers at the same time share one fetch.
            pub async fn refresh(
                sku: &str,
                day: u32,
                trace: &str,
            ) -> Result<Option<Price>, sqlx::Error> {
                <price as ::rewarm::private::Cached>::cache()
                    .refresh(
                        &::rewarm::private::Arguments((
                            <::rewarm::private::keeps!(
                                str, KEY_PART
                            ) as ::rewarm::private::KeepPart<str>>::ask(sku),
                            <::rewarm::private::keeps!(
                                u32, KEY_PART
                            ) as ::rewarm::private::KeepPart<u32>>::ask(&day),
                        )),
                        |__key| price::__fetch(
                            __key,
                            ::rewarm::private::ToOwned::to_owned(trace),
                        ),
                    )
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Option < Price >, CACHEABLE
                        ) as ::rewarm::private::Keep<Option<Price>>>::back,
                    )
                    .map_err(
                        <::rewarm::private::keeps!(
                            < Result < Option < Price >, sqlx::Error > as
                            ::rewarm::private::IsResult > ::Err, FETCH_ERROR
                        ) as ::rewarm::private::KeepError<
                            <Result<
                                Option<Price>,
                                sqlx::Error,
                            > as ::rewarm::private::IsResult>::Err,
                        >>::error_back,
                    )
            }
            /// Forgets the answer.
            pub fn invalidate(sku: &str, day: u32) {
                __CACHE
                    .invalidate(
                        &::rewarm::private::Arguments((
                            <::rewarm::private::keeps!(
                                str, KEY_PART
                            ) as ::rewarm::private::KeepPart<str>>::ask(sku),
                            <::rewarm::private::keeps!(
                                u32, KEY_PART
                            ) as ::rewarm::private::KeepPart<u32>>::ask(&day),
                        )),
                    );
            }
            /// Forgets all answers.
            pub fn clear() {
                __CACHE.clear();
            }
            /// What the cache counted.
            pub fn stats() -> ::rewarm::Stats {
                __CACHE.stats()
            }
        }
        #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
        #[linkme(crate = ::rewarm::private::linkme)]
        static __NODE: &'static dyn ::rewarm::private::Node = &__CACHE;
    };
};
