//! The embedded metric format as CloudWatch reads it: the published rules for a log event, and the
//! metrics in it.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

const DAY: i64 = 24 * 3600 * 1000;

const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A log event with metrics for CloudWatch.
#[derive(Clone, Debug)]
pub struct EmfLine {
    /// All members of the root but `_aws`: metrics, dimensions and properties.
    pub members: BTreeMap<String, Value>,
    /// The metrics that CloudWatch takes from it.
    pub metrics: Vec<EmfMetric>,
}

/// One metric in one log event, under one set of dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct EmfMetric {
    /// The CloudWatch namespace.
    pub namespace: String,
    /// Names and values in their order.
    pub dimensions: Vec<(String, String)>,
    /// The metric's name.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its values.
    pub values: Vec<f64>,
}

/// All log events with metrics among these lines.
///
/// # Panics
/// If a line with `_aws` breaks a rule.
pub fn emf_lines(lines: &[String]) -> Vec<EmfLine> {
    let meant = lines.iter().filter(|line| line.contains("\"_aws\""));
    meant.map(|line| check(line).unwrap_or_else(|fault| panic!("{fault}\nin {line}"))).collect()
}

/// The sum of all values of each metric, as CloudWatch's statistic `Sum` over all dimensions.
pub fn emf_sums(lines: &[EmfLine]) -> BTreeMap<&str, f64> {
    let mut sums = BTreeMap::new();
    for metric in lines.iter().flat_map(|line| &line.metrics) {
        *sums.entry(metric.name.as_str()).or_insert(0.0) += metric.values.iter().sum::<f64>();
    }
    sums
}

/// A JSON object without duplicate members.
struct Object(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if let Some(twice) = members.insert(name, value) {
                        return Err(A::Error::custom(format!("a member twice, first as {twice}")));
                    }
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Metadata {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Definition {
    name: String,
    unit: Option<String>,
    storage_resolution: Option<u8>,
}

fn check(line: &str) -> Result<EmfLine, String> {
    rule(line.len() < 256 * 1024, "a log event is smaller than 256 KB")?;
    let Object(mut members) = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let metadata = members.remove("_aws").ok_or("`_aws` is on the root")?;
    let metadata: Metadata = serde_json::from_value(metadata).map_err(|error| error.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let age = now.as_millis() as i64 - metadata.timestamp;
    rule((-DAY / 12..=14 * DAY).contains(&age), "the time is at most 14 days old and 2 h ahead")?;
    let mut metrics = Vec::new();
    for directive in &metadata.cloud_watch_metrics {
        metrics.extend(take(directive, &members)?);
    }
    Ok(EmfLine { members, metrics })
}

fn take(
    directive: &Directive,
    members: &BTreeMap<String, Value>,
) -> Result<Vec<EmfMetric>, String> {
    let Directive { namespace, dimensions, metrics } = directive;
    let is_namespace = |c: char| c.is_ascii_alphanumeric() || "._#:/-".contains(c);
    let fits = (1..=255).contains(&namespace.len()) && !namespace.starts_with(':');
    rule(fits && namespace.chars().all(is_namespace), "namespace")?;
    rule(!dimensions.is_empty(), "there is a set of dimensions")?;
    rule(metrics.len() <= 100, "at most 100 metrics")?;
    let names: BTreeSet<_> = metrics.iter().map(|metric| &metric.name).collect();
    rule(names.len() == metrics.len(), "a metric is defined once")?;
    let mut taken = Vec::new();
    for set in dimensions {
        rule(set.len() <= 30, "at most 30 dimensions")?;
        let unique: BTreeSet<_> = set.iter().collect();
        rule(unique.len() == set.len(), "a dimension is in a set once")?;
        let dimensions: Vec<_> =
            set.iter().map(|name| dimension(name, members)).collect::<Result<_, _>>()?;
        for metric in metrics {
            taken.push(EmfMetric {
                namespace: namespace.clone(),
                dimensions: dimensions.clone(),
                name: metric.name.clone(),
                unit: unit(metric)?,
                values: values(metric, members)?,
            });
        }
    }
    Ok(taken)
}

fn dimension(name: &str, members: &BTreeMap<String, Value>) -> Result<(String, String), String> {
    rule(is_name(name) && !name.starts_with(':'), "dimension name")?;
    let value = members.get(name).and_then(Value::as_str);
    let value = value.ok_or_else(|| format!("the dimension {name} is a text on the root"))?;
    let plain = value.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    rule(plain && !value.trim().is_empty() && value.len() <= 1024, "dimension value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn unit(metric: &Definition) -> Result<String, String> {
    rule(is_name(&metric.name), "metric name")?;
    rule(matches!(metric.storage_resolution, None | Some(1 | 60)), "StorageResolution")?;
    let unit = metric.unit.as_deref().unwrap_or("None");
    rule(UNITS.contains(&unit), "unit")?;
    Ok(unit.to_owned())
}

fn values(metric: &Definition, members: &BTreeMap<String, Value>) -> Result<Vec<f64>, String> {
    let wrong = || format!("the metric {} is a number, or up to 100, on the root", metric.name);
    let values: Vec<f64> = match members.get(&metric.name) {
        Some(Value::Array(values)) if (1..=100).contains(&values.len()) => {
            values.iter().map(Value::as_f64).collect::<Option<_>>()
        }
        Some(value) => value.as_f64().map(|value| vec![value]),
        None => None,
    }
    .ok_or_else(wrong)?;
    let in_range = |value: &f64| value.is_finite() && value.abs() <= 2f64.powi(360);
    rule(values.iter().all(in_range), "metric value")?;
    Ok(values)
}

fn is_name(name: &str) -> bool {
    (1..=250).contains(&name.len()) && name.chars().all(|c| c.is_ascii() && !c.is_ascii_control())
}

fn rule(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("against the rule: {rule}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(metadata: &str, members: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let metadata = metadata.replace("NOW", &now.to_string());
        format!(r#"{{"_aws":{metadata},{members}}}"#)
    }

    const RIGHT: &str = r#"{"Timestamp":NOW,"CloudWatchMetrics":[{"Namespace":"A/b","Dimensions":
        [["f"],[]],"Metrics":[{"Name":"M","Unit":"Count"},{"Name":"N"}]}]}"#;

    #[test]
    fn metrics_are_taken_from_a_valid_line() {
        let line = check(&line(RIGHT, r#""f":"x","M":2,"N":[1,2.5]"#)).unwrap();
        assert_eq!(line.metrics.len(), 4);
        assert_eq!(line.metrics[0].dimensions, [("f".to_owned(), "x".to_owned())]);
        assert_eq!(emf_sums(&[line]), [("M", 4.0), ("N", 7.0)].into());
    }

    #[test]
    fn a_line_that_breaks_a_rule_is_found() {
        let members = r#""f":"x","M":2,"N":1"#;
        for (from, to) in [
            ("A/b", ":A"),
            ("A/b", "A b"),
            ("A/b", ""),
            ("[[\"f\"],[]]", "[]"),
            ("\"Count\"", "\"Counts\""),
            ("\"N\"}", "\"N\",\"StorageResolution\":2}"),
            ("\"N\"", "\"M\""),
            ("\"N\"", "\"O\""),
            ("[\"f\"]", "[\"f\",\"f\"]"),
            ("NOW", "1500000000000"),
            ("NOW", "\"now\""),
            ("NOW", "1.5"),
        ] {
            assert!(RIGHT.contains(from));
            let wrong = line(&RIGHT.replacen(from, to, 1), members);
            assert!(check(&wrong).is_err(), "{wrong}");
        }
        for members in [
            r#""f":"x","M":2"#,
            r#""f":1,"M":2,"N":1"#,
            r#""f":"","M":2,"N":1"#,
            r#""f":"é","M":2,"N":1"#,
            r#""f":"x","M":"2","N":1"#,
            r#""f":"x","M":[],"N":1"#,
            r#""f":"x","M":1e300,"N":1"#,
            r#""f":"x","M":2,"N":1,"M":3"#,
        ] {
            assert!(check(&line(RIGHT, members)).is_err(), "{members}");
        }
        assert!(check(&format!("text {}", line(RIGHT, members))).is_err());
        assert!(check(&format!("{} text", line(RIGHT, members))).is_err());
    }
}
