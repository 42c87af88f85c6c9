/// What an article costs.
#[allow(dead_code)]
pub async fn price(
    sku: &str,
    day: u32,
    trace: &str,
) -> Result<Option<Price>, sqlx::Error> {
    let __query = price::__query(sku, &day);
    ::rewarm::private::answer(
        match price::__place().hit(&__query) {
            ::core::option::Option::Some(value) => ::core::result::Result::Ok(value),
            ::core::option::Option::None => {
                price::__place()
                    .miss(
                        &__query,
                        |__key| price::__fetch(
                            __key,
                            ::rewarm::private::ToOwned::to_owned(trace),
                        ),
                    )
                    .await
            }
        },
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
    const _: () = {
        use ::rewarm::private as __rewarm;
        const _: () = __rewarm::cacheable::<Option<Price>>();
        const _: () = __rewarm::key_part::<str>();
        const _: () = __rewarm::key_part::<u32>();
        const _: () = __rewarm::fetch_error::<
            <Result<Option<Price>, sqlx::Error> as __rewarm::IsResult>::Err,
        >();
        type __Value = __rewarm::keeps!(Option < Price >, CACHEABLE);
        type __Error = __rewarm::keeps!(
            < Result < Option < Price >, sqlx::Error > as __rewarm::IsResult > ::Err,
            FETCH_ERROR
        );
        type __Part0 = __rewarm::keeps!(str, KEY_PART);
        type __Part1 = __rewarm::keeps!(u32, KEY_PART);
        type __Key = (__rewarm::Owned<__Part0>, __rewarm::Owned<__Part1>);
        type __Place = __rewarm::Keyed<__Key, __Value, __Error>;
        static __PLACE: __Place = __rewarm::Keyed::keyed(
            __rewarm::Policy::new(
                "price",
                __rewarm::depth([<db as __rewarm::Resource>::DEPTH_UNLESS_CIRCULAR]),
                __rewarm::Duration::from_secs(30),
            ),
            __rewarm::facts!(__Value, __Error),
            500,
            || &__PLACE,
        );
        impl price {
            fn __place() -> &'static __Place {
                &__PLACE
            }
            fn __query<'a>(
                sku: &'a str,
                day: &'a u32,
            ) -> __rewarm::Arguments<(&'a __Part0, &'a __Part1)> {
                __rewarm::Arguments((__rewarm::Kept::ask(sku), __rewarm::Kept::ask(day)))
            }
            fn __fetch(key: __Key, __trace: __rewarm::Owned<str>) -> __rewarm::Fetch {
                __rewarm::guard_across_await(async move {
                    let held = __rewarm::hold::<(db,)>().await?;
                    __rewarm::fetched::<
                        _,
                        _,
                        __Value,
                        __Error,
                    >(
                        __Body::price(
                                &*held.0,
                                __rewarm::lend::<str, __Part0>(&key.0),
                                __rewarm::Kept::<u32>::back(key.1),
                                __rewarm::Borrow::borrow(&__trace),
                            )
                            .await,
                    )
                })
            }
            /// The value, if it is kept and fresh.
            pub fn peek(sku: &str, day: u32) -> ::core::option::Option<Option<Price>> {
                __PLACE.peek(&Self::__query(sku, &day)).map(__rewarm::Kept::back)
            }
            /// Fetches now. Callers at the same time share one fetch.
            pub async fn refresh(
                sku: &str,
                day: u32,
                trace: &str,
            ) -> Result<Option<Price>, sqlx::Error> {
                let __query = price::__query(sku, &day);
                __rewarm::answer(
                    price::__place()
                        .refresh(
                            &__query,
                            |__key| price::__fetch(
                                __key,
                                __rewarm::ToOwned::to_owned(trace),
                            ),
                        )
                        .await,
                )
            }
            /// Forgets the answer.
            pub fn invalidate(sku: &str, day: u32) {
                __PLACE.invalidate(&Self::__query(sku, &day));
            }
            /// Forgets all answers.
            pub fn clear() {
                __PLACE.clear();
            }
            /// What the cache counted.
            pub fn stats() -> __rewarm::Stats {
                __PLACE.stats()
            }
        }
        __rewarm::register!(__PLACE);
    };
};
