//! SHUTDOWN. Lambda tells a process that its end has come, by SIGTERM, only where an extension is
//! registered:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
//! So an internal one is, which wants no events. lambda_runtime can do the same by its crate for
//! extensions, whose server would be a fifth of a function's size.

use http::Method;
use lambda_runtime_api_client::{PooledClient, body::Body};
use tokio::signal::unix::{SignalKind, signal};

use super::api;
use crate::base::erased::spawn;
use crate::error::{BoxError, chain};

/// Runs `hook` at SHUTDOWN, and ends the process. To be called before the first event is asked for.
/// Without being `announced`, SHUTDOWN is heard of only where another extension is registered.
pub(super) async fn at_shutdown<F: Future<Output = ()> + Send + 'static>(
    hook: impl FnOnce() -> F + Send + 'static,
    announced: bool,
) {
    let signals = signal(SignalKind::terminate()).and_then(|term| {
        let int = signal(SignalKind::interrupt())?;
        Ok((term, int))
    });
    let (mut term, mut int) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "nothing will be closed at SHUTDOWN");
            return;
        }
    };
    if announced {
        match register().await {
            Ok(events) => drop(spawn(events)),
            // As under some emulators. What is sent by others is heard all the same.
            Err(error) => {
                tracing::warn!(error = chain(&*error), "Lambda will not announce SHUTDOWN");
            }
        }
    }
    drop(spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        hook().await;
        std::process::exit(0);
    }));
}

/// Registers the extension. INIT ends only when it has asked for its first event, which what is given
/// back does; it never comes.
async fn register() -> Result<impl Future<Output = ()> + Send + 'static, BoxError> {
    let client = PooledClient::builder().build();
    let path = "/2020-01-01/extension/register";
    let headers = [("lambda-extension-name", "rewarm-shutdown")];
    let request = api::request(Method::POST, path, &headers, Body::from(r#"{"events":[]}"#))?;
    let answer = client.call(request).await?;
    let identifier = answer
        .headers()
        .get("lambda-extension-identifier")
        .ok_or_else(|| format!("the extension was not registered: {}", answer.status()))?;
    let path = "/2020-01-01/extension/event/next";
    let headers = [("lambda-extension-identifier", identifier.to_str()?)];
    let request = api::request(Method::GET, path, &headers, Body::empty())?;
    Ok(async move {
        if let Err(error) = client.call(request).await {
            tracing::debug!(error = chain(&*error), "the extension is not connected any more");
        }
    })
}
