#[allow(
    dead_code,
    clippy::implicit_return,
    clippy::used_underscore_binding,
    clippy::unused_async,
    clippy::box_collection,
    clippy::large_types_passed_by_value,
    clippy::linkedlist,
    clippy::needless_pass_by_value,
    clippy::option_option,
    clippy::rc_buffer,
    clippy::rc_mutex,
    clippy::redundant_allocation,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_box_returns,
    clippy::unnecessary_wraps,
    clippy::vec_box
)]
/// The price of an article.
pub async fn price(
    sku: &str,
    day: u32,
    trace: &str,
) -> Result<Option<Price>, sqlx::Error> {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        pub async fn price(
            db: &SqlitePool,
            sku: &str,
            day: u32,
            trace: &str,
        ) -> Result<Option<Price>, sqlx::Error> {
            Price::find(db, sku, day, trace).await
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for price {
        type Function = __Body;
    }
    match price::__storage()
        .now_or_later(price::__query(sku, &day), |__key| price::__fetch(__key, trace))
    {
        ::core::result::Result::Ok(__value) => ::core::result::Result::Ok(__value),
        ::core::result::Result::Err(__later) => __later.await,
    }
}
///The controls of the cached function `price`.
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
pub struct price {}
const _: () = {
    use ::rewarm::private as __rewarm;
    type __Needs = __rewarm::Checked<(db,), { <db as __rewarm::Resource>::IS }>;
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
        type __Value = __rewarm::Checked<
            Option<Price>,
            { __rewarm::cacheable::<Price>() },
        >;
        type __Error = __rewarm::Checked<
            <Result<Option<Price>, sqlx::Error> as __rewarm::IsResult>::Err,
            {
                __rewarm::fetch_error::<
                    <Result<Option<Price>, sqlx::Error> as __rewarm::IsResult>::Err,
                >()
            },
        >;
        type __Part0 = __rewarm::Checked<str, { __rewarm::key_part::<str>() }>;
        type __Part1 = __rewarm::Checked<u32, { __rewarm::key_part::<u32>() }>;
        type __Passed0 = __rewarm::Checked<str, { __rewarm::passed_owned::<str>() }>;
        type __Key = (__rewarm::Owned<__Part0>, __rewarm::Owned<__Part1>);
        type __Storage = __rewarm::Keyed<__Key, __Value, __Error>;
        static __STORAGE: __Storage = __rewarm::Keyed::keyed(
            __rewarm::Policy::new(
                    "price",
                    __rewarm::depth([
                        <db as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                    ]),
                    __rewarm::Duration::from_secs(30),
                )
                .built_from(__rewarm::entries::<__Needs>),
            __rewarm::facts!(__Value, __Error),
            500,
            || (&__STORAGE).values(),
        );
        impl price {
            fn __storage() -> &'static __Storage {
                &__STORAGE
            }
            fn __query<'a>(
                sku: &'a __Part0,
                day: &'a __Part1,
            ) -> __rewarm::Arguments<(&'a __Part0, &'a __Part1)> {
                __rewarm::Arguments((sku, day))
            }
            fn __fetch(__key: __Key, __passed0: &__Passed0) -> __rewarm::Fetch {
                let __passed0 = __rewarm::ToOwned::to_owned(__passed0);
                __rewarm::a_guard_is_held_across_await(async move {
                    let __held = __rewarm::hold::<__Needs>().await?;
                    __rewarm::fetched::<
                        __Value,
                        __Error,
                    >(
                        <price as __rewarm::Written>::Function::price(
                                &*__held.0,
                                __rewarm::Borrow::<__Part0>::borrow(&__key.0),
                                __key.1,
                                __rewarm::Borrow::borrow(&__passed0),
                            )
                            .await,
                    )
                })
            }
            /// Returns the value if it is fresh.
            pub fn peek(sku: &str, day: u32) -> ::core::option::Option<Option<Price>> {
                price::__storage().peek(price::__query(sku, &day))
            }
            /// Fetches the value now and returns it. Concurrent callers share one fetch.
            pub async fn refresh(
                sku: &str,
                day: u32,
                trace: &str,
            ) -> Result<Option<Price>, sqlx::Error> {
                price::__storage()
                    .refresh(
                        price::__query(sku, &day),
                        |__key| price::__fetch(__key, trace),
                    )
                    .await
            }
            /// Removes the value.
            pub fn invalidate(sku: &str, day: u32) {
                price::__storage().invalidate(price::__query(sku, &day));
            }
            /// Removes all values.
            pub fn clear() {
                price::__storage().clear();
            }
            /// Returns the counters of the cache.
            pub fn stats() -> __rewarm::Stats {
                price::__storage().stats()
            }
        }
        __rewarm::register!(__ENTRY = __STORAGE);
    };
};
