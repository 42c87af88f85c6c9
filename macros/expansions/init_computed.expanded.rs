#[allow(dead_code)]
fn pattern() -> ::core::result::Result<
    ::rewarm::private::Arc<Regex>,
    ::rewarm::ResourceError,
> {
    <pattern as ::rewarm::private::Resource>::storage().get_blocking()
}
///The controls of the resource `pattern`.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::exhaustive_structs
)]
struct pattern {}
const _: () = {
    struct __Body;
    impl __Body {
        #[allow(clippy::missing_const_for_fn)]
        fn pattern() -> Regex {
            Regex::new("^[A-Z]+$").unwrap()
        }
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        clippy::all,
        clippy::pedantic,
        clippy::nursery,
        clippy::exhaustive_structs
    )]
    const _: () = {
        use ::rewarm::private as __rewarm;
        type __Kept = __rewarm::Checked<
            Regex,
            {
                __rewarm::not_a_result(__rewarm::is_result!(Regex))
                    && __rewarm::shareable::<Regex>()
                    && __rewarm::no_state(
                        __rewarm::is_state!(Regex),
                        __rewarm::state_message!("pattern"),
                    )
            },
        >;
        type __Storage = __rewarm::Cell<__Kept>;
        static __STORAGE: __Storage = __rewarm::Cell::new(
            __rewarm::Spec::computing(
                "pattern",
                || __rewarm::built::<__Kept>(__Body::pattern()),
            ),
            || &__STORAGE,
        );
        impl __rewarm::Resource for pattern {
            type Storage = __Storage;
            const DEPTH_UNLESS_CIRCULAR: usize = 0;
            fn storage() -> &'static Self::Storage {
                &__STORAGE
            }
        }
        impl pattern {
            /// Returns the value if it is ready, without waiting.
            fn get() -> ::core::option::Option<__rewarm::Arc<Regex>> {
                __STORAGE.peek()
            }
            /// Builds the next generation now and returns it.
            async fn rebuild() -> ::core::result::Result<
                __rewarm::Arc<Regex>,
                __rewarm::ResourceError,
            > {
                __STORAGE.rebuild().await
            }
        }
        __rewarm::register!(__STORAGE);
    };
};
