/// The pool.
#[allow(dead_code)]
pub async fn db() -> ::core::result::Result<
    ::rewarm::private::Arc<Pool>,
    ::rewarm::ResourceError,
> {
    <db as ::rewarm::private::Init>::cell()
        .get()
        .await
        .map(
            <::rewarm::private::keeps!(
                Pool, SHAREABLE
            ) as ::rewarm::private::Keep<Pool>>::give,
        )
}
///The controls of the resource `db`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
pub struct db {}
const _: () = {
    struct __Body;
    impl __Body {
        async fn db(
            settings: &Settings,
            login: Arc<Login>,
        ) -> Result<Pool, sqlx::Error> {
            Pool::connect(&settings.url, &login).await
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
        const _: () = ::rewarm::private::shareable::<Pool>();
        static __CELL: ::rewarm::private::Cell<
            <::rewarm::private::keeps!(
                Pool, SHAREABLE
            ) as ::rewarm::private::Keep<Pool>>::Kept,
        > = ::rewarm::private::Cell::new(<db as ::rewarm::private::Init>::SPEC);
        impl ::rewarm::private::Init for db {
            type Kept = <::rewarm::private::keeps!(
                Pool, SHAREABLE
            ) as ::rewarm::private::Keep<Pool>>::Kept;
            const SPEC: ::rewarm::private::Spec<Self::Kept> = ::rewarm::private::Spec::waiting(
                    "db",
                    <db as ::rewarm::private::Resource>::DEPTH,
                    ::rewarm::private::nodes::<(settings, crate::secrets::login)>,
                    || ::rewarm::private::guard_across_await(async {
                        let held = ::rewarm::private::hold::<
                            (settings, crate::secrets::login),
                        >()
                            .await?;
                        __Body::db(
                                &*held.0,
                                <Arc<
                                    Login,
                                > as ::rewarm::private::FromHeld<_, _>>::from_held(&held.1),
                            )
                            .await
                            .map(
                                <::rewarm::private::keeps!(
                                    Pool, SHAREABLE
                                ) as ::rewarm::private::Keep<Pool>>::keep,
                            )
                            .map_err(::rewarm::private::Reportable::report)
                    }),
                )
                .timeout(::rewarm::private::Duration::from_secs(3u64))
                .check(|value| ::rewarm::private::Box::pin(async move {
                    ping(value).await.map_err(::core::convert::Into::into)
                }))
                .close(|value| ::rewarm::private::Box::pin(Pool::close(value)));
            fn cell() -> &'static ::rewarm::private::Cell<Self::Kept> {
                &__CELL
            }
        }
        impl ::rewarm::private::Resource for db {
            type Value = Pool;
            type Held = <::rewarm::private::keeps!(
                Pool, SHAREABLE
            ) as ::rewarm::private::Keep<Pool>>::Held;
            const DEPTH: usize = ::rewarm::private::depth([
                <settings as ::rewarm::private::Resource>::DEPTH,
                <crate::secrets::login as ::rewarm::private::Resource>::DEPTH,
            ]);
            fn node() -> &'static dyn ::rewarm::private::Node {
                &__CELL
            }
            async fn hold() -> ::core::result::Result<
                Self::Held,
                ::rewarm::ResourceError,
            > {
                __CELL
                    .hold()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Pool, SHAREABLE
                        ) as ::rewarm::private::Keep<Pool>>::hold,
                    )
            }
        }
        impl db {
            /// The value if it is built, without waiting.
            pub fn get() -> ::core::option::Option<::rewarm::private::Arc<Pool>> {
                __CELL
                    .peek()
                    .map(
                        <::rewarm::private::keeps!(
                            Pool, SHAREABLE
                        ) as ::rewarm::private::Keep<Pool>>::give,
                    )
            }
            /// Builds the next generation now.
            pub async fn rebuild() -> ::core::result::Result<
                ::rewarm::private::Arc<Pool>,
                ::rewarm::ResourceError,
            > {
                __CELL
                    .rebuild()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Pool, SHAREABLE
                        ) as ::rewarm::private::Keep<Pool>>::give,
                    )
            }
        }
        #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
        #[linkme(crate = ::rewarm::private::linkme)]
        static __NODE: &'static dyn ::rewarm::private::Node = &__CELL;
    };
};
