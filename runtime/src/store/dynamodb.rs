//! A store in DynamoDB.
//!
//! A key is an item with the entry, the lease, and their ends. Each operation is one request with a
//! condition, which DynamoDB checks and applies atomically; that is all it takes to drop the future
//! of an operation at any point. Reads are consistent, so that no caller sees an entry that was
//! removed before.
//!
//! DynamoDB has no clock for conditions: ends are by the wall clocks of the containers. The lease of
//! a container whose clock is far ahead counts as ended; a clock that is behind ends leases late by
//! as much. DynamoDB deletes items hours after their end, so that the ends are also compared here.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures_util::future::try_join_all;

use super::{BoxFuture, Entry, Lease, Store, StoreError, StoreErrorKind, Token, ms};
use crate::base::clock::CLOCK;
use crate::error::chain;

/// DynamoDB's limit of an item.
const MAX_BYTES: usize = 400 << 10;
/// The size of an item beside its key, its entry, and the names of the attributes that users name.
const OVERHEAD: usize = 200;
/// A lease that began later than this from now is of a clock that is ahead.
const SKEW_MS: u64 = 5_000;
/// The time for which the item of a lease that has ended is there.
const LINGER_MS: u64 = 3_600_000;
/// The last time, in the year 2286.
const LAST_MS: u64 = 9_999_999_999_000;

const NAMES: [(&str, &str); 6] = [
    ("#entry", "entry"),
    ("#fetched", "fetched"),
    ("#ends", "entry_end"),
    ("#token", "lease"),
    ("#lease_start", "lease_start"),
    ("#lease_end", "lease_end"),
];

/// A store in a table of DynamoDB. A clone is another handle.
///
/// The table has a partition key of type string and no sort key. Let DynamoDB delete what has ended:
/// its *time to live* on the attribute `expires`. The function's role needs `dynamodb:GetItem`,
/// `UpdateItem` and `DeleteItem`, and `Scan` for `remove_all`, which reads the whole table.
///
/// An entry of more than 400 kB is not stored ([`TooLarge`](StoreErrorKind::TooLarge)). Credentials,
/// retries and time limits are those of the client.
///
/// ```
/// use rewarm::init;
/// use rewarm::store::DynamoDb;
///
/// # async fn load_config() -> aws_sdk_dynamodb::Config { aws_sdk_dynamodb::Config::builder().build() }
/// #[init]
/// async fn shared() -> DynamoDb {
///     let client = aws_sdk_dynamodb::Client::from_conf(load_config().await);
///     DynamoDb::new(client, "shop-cache").partition_key("id").ttl_attribute("expires_at")
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct DynamoDb {
    client: Client,
    table: Arc<str>,
    partition_key: Arc<str>,
    ttl_attribute: Arc<str>,
    namespace: Option<Arc<str>>,
}

impl DynamoDb {
    /// Creates a store in a table. Nothing is sent until the first operation.
    pub fn new(client: Client, table: impl Into<Arc<str>>) -> Self {
        Self {
            client,
            table: table.into(),
            partition_key: "key".into(),
            ttl_attribute: "expires".into(),
            namespace: None,
        }
    }

    /// Sets the name of the table's partition key. The default is `key`.
    #[must_use]
    pub fn partition_key(mut self, name: impl Into<Arc<str>>) -> Self {
        self.partition_key = name.into();
        self
    }

    /// Sets the name of the attribute with the time, in seconds since 1970, at which DynamoDB may
    /// delete an item. The default is `expires`.
    #[must_use]
    pub fn ttl_attribute(mut self, name: impl Into<Arc<str>>) -> Self {
        self.ttl_attribute = name.into();
        self
    }

    /// Sets the first part of all keys. The default is the name of the package.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Returns an update of an item, with the names that its expressions contain: DynamoDB refuses
    /// others.
    fn update(&self, key: &str, update: &str, condition: &str) -> UpdateItemFluentBuilder {
        let mut builder = self
            .client
            .update_item()
            .table_name(&*self.table)
            .key(&*self.partition_key, text(key))
            .update_expression(update)
            .condition_expression(condition);
        for (placeholder, name) in NAMES.into_iter().chain([("#ttl", &*self.ttl_attribute)]) {
            if update.contains(placeholder) || condition.contains(placeholder) {
                builder = builder.expression_attribute_names(placeholder, name);
            }
        }
        builder
    }

    fn error<E>(&self, error: &SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (kind, text) = match error {
            SdkError::TimeoutError(_) => {
                (StoreErrorKind::Timeout, "the time limit of the client has passed".to_owned())
            }
            SdkError::DispatchFailure(failure) => {
                let is_timeout = failure.is_timeout();
                let kind =
                    if is_timeout { StoreErrorKind::Timeout } else { StoreErrorKind::Unavailable };
                let text = failure.as_connector_error().map(|error| chain(error));
                (kind, text.unwrap_or_else(|| "the request could not be sent".to_owned()))
            }
            SdkError::ServiceError(service) => {
                let status = service.raw().status();
                let code = error.code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
                let text = error.message().unwrap_or_default();
                let kind = if status.is_server_error() {
                    StoreErrorKind::Unavailable
                } else {
                    kind_of(&code, text)
                };
                (kind, format!("{code} {text}"))
            }
            SdkError::ConstructionFailure(_) => {
                (StoreErrorKind::Other, "the request could not be built".to_owned())
            }
            _ => (StoreErrorKind::Unavailable, "the response is not that of DynamoDB".to_owned()),
        };
        StoreError::new(kind, format!("the DynamoDB table {}", self.table), text)
    }
}

impl Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb")
            .field("table", &self.table)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

fn kind_of(code: &str, text: &str) -> StoreErrorKind {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded" => StoreErrorKind::Unavailable,
        "ValidationException" if text.to_ascii_lowercase().contains("item size") => {
            StoreErrorKind::TooLarge
        }
        _ => StoreErrorKind::Other,
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Returns the value of the TTL attribute for an end.
fn ttl(end_ms: u64) -> AttributeValue {
    number(end_ms.div_ceil(1000))
}

fn after(now: u64, duration: Duration) -> u64 {
    now.saturating_add(ms(duration)).min(LAST_MS)
}

/// Returns the entry of an item, unless it has ended.
fn entry_of(item: &HashMap<String, AttributeValue>, now: u64) -> Option<Entry> {
    let end = item.get("entry_end")?.as_n().ok()?.parse::<u64>().ok()?;
    let text = item.get("entry")?.as_s().ok()?;
    if now < end { Entry::decode(text.clone().into_bytes()).ok() } else { None }
}

/// True if the condition of an update did not hold.
fn is_refused(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

impl Store for DynamoDb {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            let request = self
                .client
                .get_item()
                .table_name(&*self.table)
                .key(&*self.partition_key, text(key))
                .consistent_read(true);
            let response = request.send().await.map_err(|error| self.error(&error))?;
            Ok(response.item().and_then(|item| entry_of(item, CLOCK.wall_ms())))
        })
    }

    fn lease<'a>(
        &'a self,
        key: &'a str,
        seen: Option<u64>,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Lease, StoreError>> {
        Box::pin(async move {
            let token = Token::random();
            let free =
                "(attribute_not_exists(#token) OR #lease_end <= :now OR #lease_start > :ahead)";
            let unless_ended = "(attribute_not_exists(#entry) OR #ends <= :now)";
            let unless_seen = "(attribute_not_exists(#entry) OR #ends <= :now OR #fetched = :seen)";
            let mut is_entry_valid = true;
            loop {
                let now = CLOCK.wall_ms();
                let end = after(now, duration);
                let condition = match seen {
                    _ if !is_entry_valid => free.to_owned(),
                    Some(_) => format!("{free} AND {unless_seen}"),
                    None => format!("{free} AND {unless_ended}"),
                };
                // The item must outlive its entry.
                let ttl_expression =
                    if seen.is_some() { "if_not_exists(#ttl, :ttl)" } else { ":ttl" };
                let update = format!(
                    "SET #token = :token, #lease_start = :now, #lease_end = :end, \
                     #ttl = {ttl_expression}"
                );
                let mut request = self
                    .update(key, &update, &condition)
                    .expression_attribute_values(":token", text(token.as_str()))
                    .expression_attribute_values(":now", number(now))
                    .expression_attribute_values(":end", number(end))
                    .expression_attribute_values(":ahead", number(now + SKEW_MS))
                    .expression_attribute_values(":ttl", ttl(end.saturating_add(LINGER_MS)))
                    .return_values_on_condition_check_failure(
                        ReturnValuesOnConditionCheckFailure::AllOld,
                    );
                if let Some(seen) = seen.filter(|_| is_entry_valid) {
                    request = request.expression_attribute_values(":seen", number(seen));
                }
                let error = match request.send().await {
                    Ok(_) => return Ok(Lease::Granted(token)),
                    Err(error) => error,
                };
                let Some(UpdateItemError::ConditionalCheckFailedException(refused)) =
                    error.as_service_error()
                else {
                    return Err(self.error(&error));
                };
                let Some(item) = refused.item() else { return Ok(Lease::Taken) };
                if let Some(entry) = entry_of(item, now)
                    && seen != Some(entry.fetched_ms())
                {
                    return Ok(Lease::Newer(entry));
                }
                let is_held = item.get("lease").is_some_and(|held| {
                    let time = |name| item.get(name)?.as_n().ok()?.parse::<u64>().ok();
                    let (start, end) = (time("lease_start"), time("lease_end"));
                    held.is_s()
                        && start.is_some_and(|start| start <= now + SKEW_MS)
                        && end.is_some_and(|end| now < end)
                });
                if is_held || !is_entry_valid {
                    return Ok(Lease::Taken);
                }
                // The text of this key is no valid entry.
                is_entry_valid = false;
            }
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
        entry: Entry,
        keep: Duration,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let name = || format!("the DynamoDB table {}", self.table);
            let bytes = entry.as_bytes().len()
                + key.len()
                + self.partition_key.len()
                + self.ttl_attribute.len()
                + OVERHEAD;
            if bytes > MAX_BYTES {
                let message = format!("{bytes} bytes, and the limit is {MAX_BYTES}");
                return Err(StoreError::new(StoreErrorKind::TooLarge, name(), message));
            }
            let Ok(entry_text) = std::str::from_utf8(entry.as_bytes()) else {
                let message = "the value is not JSON: it is not UTF-8";
                return Err(StoreError::new(StoreErrorKind::Other, name(), message));
            };
            let end = after(CLOCK.wall_ms(), keep);
            let update = "SET #entry = :entry, #fetched = :fetched, #ends = :end, #ttl = :ttl \
                          REMOVE #token, #lease_start, #lease_end";
            let request = self
                .update(key, update, "#token = :token")
                .expression_attribute_values(":token", text(token.as_str()))
                .expression_attribute_values(":entry", text(entry_text))
                .expression_attribute_values(":fetched", number(entry.fetched_ms()))
                .expression_attribute_values(":end", number(end))
                .expression_attribute_values(":ttl", ttl(end));
            match request.send().await {
                Ok(_) => Ok(true),
                Err(error) if is_refused(&error) => Ok(false),
                Err(error) => Err(self.error(&error)),
            }
        })
    }

    fn release<'a>(
        &'a self,
        key: &'a str,
        token: &'a Token,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let request = self
                .update(key, "REMOVE #token, #lease_start, #lease_end", "#token = :token")
                .expression_attribute_values(":token", text(token.as_str()));
            match request.send().await {
                Ok(_) => Ok(()),
                Err(error) if is_refused(&error) => Ok(()),
                Err(error) => Err(self.error(&error)),
            }
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let request = self
                .client
                .delete_item()
                .table_name(&*self.table)
                .key(&*self.partition_key, text(key));
            request.send().await.map_err(|error| self.error(&error))?;
            Ok(())
        })
    }

    fn remove_all<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut scan = self
                .client
                .scan()
                .table_name(&*self.table)
                .consistent_read(true)
                .projection_expression("#key")
                .expression_attribute_names("#key", &*self.partition_key);
            // DynamoDB refuses an empty text here.
            if !prefix.is_empty() {
                scan = scan
                    .filter_expression("begins_with(#key, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix));
            }
            let mut start = None;
            loop {
                let page = scan.clone().set_exclusive_start_key(start).send().await;
                let page = page.map_err(|error| self.error(&error))?;
                let keys = page.items().iter().filter_map(|item| {
                    let key = item.get(&*self.partition_key)?;
                    key.as_s().ok().map(String::as_str)
                });
                let keys: Vec<_> = keys.collect();
                for some in keys.chunks(25) {
                    try_join_all(some.iter().map(|key| self.remove(key))).await?;
                }
                match page.last_evaluated_key {
                    Some(key) if !key.is_empty() => start = Some(key),
                    _ => return Ok(()),
                }
            }
        })
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}
