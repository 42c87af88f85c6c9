/// The pool.
#[allow(dead_code)]
pub async fn db() -> ::core::result::Result<
    ::rewarm::private::Arc<Pool>,
    ::rewarm::ResourceError,
> {
    ::rewarm::private::give(<db as ::rewarm::private::Resource>::place().get().await)
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
        use ::rewarm::private as __rewarm;
        const _: () = __rewarm::shareable::<Pool>();
        type __Kept = __rewarm::keeps!(Pool, SHAREABLE);
        type __Place = __rewarm::Cell<__Kept>;
        static __PLACE: __Place = __rewarm::Cell::new(
            __rewarm::Spec::waiting(
                    "db",
                    <db as __rewarm::Resource>::DEPTH_UNLESS_CIRCULAR,
                    __rewarm::nodes::<(settings, crate::secrets::login)>,
                    || __rewarm::guard_across_await(async {
                        let held = __rewarm::hold::<(settings, crate::secrets::login)>()
                            .await?;
                        __rewarm::built_or::<
                            _,
                            __Kept,
                            _,
                        >(
                            __Body::db(
                                    &*held.0,
                                    <Arc<Login> as __rewarm::FromHeld<_, _>>::from_held(&held.1),
                                )
                                .await,
                        )
                    }),
                )
                .timeout(__rewarm::Duration::from_secs(3))
                .check(|value| __rewarm::Box::pin(async move {
                    ping(__rewarm::lent::<__Kept>(value))
                        .await
                        .map_err(::core::convert::Into::into)
                }))
                .close(|value| __rewarm::Box::pin(
                    Pool::close(__rewarm::lent::<__Kept>(value)),
                )),
            || &__PLACE,
        );
        impl __rewarm::Resource for db {
            type Place = __Place;
            const DEPTH_UNLESS_CIRCULAR: usize = __rewarm::depth([
                <settings as __rewarm::Resource>::DEPTH_UNLESS_CIRCULAR,
                <crate::secrets::login as __rewarm::Resource>::DEPTH_UNLESS_CIRCULAR,
            ]);
            fn place() -> &'static Self::Place {
                &__PLACE
            }
        }
        impl db {
            /// The value if it is built, without waiting.
            pub fn get() -> ::core::option::Option<__rewarm::Arc<Pool>> {
                __PLACE.peek().map(__rewarm::Kept::handle)
            }
            /// Builds the next generation now.
            pub async fn rebuild() -> ::core::result::Result<
                __rewarm::Arc<Pool>,
                __rewarm::ResourceError,
            > {
                __rewarm::give(__PLACE.rebuild().await)
            }
        }
        __rewarm::register!(__PLACE);
    };
};
