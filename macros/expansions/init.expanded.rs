#[allow(
    dead_code,
    clippy::implicit_return,
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
/// The pool.
pub async fn db() -> ::core::result::Result<
    ::rewarm::private::Arc<Pool>,
    ::rewarm::ResourceError,
> {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        pub async fn db(
            settings: &Settings,
            login: Arc<Login>,
        ) -> Result<Pool, sqlx::Error> {
            Pool::connect(&settings.url, &login).await
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for db {
        type Function = __Body;
    }
    match <db as ::rewarm::private::Resource>::storage().now_or_later() {
        ::core::result::Result::Ok(__value) => ::core::result::Result::Ok(__value),
        ::core::result::Result::Err(__later) => __later.await,
    }
}
///The controls of the resource `db`.
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
pub struct db {}
const _: () = {
    use ::rewarm::private as __rewarm;
    type __Needs = __rewarm::Checked<
        (settings, crate::secrets::login),
        {
            <settings as __rewarm::Resource>::IS
                && <crate::secrets::login as __rewarm::Resource>::IS
        },
    >;
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
        type __Kept = __rewarm::Checked<
            Pool,
            {
                __rewarm::shareable::<Pool>()
                    && __rewarm::no_state(
                        __rewarm::is_state!(Pool),
                        __rewarm::state_message!("db"),
                    )
            },
        >;
        type __Storage = __rewarm::Cell<__Kept>;
        static __STORAGE: __Storage = __rewarm::Cell::new(
            __rewarm::Spec::waiting(
                    "db",
                    <db as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                    __rewarm::entries::<__Needs>,
                    || __rewarm::a_guard_is_held_across_await(async {
                        let __held = __rewarm::hold::<__Needs>().await?;
                        __rewarm::built_or::<
                            __Kept,
                            _,
                        >(
                            <db as __rewarm::Written>::Function::db(
                                    &*__held.0,
                                    <Arc<Login> as __rewarm::FromRef<_, _>>::from_ref(&__held.1),
                                )
                                .await,
                        )
                    }),
                )
                .timeout(__rewarm::Duration::from_secs(3))
                .check(|__value| __rewarm::check(
                    ping(__rewarm::lent::<__Kept>(__value)),
                ))
                .close(|__value| __rewarm::close(
                    Pool::close(__rewarm::lent::<__Kept>(__value)),
                )),
            || &__STORAGE,
        );
        impl __rewarm::Resource for db {
            type Storage = __Storage;
            const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = __rewarm::depth([
                <settings as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                <crate::secrets::login as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
            ]);
            fn storage() -> &'static Self::Storage {
                &__STORAGE
            }
        }
        impl db {
            /// Returns the value if it is ready, without waiting.
            pub fn get() -> ::core::option::Option<__rewarm::Arc<Pool>> {
                (&__STORAGE).peek()
            }
            /// Builds the next generation now and returns it.
            pub async fn rebuild() -> ::core::result::Result<
                __rewarm::Arc<Pool>,
                __rewarm::ResourceError,
            > {
                (&__STORAGE).rebuild().await
            }
        }
        __rewarm::register!(__ENTRY = __STORAGE);
    };
};
