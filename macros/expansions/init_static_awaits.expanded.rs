#[allow(dead_code)]
static CONFIG: ::rewarm::private::Cell<
    <::rewarm::private::keeps!(
        Config, SHAREABLE
    ) as ::rewarm::private::Keep<Config>>::Kept,
> = ::rewarm::private::Cell::new(<CONFIG as ::rewarm::private::Init>::SPEC);
///The controls of the resource `CONFIG`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct CONFIG {}
const _: () = {
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
            ::rewarm::private::Probe::<Config>::IS_RESULT
        });
        const _: () = ::rewarm::private::shareable::<Config>();
        impl ::rewarm::private::Init for CONFIG {
            type Kept = <::rewarm::private::keeps!(
                Config, SHAREABLE
            ) as ::rewarm::private::Keep<Config>>::Kept;
            const SPEC: ::rewarm::private::Spec<Self::Kept> = ::rewarm::private::Spec::waiting(
                    "CONFIG",
                    0,
                    ::rewarm::private::nodes::<()>,
                    || {
                        ::rewarm::private::guard_across_await(async {
                            ::core::result::Result::Ok::<
                                <::rewarm::private::keeps!(
                                    Config, SHAREABLE
                                ) as ::rewarm::private::Keep<Config>>::Kept,
                                ::rewarm::private::BoxError,
                            >(
                                <::rewarm::private::keeps!(
                                    Config, SHAREABLE
                                ) as ::rewarm::private::Keep<
                                    Config,
                                >>::keep(Config::load().await?),
                            )
                        })
                    },
                )
                .retry_after(::rewarm::private::Duration::from_secs(60u64));
            fn cell() -> &'static ::rewarm::private::Cell<Self::Kept> {
                &CONFIG
            }
        }
        impl ::rewarm::private::Resource for CONFIG {
            type Value = Config;
            type Held = <::rewarm::private::keeps!(
                Config, SHAREABLE
            ) as ::rewarm::private::Keep<Config>>::Held;
            const DEPTH: usize = 0;
            fn node() -> &'static dyn ::rewarm::private::Node {
                &CONFIG
            }
            async fn hold() -> ::core::result::Result<
                Self::Held,
                ::rewarm::ResourceError,
            > {
                CONFIG
                    .hold()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Config, SHAREABLE
                        ) as ::rewarm::private::Keep<Config>>::hold,
                    )
            }
        }
        impl CONFIG {
            /// The value if it is built, without waiting.
            fn get() -> ::core::option::Option<::rewarm::private::Arc<Config>> {
                CONFIG
                    .peek()
                    .map(
                        <::rewarm::private::keeps!(
                            Config, SHAREABLE
                        ) as ::rewarm::private::Keep<Config>>::give,
                    )
            }
            /// Builds the next generation now.
            async fn rebuild() -> ::core::result::Result<
                ::rewarm::private::Arc<Config>,
                ::rewarm::ResourceError,
            > {
                CONFIG
                    .rebuild()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Config, SHAREABLE
                        ) as ::rewarm::private::Keep<Config>>::give,
                    )
            }
        }
        #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
        #[linkme(crate = ::rewarm::private::linkme)]
        static __NODE: &'static dyn ::rewarm::private::Node = &CONFIG;
    };
};
