//! Installs the `tracing` subscriber: that of lambda_runtime, without colour in Lambda, with every level
//! of Lambda's log controls, and with the errors of invocations in any case.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::stdio::Output;

/// True if the subscriber was installed here. It writes to the log alone.
static LOG_ONLY: AtomicBool = AtomicBool::new(false);

/// The log, if every line of it is a JSON document.
static JSON_LOG: OnceLock<Output> = OnceLock::new();

/// Installs a subscriber that logs to `output`, unless the program has installed one.
pub(crate) fn begin(output: Output) {
    let format = std::env::var("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    if format.eq_ignore_ascii_case("JSON") {
        let _ = JSON_LOG.set(output);
    }
    #[cfg(feature = "tracing")]
    if !tracing::dispatcher::has_been_set() {
        LOG_ONLY.store(true, Relaxed);
        subscriber::install(output);
    }
}

/// True if spans and events go to the log alone: no exporter receives them.
pub(crate) fn is_log_only() -> bool {
    LOG_ONLY.load(Relaxed)
}

/// Logs a panic as a JSON document. Returns false if the log is text.
///
/// Not by `tracing`: the panic may come from a subscriber.
pub(crate) fn panic_as_json(message: &str, location: &str) -> bool {
    let Some(mut log) = JSON_LOG.get().copied() else {
        return false;
    };
    let fields = serde_json::json!({ "message": message, "location": location });
    let line = serde_json::json!({ "level": "ERROR", "fields": fields, "target": "panic" });
    let _ = log.write_all(format!("{line}\n").as_bytes());
    true
}

#[cfg(feature = "tracing")]
mod subscriber {
    use std::env;

    use tracing_subscriber::filter::{EnvFilter, LevelFilter};
    use tracing_subscriber::fmt;

    use crate::base::stdio::Output;

    pub(super) fn install(output: Output) {
        let level = env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| env::var("RUST_LOG"));
        let directives = env::var("RUST_LOG").unwrap_or_default();
        let mut filter = EnvFilter::builder()
            .with_default_directive(self::level(level.as_deref().unwrap_or("INFO")).into())
            .parse_lossy(&directives);
        if !mentions_rewarm(&directives)
            && let Ok(errors) = "rewarm=error".parse()
        {
            filter = filter.add_directive(errors);
        }
        let builder = fmt()
            .with_target(false)
            .without_time()
            .with_env_filter(filter)
            .with_writer(move || output);
        match (super::JSON_LOG.get().is_some(), output.is_terminal()) {
            (true, _) => builder.json().init(),
            (false, true) => builder.init(),
            // Otherwise the feature `ansi` of any crate in the program would colour the log.
            (false, false) => builder.with_ansi(false).init(),
        }
    }

    /// A level of Lambda's log controls. tracing has no level above `ERROR`.
    fn level(text: &str) -> LevelFilter {
        match text.eq_ignore_ascii_case("FATAL") {
            true => LevelFilter::ERROR,
            false => text.parse().unwrap_or(LevelFilter::INFO),
        }
    }

    /// True if the directives of `RUST_LOG` set a level for this crate, by its name or for all.
    fn mentions_rewarm(directives: &str) -> bool {
        let target =
            |directive: &str| directive.split(['=', '[']).next().map(str::trim) == Some("rewarm");
        let is_for_all = |directive: &str| directive.trim().parse::<LevelFilter>().is_ok();
        directives.split(',').any(|directive| target(directive) || is_for_all(directive))
            || directives.trim().is_empty()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn levels_of_lambdas_log_controls() {
            for (text, expected) in [
                ("TRACE", LevelFilter::TRACE),
                ("DEBUG", LevelFilter::DEBUG),
                ("INFO", LevelFilter::INFO),
                ("WARN", LevelFilter::WARN),
                ("ERROR", LevelFilter::ERROR),
                ("FATAL", LevelFilter::ERROR),
                ("fatal", LevelFilter::ERROR),
                ("nonsense", LevelFilter::INFO),
            ] {
                assert_eq!(level(text), expected, "{text}");
            }
        }

        #[test]
        fn directives_that_set_our_level() {
            for text in ["", "info", "shop=debug,warn", "rewarm=warn,shop=debug", "off"] {
                assert!(mentions_rewarm(text), "{text}");
            }
            for text in ["shop=debug", "shop[span]=info,sqlx=warn", "rewarm::cache=info"] {
                assert!(!mentions_rewarm(text), "{text}");
            }
        }
    }
}
