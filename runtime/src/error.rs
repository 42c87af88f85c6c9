//! The public error types, and the formatting of an error with its sources as one line.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display, Write as _};
use std::sync::Arc;

use crate::base::panic::{Panic, catch};

/// A boxed error of any type.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error of any type, for functions without an error type of their own.
///
/// `?` converts every [`std::error::Error`] into it, and [`Error::msg`] makes one from a message.
///
/// - `Display` and `Debug` print the error and its sources in one line, `outer: middle: inner`.
/// - `Clone` shares the error behind an [`Arc`]: all callers that wait for one fetch get the error
///   of that fetch.
/// - Like `anyhow::Error`, it does not implement `std::error::Error`. It converts into
///   `Box<dyn std::error::Error + Send + Sync>`.
/// - Lambda shows it with the error type `Error`. Use an error type of your own for metrics and
///   alarms that distinguish errors by type.
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
    /// Creates an error from a message.
    ///
    /// ```
    /// let error = rewarm::Error::msg(format_args!("order {} is closed", 7));
    /// assert_eq!(error.to_string(), "order 7 is closed");
    /// ```
    pub fn msg(message: impl Display) -> Self {
        Self(Arc::new(Message(message.to_string())))
    }

    /// Returns an iterator over the error and its sources, from the outermost to the root cause.
    ///
    /// ```
    /// # fn connect() -> Result<(), rewarm::Error> { Err(std::io::Error::other("refused"))? }
    /// let error = connect().unwrap_err();
    /// assert!(error.chain().any(|cause| cause.is::<std::io::Error>()));
    /// ```
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
        Box::new(AsStdError(error.0))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(AsStdError(error.0))
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

/// The error of a resource that could not be built.
///
/// [`resource`](Self::resource) is the name of the resource, and
/// [`source`](StdError::source) is the error of its initialiser: the error that the initialiser
/// returned, its panic, or its timeout. All callers that waited for the same attempt get the same
/// error. `Display` prints the name alone, `Debug` the sources, too.
///
/// In a handler, a resource that is unavailable ends the invocation with the error type
/// `ResourceUnavailable`.
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
    not_ready: bool,
    source: Arc<dyn StdError + Send + Sync>,
}

impl ResourceError {
    /// Creates the error of a resource. It is also recoverable, or [not
    /// ready](Self::is_not_ready), if its source is such an error of another resource.
    pub(crate) fn new(resource: &'static str, source: BoxError, recoverable: bool) -> Self {
        let (error_type, source) = match source.downcast::<Named>() {
            Ok(named) => (Some(named.error_type), named.source),
            Err(source) => (None, source),
        };
        let dependency = source.downcast_ref::<Self>();
        let recoverable = recoverable || dependency.is_some_and(|error| error.recoverable);
        let not_ready = dependency.is_some_and(|error| error.not_ready);
        Self { resource, error_type, recoverable, not_ready, source: Arc::from(source) }
    }

    /// Creates the error of a resource that a caller cannot wait for, since the caller does not
    /// await.
    pub(crate) fn not_ready(resource: &'static str) -> Self {
        let source = Message(format!(
            "it is not ready, and only a caller that awaits can wait for it; take it as a \
             parameter, or await `{resource}` before"
        ));
        let source = Arc::new(source);
        Self { resource, error_type: None, recoverable: false, not_ready: true, source }
    }

    /// True if a caller that awaits could wait for the resource, or for one that it is built from.
    pub(crate) fn is_not_ready(&self) -> bool {
        self.not_ready
    }

    /// Returns the short name of the initialiser's error type, if it returned an error.
    pub(crate) fn error_type(&self) -> Option<&'static str> {
        self.error_type
    }

    /// True if a later attempt may succeed. INIT continues without such a resource.
    pub(crate) fn is_recoverable(&self) -> bool {
        self.recoverable
    }

    /// Returns the name of the resource, as declared.
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

/// Formats an error and its sources as one line, `outer: middle: inner`.
///
/// Many error types print their source. A source is left out if the text before it ends with it. An
/// error whose `Display` fails or panics has a text that says so: what reports an error must not
/// fail because of it.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = display(error);
    let mut next = source_of(error);
    while let Some(source) = next {
        let part = display(source);
        if !part.is_empty() && !text.ends_with(&part) {
            text = if text.is_empty() { part } else { format!("{text}: {part}") };
        }
        next = source_of(source);
    }
    text
}

fn display(error: &(dyn StdError + 'static)) -> String {
    let write = || {
        let mut text = String::new();
        match write!(text, "{error}") {
            Ok(()) => text,
            Err(_) => text + "an error that cannot be displayed",
        }
    };
    catch(write).unwrap_or_else(|panic| format!("an error that cannot be displayed: {panic}"))
}

fn source_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    catch(|| error.source()).ok().flatten()
}

impl Panic {
    /// Returns the error of a resource with which
    /// [`unavailable`](crate::invocation::context::unavailable) left a function.
    pub(crate) fn resource_error(&self) -> Option<&ResourceError> {
        self.payload().downcast_ref()
    }

    /// Makes an error of the panic.
    pub(crate) fn into_error(self) -> BoxError {
        match self.resource_error() {
            Some(error) => Box::new(error.clone()),
            None => Error::msg(format_args!("panicked: {self}")).into(),
        }
    }
}

/// Formats errors as one line, each with its sources.
pub(crate) fn listed(failures: &[ResourceError]) -> String {
    let all: Vec<String> = failures.iter().map(|failure| chain(failure)).collect();
    all.join("; ")
}

/// Leaves out the failures that are the cause of another one, whose text ends with theirs.
pub(crate) fn without_causes(failures: Vec<ResourceError>) -> Vec<ResourceError> {
    let texts: Vec<String> = failures.iter().map(|failure| chain(failure)).collect();
    let is_cause = |cause: &String| {
        texts.iter().any(|text| text.strip_suffix(cause.as_str()).is_some_and(|it| !it.is_empty()))
    };
    let kept = failures.into_iter().zip(&texts).filter(|(_, text)| !is_cause(text));
    kept.map(|(failure, _)| failure).collect()
}

/// Returns the name of a type without its path and generics, such as `MyError` for
/// `shop::errors::MyError<'_, T>`. Lambda shows it as `errorType`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    // The type of the boxed error is not known, and `Box` would be no useful name.
    if name.starts_with("alloc::boxed::Box<dyn") {
        return "Error";
    }
    let path = name.split(['<', ' ']).next().unwrap_or(name);
    path.rsplit("::").next().unwrap_or(path)
}

/// A user's error with the name of its type, which a [`ResourceError`] takes apart again.
#[derive(Debug)]
struct Named {
    error_type: &'static str,
    source: BoxError,
}

/// Adds the name of its type to a user's error.
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

/// An error that is only a message.
#[derive(Debug)]
struct Message(String);

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Message {}

/// An [`Error`] as a `std::error::Error`. It prints the outermost error alone, since callers print
/// its sources.
struct AsStdError(Arc<dyn StdError + Send + Sync>);

impl Display for AsStdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

impl Debug for AsStdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl StdError for AsStdError {
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
    fn a_failure_that_causes_another_is_left_out() {
        let of = |resource, source: BoxError| ResourceError::new(resource, source, false);
        let port = of("port", Error::msg("not a number").into());
        let address = of("address", Box::new(port.clone()));
        let url = of("url", Box::new(address.clone()));
        let (left, right) =
            (of("left", Box::new(port.clone())), of("right", Error::msg("x").into()));
        let kept = without_causes(vec![address, left, port, right, url]);
        let kept: Vec<_> = kept.iter().map(ResourceError::resource).collect();
        assert_eq!(kept, ["left", "right", "url"]);
    }

    #[test]
    fn an_error_that_cannot_be_displayed_has_a_text() {
        #[derive(Debug)]
        struct Mute;
        impl Display for Mute {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half of it, ")?;
                Err(fmt::Error)
            }
        }
        impl StdError for Mute {}
        assert_eq!(chain(&Mute), "half of it, an error that cannot be displayed");
    }

    #[test]
    fn a_source_that_its_parent_prints_is_not_repeated() {
        #[derive(Debug)]
        struct PrintsItsSource(Message);
        impl Display for PrintsItsSource {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "cannot connect: {}", self.0)
            }
        }
        impl StdError for PrintsItsSource {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = PrintsItsSource(Message("refused".into()));
        assert_eq!(chain(&error), "cannot connect: refused");
    }
}
