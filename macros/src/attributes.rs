//! The attributes of this crate.

use proc_macro2::TokenStream;

use crate::cached::CACHED;
use crate::handler::HANDLER;
use crate::init::INIT;

/// `#[init]`.
pub(crate) fn init(args: TokenStream, item: TokenStream) -> TokenStream {
    INIT.run(args, item, all_options)
}

/// `#[cached]`.
pub(crate) fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    CACHED.run(args, item, all_options)
}

/// `#[handler]`.
pub(crate) fn handler(args: TokenStream, item: TokenStream) -> TokenStream {
    HANDLER.run(args, item, all_options)
}

fn all_options() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![("init", INIT.known()), ("cached", CACHED.known()), ("handler", HANDLER.known())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenTree;

    /// Editors complete in the tokens that an attribute returns, so a body must be returned as it
    /// was written, whatever is wrong with it or with the options.
    #[test]
    fn a_half_written_body_is_left_as_it_is() {
        let options = [
            "",
            "t",
            "ttl",
            "ttl =",
            "ttl = \"5",
            "ttl = \"5m\",",
            "ttl = \"5m\", max_",
            "allow(",
            ", ,",
            "= 5",
            "check = self::",
            "crate =",
            "timeout = \"3s\" lazy",
            "check = ck::<u8,",
            "retry-",
        ];
        let signatures = [
            "async fn db ( event : u8 , settings : & Settings )",
            "fn db ( )",
            "async fn db ( & self )",
            "async fn db < T > ( event : T ) -> impl Copy",
            "async fn db ( event : )",
            "fn db ( # [from] settings : & Settings ) -> u8",
            "async fn db ( event : u8 , # [from ()] settings : & mut u8 ) -> Self",
        ];
        let bodies =
            ["{ settings . }", "{ let pool = connect ( & settings . ; pool }", "{ db :: }"];
        for options in options {
            // rustc passes balanced tokens with complete literals only.
            let Ok(options) = options.parse::<TokenStream>() else {
                continue;
            };
            for (signature, body) in signatures.iter().flat_map(|s| bodies.map(|b| (s, b))) {
                let Ok(item) = format!("{signature} {body}").parse::<TokenStream>() else {
                    continue;
                };
                for run in [init, cached, handler] {
                    let written = run(options.clone(), item.clone()).to_string();
                    let body: String = body.split_whitespace().collect();
                    let written: String = written.split_whitespace().collect();
                    assert!(written.contains(&body), "{signature} lost its body: {written}");
                }
            }
        }
    }

    /// Attributes and items whose pieces are put together at random.
    const CORPUS: &[(&str, &str)] = &[
        (
            "lazy, timeout = \"3s\", retry_after = \"1m\"",
            "pub async fn db(settings: &Settings, #[from(a::b)] x: Arc<u8>) -> Result<Pool, E> { x?.y().await }",
        ),
        (
            "check = Pool::ping::<u8, u16>, idle = \"30s\", close = close, restore = check",
            "static S: Option<Box<dyn Fn(&str) -> u8 + Send>> = make()?.await;",
        ),
        (
            "ttl = \"5m\", max_entries = 500, jitter = \"5%\", negative_ttl = \"5s\"",
            "fn price<'a>(sku: &'a str, #[skip] t: &T, (a, b): (u8, u8)) -> io::Result<Option<[u8; 4]>> { static mut N: Mutex<u8> = 0; unsafe { N += 1 } }",
        ),
        (
            "namespace = \"Shop\", dimensions(function, stage = \"prod\"), warmup, http, streaming",
            "async fn main(event: LambdaEvent<Value>, context: Context, db: &Pool) -> impl IntoResponse { tokio::spawn(async move {}); println!(\"{}\", x.leak()) }",
        ),
        (
            "allow(leak, nothing), crate = ::other::path, report_every = -1",
            "#[init] #[must_use] impl X { fn f(self: Box<Self>, ..) -> ! { loop {} } }",
        ),
        (
            "ttl = \"5m\", crate = __rewarm, check = __::r#__value",
            "#[expect(__a, must_use_candidate, reason = \"\")] #[cfg_attr(a, b, cfg_attr(c, expect(d)))] async fn __key(__key: r#__Value, #[skip] ___: &'__a u8) -> __Error { __Body::r#__x() }",
        ),
        (
            "deadline_margin = \"0s\" report_every = 18446744073709551616;",
            "fn f(x: impl Fn(&u8), mut y: fn(&str) -> &str) where u8: Copy { select! { a = b => c, _ = d, if e => { std::process::exit(1) } } }",
        ),
    ];

    /// Removes, doubles and replaces some of the tokens, at every depth.
    fn shaken(
        tokens: TokenStream,
        random: &mut impl FnMut(u64) -> u64,
        pool: &[TokenTree],
    ) -> TokenStream {
        let mut out = TokenStream::new();
        for token in tokens {
            let token = match token {
                TokenTree::Group(group) => {
                    let inner = shaken(group.stream(), random, pool);
                    TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))
                }
                other => other,
            };
            match random(24) {
                0 => {}
                1 => out.extend([token.clone(), token]),
                2 => out.extend([pool[random(pool.len() as u64) as usize].clone()]),
                3 => out.extend([token, pool[random(pool.len() as u64) as usize].clone()]),
                _ => out.extend([token]),
            }
        }
        out
    }

    /// No input makes an attribute panic or return nothing. `REWARM_FUZZ` sets the number of tries.
    #[test]
    fn no_input_makes_an_attribute_panic() {
        let tries = std::env::var("REWARM_FUZZ").map_or(3_000, |n| n.parse().unwrap());
        let parse = |text: &str| text.parse::<TokenStream>().unwrap();
        let all =
            CORPUS.iter().flat_map(|(options, item)| parse(options).into_iter().chain(parse(item)));
        let pool: Vec<TokenTree> = all.collect();
        let mut state = 7_u64;
        let mut random = |bound: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % bound
        };
        for _ in 0..tries {
            let options = parse(CORPUS[random(CORPUS.len() as u64) as usize].0);
            let item = parse(CORPUS[random(CORPUS.len() as u64) as usize].1);
            let options = shaken(options, &mut random, &pool);
            let item = shaken(item, &mut random, &pool);
            for run in [init, cached, handler] {
                let shown = format!("#[…({options})] {item}");
                let written = std::panic::catch_unwind({
                    let (options, item) = (options.clone(), item.clone());
                    std::panic::AssertUnwindSafe(move || run(options, item))
                });
                assert!(written.is_ok_and(|written| !written.is_empty()), "{shown}");
            }
        }
    }
}
