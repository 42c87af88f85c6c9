#[allow(dead_code)]
static GREETING: ::rewarm::private::Fixed<
    ::rewarm::private::keeps!(String, SHAREABLE),
> = <::rewarm::private::Fixed<
    ::rewarm::private::keeps!(String, SHAREABLE),
>>::new(
    ::rewarm::private::Spec::computing(
        "GREETING",
        || {
            GREETING
                .fill(::rewarm::private::fixed::<String, _>(std::env::var("GREETING")?))
        },
    ),
    || &GREETING,
);
///The controls of the resource `GREETING`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct GREETING {}
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::rewarm::private as __rewarm;
    const _: () = __rewarm::not_a_result(__rewarm::is_result!(String));
    const _: () = __rewarm::shareable::<String>();
    impl __rewarm::Resource for GREETING {
        type Place = ::rewarm::private::Fixed<
            ::rewarm::private::keeps!(String, SHAREABLE),
        >;
        const DEPTH_UNLESS_CIRCULAR: usize = 0;
        fn place() -> &'static Self::Place {
            &GREETING
        }
    }
    impl GREETING {
        /// The value if it is built, without waiting.
        fn get() -> ::core::option::Option<&'static String> {
            GREETING.peek().map(__rewarm::Kept::lend)
        }
    }
    __rewarm::register!(GREETING);
};
