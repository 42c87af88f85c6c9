#[allow(dead_code, unreachable_code)]
static GREETING: <GREETING as ::rewarm::private::Resource>::Storage = ::rewarm::private::StaticCell::new(
    ::rewarm::private::Spec::computing(
        "GREETING",
        || {
            (&GREETING)
                .fill(::rewarm::private::fixed::<String>(std::env::var("GREETING")?))
        },
    ),
    || &GREETING,
);
///The controls of the resource `GREETING`.
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
struct GREETING {}
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
    impl __rewarm::Resource for GREETING {
        type Storage = __rewarm::StaticCell<
            __rewarm::Checked<
                String,
                {
                    __rewarm::no_result(__rewarm::is_result!(String))
                        && __rewarm::shareable::<String>()
                        && __rewarm::no_state(
                            __rewarm::is_state!(String),
                            __rewarm::state_message!("GREETING"),
                        )
                },
            >,
        >;
        const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = 0;
        fn storage() -> &'static Self::Storage {
            &GREETING
        }
    }
    impl GREETING {
        /// Returns the value if it is ready, without waiting.
        fn get() -> ::core::option::Option<&'static String> {
            (&GREETING).peek()
        }
    }
    __rewarm::register!(__ENTRY = GREETING);
};
