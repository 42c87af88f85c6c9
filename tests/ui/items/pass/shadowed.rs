//! Items of the user's that hide what the expansions refer to.
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_snake_case, non_upper_case_globals)]

/// The names of crates, of the prelude and of primitive types.
mod names {
    mod core {}
    mod alloc {}
    mod std {}
    mod linkme {}
    mod tokio {}
    mod rewarm {}
    mod private {}
    struct Result;
    struct Option;
    struct Box;
    struct Arc;
    struct Vec;
    struct String;
    struct usize;
    struct bool;
    struct str;
    struct u64;
    trait Clone {}
    trait Copy {}
    trait Send {}
    trait Sync {}
    trait Sized {}
    trait Drop {}
    trait Fn {}
    trait Into {}
    trait From {}
    trait Iterator {}
    trait Future {}
    trait Resource {}
    trait Default {}
    trait ToOwned {}
    fn Ok() {}
    fn Err() {}
    fn Some() {}
    fn drop() {}
    const None: u8 = 1;

    #[::rewarm::init(lazy, timeout = "1s", check = check)]
    async fn one() -> u8 {
        1
    }

    async fn check(_: &u8) -> ::core::result::Result<(), ::rewarm::Error> {
        ::core::result::Result::Ok(())
    }

    #[::rewarm::init]
    fn two() -> ::core::result::Result<u8, ::rewarm::Error> {
        ::core::result::Result::Ok(1)
    }

    #[::rewarm::init]
    static THREE: u8 = 1;

    #[::rewarm::init]
    static FOUR: u8 = async { 1 }.await;

    #[::rewarm::cached(ttl = "5m", stale_if_error = "1h", negative_ttl = "1s")]
    async fn five(
        n: u8,
        text: &::core::primitive::str,
        #[skip] passed: &::core::primitive::str,
        #[from] one: &u8,
    ) -> ::core::result::Result<::core::option::Option<u8>, ::rewarm::Error> {
        ::core::result::Result::Ok(::core::option::Option::Some(
            n + text.len() as u8 + passed.len() as u8 + *one,
        ))
    }

    #[::rewarm::cached(ttl = "5m")]
    fn six() -> u8 {
        1
    }

    #[::rewarm::handler(report_every = 5, warmup, namespace = "Shop", dimensions(function))]
    async fn seven(n: u8, context: ::rewarm::Context, one: &u8, two: ::std::sync::Arc<u8>) -> u8 {
        n + *one + *two + context.request_id.len() as u8
    }
}

/// A module without the prelude.
mod bare {
    #![no_implicit_prelude]

    use ::rewarm::{cached, handler, init};

    #[init(retry_after = "1s")]
    async fn one() -> u8 {
        1
    }

    #[init]
    static TWO: u8 = 1;

    #[cached(ttl = "5m")]
    async fn three(n: u8, #[skip] passed: &str, #[from] one: &u8) -> u8 {
        n + passed.len() as u8 + *one
    }

    #[cached(ttl = "5m")]
    fn four(n: &str) -> usize {
        n.len()
    }

    #[handler]
    async fn five(n: u8, one: &u8) -> u8 {
        n + *one
    }
}

/// Traits with the methods of our types for all types, which take precedence over those that
/// borrow.
mod methods {
    use rewarm::{cached, handler, init};

    trait All: Sized {
        fn peek(self) {}
        fn refresh(self) {}
        fn invalidate(self) {}
        fn clear(self) {}
        fn stats(self) {}
        fn get(self) {}
        fn get_blocking(self) {}
        fn now_or_later(self) {}
        fn rebuild(self) {}
        fn fill(self) {}
        fn entry(self) {}
        fn values(self) {}
        fn storage(self) {}
        fn clone(self) {}
        fn to_owned(self) {}
        fn borrow(self) {}
        fn lend(self) {}
        fn deref(self) {}
        fn serve(self) {}
        fn call(self) {}
        fn timeout(self) {}
        fn lazy(self) {}
        fn map_err(self) {}
        fn into_future(self) {}
        fn report(self) {}
    }
    impl<T> All for T {}

    #[init(lazy, timeout = "1s", close = close)]
    async fn one() -> u8 {
        1
    }

    async fn close(_: &u8) {}

    #[init]
    static TWO: u8 = 1;

    #[init]
    static THREE: u8 = async { 1 }.await;

    #[init]
    fn four() -> u8 {
        1
    }

    #[cached(ttl = "5m", jitter = "5%")]
    async fn five(n: u8, #[skip] passed: &str, #[from] one: &u8) -> u8 {
        n + passed.len() as u8 + *one
    }

    #[cached(ttl = "5m")]
    fn six(n: &str) -> usize {
        n.len()
    }

    #[handler]
    async fn seven(n: rewarm::LambdaEvent<u8>, context: rewarm::Context, one: &u8) -> u8 {
        n.payload + context.request_id.len() as u8 + *one
    }
}

fn main() {}
