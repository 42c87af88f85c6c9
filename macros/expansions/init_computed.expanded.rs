#[allow(
    dead_code,
    clippy::implicit_return,
    clippy::missing_const_for_fn,
    clippy::double_must_use,
    clippy::missing_errors_doc
)]
fn pattern() -> ::core::result::Result<
    ::rewarm::private::Arc<Regex>,
    ::rewarm::ResourceError,
> {
    pub struct __Body;
    #[allow(private_interfaces, unreachable_pub)]
    impl __Body {
        fn pattern() -> Regex {
            Regex::new("^[A-Z]+$").unwrap()
        }
    }
    #[allow(non_local_definitions)]
    impl ::rewarm::private::Written for pattern {
        type Function = __Body;
    }
    <pattern as ::rewarm::private::Resource>::storage().get_blocking()
}
///The controls of the resource `pattern`.
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
struct pattern {}
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
            || __rewarm::built::<
                __Kept,
            >(<pattern as __rewarm::Written>::Function::pattern()),
        ),
        || &__STORAGE,
    );
    impl __rewarm::Resource for pattern {
        type Storage = __Storage;
        const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = 0;
        fn storage() -> &'static Self::Storage {
            &__STORAGE
        }
    }
    impl pattern {
        /// Returns the value if it is ready, without waiting.
        fn get() -> ::core::option::Option<__rewarm::Arc<Regex>> {
            (&__STORAGE).peek()
        }
        /// Builds the next generation now and returns it.
        async fn rebuild() -> ::core::result::Result<
            __rewarm::Arc<Regex>,
            __rewarm::ResourceError,
        > {
            (&__STORAGE).rebuild().await
        }
    }
    __rewarm::register!(__ENTRY = __STORAGE);
};
