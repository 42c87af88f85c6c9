//! The two public error types, and how any error becomes one line of text.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

/// What `?` and `.into()` make of a user's error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error for those who have no error type of their own.
///
/// Any [`std::error::Error`] becomes one by `?`, a message by [`Error::msg`]. It is shared behind
/// an [`Arc`], so that everyone who waits for the same fetch can have it. It prints its whole
/// source chain. Like `anyhow::Error` it is not itself a `std::error::Error`; it converts into
/// `Box<dyn std::error::Error + Send + Sync>`.
///
/// ```
/// fn port(text: &str) -> Result<u16, rewarm::Error> {
///     let port = text.parse()?;
///     if port == 0 {
///         return Err(rewarm::Error::msg("port 0 cannot be connected to"));
///     }
///     Ok(port)
/// }
/// assert_eq!(port("0").unwrap_err().to_string(), "port 0 cannot be connected to");
/// assert_eq!(port("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
#[derive(Clone)]
pub struct Error(Arc<dyn StdError + Send + Sync>);

impl Error {
    /// An error that is only a message.
    pub fn msg(message: impl Display) -> Self {
        Self(Arc::new(Message(message.to_string())))
    }

    /// The error itself and what caused it, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: &(dyn StdError + 'static) = &*self.0;
        std::iter::successors(Some(first), |error| (*error).source())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Shared(error.0))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Shared(error.0))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(&*self.0))
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Why a resource cannot be had: its name, and the error as its source.
///
/// Everyone who waited for the same attempt gets the same error.
///
/// ```
/// # use rewarm::init;
/// #[init(lazy)]
/// async fn pool() -> Result<u8, std::num::ParseIntError> {
///     "many".parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let error = pool().await.unwrap_err();
/// assert_eq!(error.resource(), "pool");
/// assert_eq!(rewarm::Error::from(error).to_string(),
///     "resource `pool` is unavailable: invalid digit found in string");
/// # }
/// ```
#[derive(Clone)]
pub struct ResourceError {
    resource: &'static str,
    error_type: Option<&'static str>,
    recoverable: bool,
    source: Arc<dyn StdError + Send + Sync>,
}

impl ResourceError {
    /// An error of a resource, which may be had later if it says so, or if that is so of what it needs.
    pub(crate) fn new(resource: &'static str, source: BoxError, recoverable: bool) -> Self {
        let (error_type, source) = match source.downcast::<Named>() {
            Ok(named) => (Some(named.error_type), named.source),
            Err(source) => (None, source),
        };
        let needed = source.downcast_ref::<Self>();
        let recoverable = recoverable || needed.is_some_and(|error| error.recoverable);
        Self { resource, error_type, recoverable, source: Arc::from(source) }
    }

    /// The short name of the error type that the initialiser returned.
    pub(crate) fn error_type(&self) -> Option<&'static str> {
        self.error_type
    }

    /// Whether a later use may succeed, so that INIT goes on without it.
    pub(crate) fn is_recoverable(&self) -> bool {
        self.recoverable
    }

    /// The name of the resource, as it was declared.
    pub fn resource(&self) -> &'static str {
        self.resource
    }
}

impl Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resource `{}` is unavailable", self.resource)
    }
}

impl Debug for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self))
    }
}

impl StdError for ResourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// The error and all its sources in one line, `outer: middle: inner`.
///
/// A source whose text its parent already ends with (many error types print their source) is not
/// repeated.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !part.is_empty() && !text.ends_with(&part) {
            text = if text.is_empty() { part } else { format!("{text}: {part}") };
        }
        next = source.source();
    }
    text
}

/// All of them in one line, each with its sources.
pub(crate) fn listed(failures: &[ResourceError]) -> String {
    let all: Vec<String> = failures.iter().map(|failure| chain(failure)).collect();
    all.join("; ")
}

/// `MyError` for `shop::errors::MyError<'_, T>`: what Lambda shows as `errorType`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    // `Box<dyn Error>` is as good as what it holds, and says it best by what it is.
    if name.starts_with("alloc::boxed::Box<dyn") {
        return "Error";
    }
    let plain = name.split(['<', ' ']).next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain)
}

/// A user's error on its way to a [`ResourceError`], with the name of its type.
#[derive(Debug)]
struct Named {
    error_type: &'static str,
    source: BoxError,
}

/// A user's error, with the name of its type.
pub(crate) fn named<E: ?Sized>(source: BoxError) -> BoxError {
    Box::new(Named { error_type: short_type_name::<E>(), source })
}

impl Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.source, f)
    }
}

impl StdError for Named {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.source()
    }
}

#[derive(Debug)]
struct Message(String);

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Message {}

/// An [`Error`] that is a `std::error::Error`: the outermost error's text, the same sources.
struct Shared(Arc<dyn StdError + Send + Sync>);

impl Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_lose_path_and_generics() {
        struct Wrong<T>(std::marker::PhantomData<T>);
        assert_eq!(short_type_name::<std::io::Error>(), "Error");
        assert_eq!(short_type_name::<Wrong<Vec<String>>>(), "Wrong");
        assert_eq!(short_type_name::<String>(), "String");
        assert_eq!(short_type_name::<BoxError>(), "Error");
    }

    #[test]
    fn a_chain_is_printed_once() {
        let inner = Error::msg("refused");
        let boxed: BoxError = inner.into();
        let outer = ResourceError::new("db", boxed, false);
        let outermost = ResourceError::new("api", Box::new(outer), false);
        assert_eq!(
            chain(&outermost),
            "resource `api` is unavailable: resource `db` is unavailable: refused"
        );
        assert_eq!(Error::from(outermost).chain().count(), 3);
    }

    #[test]
    fn a_source_that_its_parent_prints_is_not_repeated() {
        #[derive(Debug)]
        struct Talkative(Message);
        impl Display for Talkative {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "cannot connect: {}", self.0)
            }
        }
        impl StdError for Talkative {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        assert_eq!(chain(&Talkative(Message("refused".into()))), "cannot connect: refused");
    }
}
