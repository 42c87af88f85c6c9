//! Types as users write them: elided lifetimes, functions, trait objects, parentheses, what a macro
//! was given.
#![deny(warnings)]

use std::sync::Arc;

use rewarm::{Context, Error, LambdaEvent, cached, handler, init};

// In the type of a static, an elided lifetime is `'static`.
#[init]
static TEXT: &str = "a";

#[init]
static TEXTS: Vec<Option<(&str, &[u8])>> = Vec::new();

#[init]
static LATER: &[&str] = async { &["a"] as &[&str] }.await;

// What a function is called with is not borrowed by it.
#[init]
static TRIM: fn(&str) -> &str = str::trim;

#[init]
async fn boxed() -> Box<dyn Fn(&str) -> String + Send + Sync> {
    Box::new(str::to_owned)
}

#[init]
fn pointer() -> fn(&str) -> &str {
    str::trim
}

#[init]
fn shared() -> Result<Arc<dyn for<'a> Fn(&'a str) -> bool + Send + Sync>, Error> {
    Ok(Arc::new(str::is_empty))
}

// A trait object is lent by whatever points to it.
trait Repo: Send + Sync {
    fn count(&self) -> usize;
}

impl Repo for usize {
    fn count(&self) -> usize {
        *self
    }
}

#[init]
async fn repo() -> Arc<dyn Repo> {
    Arc::new(1)
}

#[init]
static REPO: Box<dyn Repo> = Box::new(1);

#[cached(ttl = "5m")]
async fn current() -> Arc<dyn Repo> {
    Arc::new(1)
}

#[init]
fn plain() -> usize {
    1
}

#[init]
async fn of_repos(
    repo: &dyn Repo,
    #[from(REPO)] boxed: &(dyn Repo + 'static),
    current: &dyn Repo,
    plain: &dyn Repo,
    #[from(repo)] whole: &Arc<dyn Repo>,
) -> usize {
    repo.count() + boxed.count() + current.count() + plain.count() + whole.count()
}

// Lifetimes that are written out.
#[init]
async fn written_out<'a>(plain: &'a usize, repo: &'a (dyn Repo + 'a)) -> usize {
    *plain + repo.count()
}

#[handler]
async fn written_out_too<'a>(_event: u8, plain: &'a usize) -> usize {
    *plain
}

// The event need not be `Clone`.
#[derive(serde::Deserialize)]
pub struct Order(String);

#[handler]
async fn whole(event: LambdaEvent<Order>, context: Context, #[from(TEXT)] text: &'static str) -> String {
    event.payload.0 + &event.context.request_id + &context.request_id + text
}

macro_rules! made {
    ($init:ident $cached:ident $handler:ident $answer:ty, $key:ty, $event:ty, $context:ty, $resource:ty) => {
        #[init]
        async fn $init(plain: $resource) -> $answer {
            Ok(*plain)
        }

        #[cached(ttl = "5m")]
        async fn $cached(key: $key, #[from] plain: $resource) -> $answer {
            Ok(key.len() + *plain)
        }

        #[handler]
        async fn $handler(event: $event, context: $context, plain: $resource, $init: usize) -> $answer {
            Ok(event.payload.0.len() + context.request_id.len() + *plain + $init)
        }
    };
}

made!(made made_of made_answer Result<usize, Error>, &str, LambdaEvent<Order>, Context, &usize);

#[init]
#[allow(unused_parens)]
async fn in_parentheses() -> (Result<usize, Error>) {
    Ok(1)
}

fn main() {
    let _ = (&TEXTS, &LATER, &TRIM, async { *in_parentheses().await.unwrap() + 1 });
}
