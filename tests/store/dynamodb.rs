//! `DynamoDb` on moto.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region, retry::RetryConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use rewarm::store::{DynamoDb, Lease, Store, StoreErrorKind};
use rewarm::testing::store_conformance;
use rewarm_tests::services::Service;

use crate::{LONG, TIME, entry, granted, json, put};

fn client(port: u16) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

async fn create_table(client: &Client, name: &str, key: &str) {
    let attribute = AttributeDefinition::builder()
        .attribute_name(key)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .expect("an attribute");
    let schema = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build();
    let table = client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute)
        .key_schema(schema.expect("a schema"))
        .billing_mode(BillingMode::PayPerRequest);
    table.send().await.expect("a table");
}

/// The server, a client, and a store in a table of its own.
async fn start() -> Option<(Service, Client, DynamoDb)> {
    let server = Service::dynamodb()?;
    let client = client(server.port());
    create_table(&client, "shop", "key").await;
    let store = DynamoDb::new(client.clone(), "shop");
    Some((server, client, store))
}

async fn item(client: &Client, key: &str) -> HashMap<String, AttributeValue> {
    let key = AttributeValue::S(key.to_owned());
    let request = client.get_item().table_name("shop").key("key", key);
    request.send().await.expect("a response").item.unwrap_or_default()
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> u64 {
    item[name].as_n().expect("a number").parse().expect("a number")
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis() as u64
}

#[tokio::test]
async fn it_follows_the_rules() {
    let Some((_server, client, store)) = start().await else { return };
    store_conformance(&store).await;
    let left = client.scan().table_name("shop").send().await.expect("a scan");
    assert_eq!(left.count(), 0, "{:?}", left.items());
}

#[tokio::test]
async fn the_names_of_the_table_are_configurable() {
    let Some((_server, client, _)) = start().await else { return };
    create_table(&client, "other", "id").await;
    let store = DynamoDb::new(client.clone(), "other");
    let store = store.partition_key("id").ttl_attribute("expires_at").namespace("n");
    store_conformance(&store).await;
    assert_eq!(Store::namespace(&store), Some("n"));
    assert!(put(&store, "key", "1").await.unwrap());
    let id = AttributeValue::S("key".to_owned());
    let got = client.get_item().table_name("other").key("id", id).send().await.expect("an item");
    assert!(got.item().is_some_and(|item| item.contains_key("expires_at")), "{got:?}");
}

#[tokio::test]
async fn an_item_is_readable_and_has_its_time_to_live() {
    let Some((_server, client, store)) = start().await else { return };
    let token = granted(&store, "key").await;
    let leased = item(&client, "key").await;
    assert_eq!(leased["lease"].as_s().expect("a text"), token.as_str());
    let now = now_ms();
    assert!(number(&leased, "expires") > (now + 600_000) / 1000, "{leased:?}");
    assert!(store.put("key", &token, entry("540"), Duration::from_secs(3600)).await.unwrap());
    let stored = item(&client, "key").await;
    assert_eq!(
        stored["entry"].as_s().expect("a text"),
        "rewarm1 1790000000000 some 0000000003\n540"
    );
    assert_eq!(number(&stored, "fetched"), TIME);
    assert!(!stored.contains_key("lease"), "{stored:?}");
    let ttl = number(&stored, "expires");
    assert!((now / 1000 + 3590..=now / 1000 + 3610).contains(&ttl), "{ttl}");
    // A refresh does not shorten the time to live of the entry.
    let refresh = store.lease("key", Some(TIME), Duration::from_secs(1)).await.unwrap();
    assert!(matches!(refresh, Lease::Granted(_)));
    assert_eq!(number(&item(&client, "key").await, "expires"), ttl);
}

#[tokio::test]
async fn what_is_no_entry_is_a_miss_and_is_replaced() {
    let Some((_server, client, store)) = start().await else { return };
    for (attribute, value) in [
        ("entry", AttributeValue::S("OK".to_owned())),
        ("entry", AttributeValue::S("rewarm2 1790000000000 some 0000000003\n540".to_owned())),
        ("entry", AttributeValue::S("rewarm1 1790000000000 some 0000000003\n54".to_owned())),
        ("entry", AttributeValue::N("5".to_owned())),
    ] {
        for seen in [None, Some(TIME - 1), Some(TIME)] {
            store.remove("key").await.unwrap();
            assert!(put(&store, "key", "540").await.unwrap());
            let update = client
                .update_item()
                .table_name("shop")
                .key("key", AttributeValue::S("key".to_owned()))
                .update_expression("SET #name = :value")
                .expression_attribute_names("#name", attribute)
                .expression_attribute_values(":value", value.clone());
            update.send().await.expect("an update");
            assert_eq!(store.get("key").await.unwrap(), None);
            match store.lease("key", seen, LONG).await.unwrap() {
                Lease::Granted(token) => {
                    let other = store.lease("key", seen, LONG).await.unwrap();
                    assert!(matches!(other, Lease::Taken), "{other:?}");
                    assert!(store.put("key", &token, entry("1"), LONG).await.unwrap());
                }
                other => panic!("{attribute} {value:?} {seen:?}: {other:?}"),
            }
            assert_eq!(json(&store, "key").await.unwrap().as_deref(), Some("1"));
        }
    }
}

#[tokio::test]
async fn the_lease_of_a_clock_that_is_ahead_has_ended() {
    let Some((_server, client, store)) = start().await else { return };
    for (ahead, is_taken) in [(2_000, true), (3_600_000, false)] {
        let late = granted(&store, "key").await;
        let update = client
            .update_item()
            .table_name("shop")
            .key("key", AttributeValue::S("key".to_owned()))
            .update_expression("SET lease_start = :start, lease_end = :end")
            .expression_attribute_values(
                ":start",
                AttributeValue::N((now_ms() + ahead).to_string()),
            )
            .expression_attribute_values(
                ":end",
                AttributeValue::N((now_ms() + ahead + 600_000).to_string()),
            );
        update.send().await.expect("an update");
        let other = store.lease("key", None, LONG).await.unwrap();
        assert_eq!(matches!(other, Lease::Taken), is_taken, "{ahead} ms: {other:?}");
        let is_put = store.put("key", &late, entry("1"), LONG).await.unwrap();
        assert_eq!(is_put, is_taken);
        store.remove("key").await.unwrap();
    }
}

#[tokio::test]
async fn an_entry_over_400_kb_is_too_large() {
    let Some((_server, client, store)) = start().await else { return };
    let token = granted(&store, "key").await;
    let error = store.put("key", &token, entry(&"1".repeat(410_000)), LONG).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert!(!item(&client, "key").await.contains_key("entry"));
    // 400 kB are 409,600 bytes. moto takes fewer, and its error is that of DynamoDB.
    let error = store.put("key", &token, entry(&"1".repeat(409_000)), LONG).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert!(format!("{error:?}").contains("ValidationException"), "{error:?}");
    assert!(store.put("key", &token, entry(&"1".repeat(400_000)), LONG).await.unwrap());
}

#[tokio::test]
async fn a_service_that_is_down_or_has_no_table() {
    let Some((mut server, client, store)) = start().await else { return };
    let other = DynamoDb::new(client, "nowhere");
    for error in [
        other.get("sesame").await.unwrap_err(),
        put(&other, "sesame", "1").await.unwrap_err(),
        other.remove("sesame").await.unwrap_err(),
        other.remove_all("sesame").await.unwrap_err(),
    ] {
        let text = format!("{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Other, "{text}");
        assert!(
            text.starts_with("the DynamoDB table nowhere failed: ResourceNotFoundException "),
            "{text}"
        );
        assert!(!text.contains("sesame"), "{text}");
    }
    server.kill();
    let error = store.get("key").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    let text = format!("{error:?}");
    assert!(text.starts_with("the DynamoDB table shop is unavailable: "), "{text}");
    server.restart();
    create_table(&crate::dynamodb::client(server.port()), "shop", "key").await;
    assert!(put(&store, "key", "1").await.unwrap());
}
