#[allow(dead_code, clippy::implicit_return, clippy::missing_const_for_fn)]
fn client() -> ::core::result::Result<
    ::rewarm::private::Arc<Client>,
    ::rewarm::ResourceError,
> {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        fn client(config: &Config, token: Arc<Token>) -> Result<Client, Error> {
            Client::new(&config.endpoint, &token)
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for client {
        type Function = __Body;
    }
    <client as ::rewarm::private::Resource>::storage().get_blocking()
}
///The controls of the resource `client`.
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
struct client {}
const _: () = {
    use ::rewarm::private as __rewarm;
    type __Needs = __rewarm::Checked<
        (config, crate::secrets::token),
        {
            <config as __rewarm::Resource>::IS
                && <crate::secrets::token as __rewarm::Resource>::IS
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
            Client,
            {
                __rewarm::shareable::<Client>()
                    && __rewarm::no_state(
                        __rewarm::is_state!(Client),
                        __rewarm::state_message!("client"),
                    )
            },
        >;
        type __Storage = __rewarm::Cell<__Kept>;
        static __STORAGE: __Storage = __rewarm::Cell::new(
            __rewarm::Spec::computing_from(
                "client",
                <client as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                __rewarm::entries::<__Needs>,
                |__hold| __rewarm::with_resources::<
                    __Needs,
                >(
                    __hold,
                    |__held| __rewarm::built_or::<
                        __Kept,
                        _,
                    >(
                        <client as __rewarm::Written>::Function::client(
                            &*__held.0,
                            <Arc<Token> as __rewarm::FromRef<_, _>>::from_ref(&__held.1),
                        ),
                    ),
                ),
            ),
            || &__STORAGE,
        );
        impl __rewarm::Resource for client {
            type Storage = __Storage;
            const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = __rewarm::depth([
                <config as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
                <crate::secrets::token as __rewarm::Resource>::A_RESOURCE_NEEDS_ITSELF,
            ]);
            fn storage() -> &'static Self::Storage {
                &__STORAGE
            }
        }
        impl client {
            /// Returns the value if it is ready, without waiting.
            fn get() -> ::core::option::Option<__rewarm::Arc<Client>> {
                (&__STORAGE).peek()
            }
            /// Builds the next generation now and returns it.
            async fn rebuild() -> ::core::result::Result<
                __rewarm::Arc<Client>,
                __rewarm::ResourceError,
            > {
                (&__STORAGE).rebuild().await
            }
        }
        __rewarm::register!(__ENTRY = __STORAGE);
    };
};
