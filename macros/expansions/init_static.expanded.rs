#[allow(dead_code)]
static GREETING: ::rewarm::private::Fixed<
    <::rewarm::private::keeps!(
        String, SHAREABLE
    ) as ::rewarm::private::Keep<String>>::Kept,
> = ::rewarm::private::Fixed::new(
    "GREETING",
    || ::core::result::Result::Ok(
        <::rewarm::private::keeps!(
            String, SHAREABLE
        ) as ::rewarm::private::Keep<String>>::keep(std::env::var("GREETING")?),
    ),
);
///The controls of the resource `GREETING`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct GREETING {}
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    const _: () = ::rewarm::private::not_a_result({
        #[allow(unused_imports)]
        use ::rewarm::private::Unable as _;
        ::rewarm::private::Probe::<String>::IS_RESULT
    });
    const _: () = ::rewarm::private::shareable::<String>();
    impl ::rewarm::private::Resource for GREETING {
        type Value = String;
        type Held = <::rewarm::private::keeps!(
            String, SHAREABLE
        ) as ::rewarm::private::Keep<String>>::Lent;
        const DEPTH: usize = 0;
        fn node() -> &'static dyn ::rewarm::private::Node {
            &GREETING
        }
        async fn hold() -> ::core::result::Result<Self::Held, ::rewarm::ResourceError> {
            GREETING
                .hold()
                .await
                .map(
                    <::rewarm::private::keeps!(
                        String, SHAREABLE
                    ) as ::rewarm::private::Keep<String>>::lend,
                )
        }
    }
    impl GREETING {
        /// The value if it is built, without waiting.
        fn get() -> ::core::option::Option<
            &'static <::rewarm::private::keeps!(
                String, SHAREABLE
            ) as ::rewarm::private::Keep<String>>::Kept,
        > {
            GREETING.peek()
        }
    }
    #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
    #[linkme(crate = ::rewarm::private::linkme)]
    static __NODE: &'static dyn ::rewarm::private::Node = &GREETING;
};
