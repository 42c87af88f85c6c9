#[allow(dead_code)]
fn pattern() -> ::core::result::Result<
    ::rewarm::private::Arc<Regex>,
    ::rewarm::ResourceError,
> {
    <pattern as ::rewarm::private::Init>::cell()
        .get_blocking()
        .map(
            <::rewarm::private::keeps!(
                Regex, SHAREABLE
            ) as ::rewarm::private::Keep<Regex>>::give,
        )
}
///The controls of the resource `pattern`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct pattern {}
const _: () = {
    struct __Body;
    impl __Body {
        fn pattern() -> Regex {
            Regex::new("^[A-Z]+$").unwrap()
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
        const _: () = ::rewarm::private::not_a_result({
            #[allow(unused_imports)]
            use ::rewarm::private::Unable as _;
            ::rewarm::private::Probe::<Regex>::IS_RESULT
        });
        const _: () = ::rewarm::private::shareable::<Regex>();
        static __CELL: ::rewarm::private::Cell<
            <::rewarm::private::keeps!(
                Regex, SHAREABLE
            ) as ::rewarm::private::Keep<Regex>>::Kept,
        > = ::rewarm::private::Cell::new(<pattern as ::rewarm::private::Init>::SPEC);
        impl ::rewarm::private::Init for pattern {
            type Kept = <::rewarm::private::keeps!(
                Regex, SHAREABLE
            ) as ::rewarm::private::Keep<Regex>>::Kept;
            const SPEC: ::rewarm::private::Spec<Self::Kept> = ::rewarm::private::Spec::computing(
                "pattern",
                || ::core::result::Result::Ok(
                    <::rewarm::private::keeps!(
                        Regex, SHAREABLE
                    ) as ::rewarm::private::Keep<Regex>>::keep(__Body::pattern()),
                ),
            );
            fn cell() -> &'static ::rewarm::private::Cell<Self::Kept> {
                &__CELL
            }
        }
        impl ::rewarm::private::Resource for pattern {
            type Value = Regex;
            type Held = <::rewarm::private::keeps!(
                Regex, SHAREABLE
            ) as ::rewarm::private::Keep<Regex>>::Held;
            const DEPTH: usize = ::rewarm::private::depth([]);
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
                            Regex, SHAREABLE
                        ) as ::rewarm::private::Keep<Regex>>::hold,
                    )
            }
        }
        impl pattern {
            /// The value if it is built, without waiting.
            fn get() -> ::core::option::Option<::rewarm::private::Arc<Regex>> {
                __CELL
                    .peek()
                    .map(
                        <::rewarm::private::keeps!(
                            Regex, SHAREABLE
                        ) as ::rewarm::private::Keep<Regex>>::give,
                    )
            }
            /// Builds the next generation now.
            async fn rebuild() -> ::core::result::Result<
                ::rewarm::private::Arc<Regex>,
                ::rewarm::ResourceError,
            > {
                __CELL
                    .rebuild()
                    .await
                    .map(
                        <::rewarm::private::keeps!(
                            Regex, SHAREABLE
                        ) as ::rewarm::private::Keep<Regex>>::give,
                    )
            }
        }
        #[::rewarm::private::linkme::distributed_slice(::rewarm::private::REGISTRY)]
        #[linkme(crate = ::rewarm::private::linkme)]
        static __NODE: &'static dyn ::rewarm::private::Node = &__CELL;
    };
};
