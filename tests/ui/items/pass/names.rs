//! Names of the user's that the expansions have, too: as items, parameters, resources and types.
#![deny(warnings)]
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]

use rewarm::{cached, handler, init};

/// Parameters with the names of our parameters and local variables.
mod parameters {
    use super::*;

    #[cached(ttl = "5m")]
    async fn a(key: String, #[skip] __key: u8) -> usize {
        key.len() + usize::from(__key)
    }

    #[cached(ttl = "5m")]
    async fn b(__key: String, #[skip] key: u8, __value: u8, #[skip] __later: &str) -> usize {
        __key.len() + usize::from(key) + usize::from(__value) + __later.len()
    }

    #[cached(ttl = "5m")]
    fn c(self_: u8, value: u8, private: u8, rewarm: u8, __rewarm: u8, __passed0: u8) -> u8 {
        self_ + value + private + rewarm + __rewarm + __passed0
    }

    #[cached(ttl = "5m")]
    async fn d(
        __STORAGE: u8,
        __fetch: u8,
        __query: u8,
        #[skip] __storage: u8,
        #[skip] held: u8,
        #[skip] __held: &str,
        #[from] __resource: &u8,
    ) -> usize {
        usize::from(__STORAGE + __fetch + __query + __storage + held + *__resource) + __held.len()
    }

    #[cached(ttl = "5m")]
    fn e(d: u8, e: u8) -> u8 {
        d + e
    }

    #[init]
    async fn __resource() -> u8 {
        1
    }

    #[handler]
    async fn answer(__event: u8, __context: rewarm::Context, #[from(__resource)] __held: &u8) -> u8 {
        __event + *__held + __context.request_id.len() as u8
    }

    #[handler]
    async fn other(__output: u8, #[from(__resource)] __event: &u8) -> Result<u8, rewarm::Error> {
        Ok(__output + *__event)
    }

    pub async fn uses() -> usize {
        a(String::new(), 1).await
            + b(String::new(), 1, 1, "").await
            + usize::from(c(1, 1, 1, 1, 1, 1) + e(1, 1))
            + d(1, 1, 1, 1, 1, "").await
    }
}

/// Items with the names of our items, which the user's functions and types refer to.
mod items {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
    pub struct __Body(u8);
    #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
    pub struct __Value(u8);
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub struct __Error(u8);
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub struct __Key(u8);
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub struct __Part0(u8);
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    pub struct __Storage(u8);
    #[derive(Clone)]
    pub struct __Kept(u8);
    pub mod __rewarm {
        #[derive(Clone)]
        pub struct Needs(pub u8);
    }
    const __STORAGE: u8 = 1;
    const __ENTRY: u8 = 1;

    fn __fetch() -> __Body {
        __Body(__STORAGE + __ENTRY)
    }

    #[cached(ttl = "5m")]
    async fn made(key: __Key, part: &__Part0, #[skip] storage: __Storage) -> Result<__Value, __Error> {
        let __Body(body) = __fetch();
        match body {
            0 => Err(__Error(key.0)),
            _ => Ok(__Value(key.0 + part.0 + storage.0)),
        }
    }

    #[cached(ttl = "5m")]
    async fn plain() -> __Body {
        __fetch()
    }

    #[init]
    async fn kept() -> __Kept {
        __Kept(__fetch().0)
    }

    #[init(check = __check, close = __value)]
    async fn needs(kept: &__Kept) -> Result<__rewarm::Needs, rewarm::Error> {
        Ok(__rewarm::Needs(kept.0))
    }

    async fn __check(needs: &__rewarm::Needs) -> Result<(), rewarm::Error> {
        if needs.0 == 0 { Err(rewarm::Error::msg("none")) } else { Ok(()) }
    }

    async fn __value(_: &__rewarm::Needs) {}

    #[init]
    static __Entry: __Kept = __Kept(__fetch().0);

    #[init]
    static __LATE: __Kept = __Kept(async { __fetch().0 }.await);

    #[handler]
    async fn __Output(event: __Body, #[from(needs)] __Needs: &__rewarm::Needs) -> __Value {
        __Value(event.0 + __Needs.0)
    }

    pub async fn uses() -> u8 {
        let made = made(__Key(1), &__Part0(1), __Storage(1)).await;
        let kept = kept::get().is_some() || needs::get().is_some() || __LATE::get().is_some();
        made.map_or(0, |made| made.0) + plain().await.0 + u8::from(kept) + __Entry.0
            + u8::from(__Output(__Body(1), &__rewarm::Needs(1)).await == __Value(1))
    }
}

/// Functions with the names of our functions.
mod functions {
    use super::*;

    #[cached(ttl = "5m")]
    async fn key(key: u8) -> u8 {
        key
    }

    #[cached(ttl = "5m")]
    async fn held(#[from] value: &u8) -> u8 {
        *value
    }

    #[cached(ttl = "5m")]
    async fn __fetch(__fetch: u8) -> u8 {
        __fetch
    }

    #[cached(ttl = "5m")]
    async fn __query(#[skip] __query: &str, stats: u8) -> u8 {
        __query.len() as u8 + stats
    }

    #[cached(ttl = "5m")]
    fn __storage(refresh: u8) -> u8 {
        refresh
    }

    #[cached(ttl = "5m")]
    fn refresh() -> u8 {
        stats()
    }

    #[cached(ttl = "5m")]
    fn stats() -> u8 {
        1
    }

    #[init]
    fn value() -> u8 {
        1
    }

    #[init]
    async fn __built(value: &u8) -> u8 {
        *value
    }

    #[init]
    async fn rewarm(#[from(__built)] core: &u8) -> u8 {
        *core
    }

    #[init]
    fn __rewarm() -> u8 {
        1
    }

    #[handler]
    async fn service(run: u8, rewarm: &u8, __rewarm: &u8) -> u8 {
        run + *rewarm + *__rewarm
    }

    #[handler]
    async fn run(container: u8, value: &u8) -> u8 {
        container + *value
    }

    pub async fn uses() -> u8 {
        key(1).await + held().await + __fetch(1).await + __query("", 1).await + __storage(1)
            + refresh()
            + service(1, &1, &1).await
            + run(1, &1).await
    }
}

/// Statics and constants, which no parameter and no local variable can shadow.
mod statics {
    use super::*;

    #[init]
    static key: u8 = 1;
    #[init]
    static held: u8 = 1;
    #[init]
    static value: u8 = 1;
    #[init]
    static error: u8 = 1;
    #[init]
    static event: u8 = async { 1 }.await;
    static context: u8 = 1;
    const output: u8 = 1;
    const later: u8 = 1;

    #[cached(ttl = "5m")]
    async fn sum(n: u8, #[skip] text: &str, #[from(held)] one: &u8) -> Result<u8, rewarm::Error> {
        Ok(n + text.len() as u8 + *one + *value + *error + *key + context + output + later)
    }

    #[init(check = check)]
    async fn total(#[from(event)] one: &u8) -> Result<u8, rewarm::Error> {
        Ok(*one + sum(1, "").await?)
    }

    async fn check(n: &u8) -> Result<(), rewarm::Error> {
        if *n == 0 { Err(rewarm::Error::msg("none")) } else { Ok(()) }
    }

    #[handler]
    async fn answer(n: u8, c: rewarm::Context, total: &u8) -> u8 {
        n + *total + c.request_id.len() as u8
    }

    pub async fn uses() -> u8 {
        answer(1, rewarm::Context::default(), &1).await
    }
}

fn main() {
    drop(async {
        (parameters::uses().await, items::uses().await, functions::uses().await, statics::uses().await)
    });
}
