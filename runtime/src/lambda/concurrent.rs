//! Several invocations at a time, on Lambda Managed Instances. lambda_runtime's own loop asks again
//! at once after a poll that failed, for ever and on every worker; this one pauses, and ends.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::future::select_all;
use http::Method;
use lambda_runtime::{Config, Context, LambdaInvocation, Runtime};
use lambda_runtime_api_client::{PooledClient, body::Body};
use tokio::task::JoinHandle;
use tower::{Layer, Service};

use super::api;
use crate::base::erased::spawn;
use crate::base::random;
use crate::error::{BoxError, chain};

/// How often in a row a worker's poll may fail.
const ATTEMPTS: u32 = 6;

/// The pause after the first poll that failed. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Takes the service that a [`Runtime`] was made with.
struct Take<'a, S>(&'a OnceLock<S>);

impl<S: Clone> Layer<S> for Take<'_, S> {
    type Service = S;

    fn layer(&self, service: S) -> S {
        self.0.get_or_init(|| service.clone());
        service
    }
}

/// Runs so many workers, each of which polls for itself. Ends when the Runtime API is gone: then no
/// worker has anything to do, and nowhere to send what it did.
pub(super) async fn run<S>(runtime: Runtime<S>, workers: u32) -> Result<(), BoxError>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    let taken = OnceLock::new();
    drop(runtime.layer(Take(&taken)));
    let Some(service) = taken.into_inner() else {
        unreachable!("a layer is put around a service");
    };
    let client = Arc::new(PooledClient::builder().with_pool_size(workers as usize).build());
    let config = Arc::new(Config::from_env());
    let failure = Arc::new(Mutex::new(None));
    let workers = (0..workers).map(|_| {
        let work = work(service.clone(), client.clone(), config.clone());
        let failure = Arc::clone(&failure);
        spawn(async move {
            if let Err(error) = work.await {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        })
    });
    let (ended, _, others) = select_all(workers).await;
    others.iter().for_each(JoinHandle::abort);
    ended?;
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), Err)
}

async fn work<S>(
    mut service: S,
    client: Arc<PooledClient>,
    config: Arc<Config>,
) -> Result<(), BoxError>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError>,
{
    let mut failed = 0;
    loop {
        match next(&client, &config).await {
            Ok(invocation) => {
                failed = 0;
                std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(invocation).await?;
            }
            Err(error) => {
                failed += 1;
                if failed == ATTEMPTS {
                    return Err(error);
                }
                tracing::warn!(error = chain(&*error), failed, "the next event cannot be had");
                let pause = FIRST_PAUSE * 2_u32.pow(failed - 1);
                let less = Duration::from_nanos(random::share(pause.as_nanos() as u64, 50));
                tokio::time::sleep(pause - less).await;
            }
        }
    }
}

async fn next(client: &PooledClient, config: &Arc<Config>) -> Result<LambdaInvocation, BoxError> {
    let path = "/2018-06-01/runtime/invocation/next";
    let request = api::request(Method::GET, path, &[], Body::empty())?;
    let (parts, body) = client.call(request).await?.into_parts();
    let headers = &parts.headers;
    let id = headers.get("lambda-runtime-aws-request-id");
    // lambda_runtime panics where there is no deadline.
    let (Some(id), true) = (id, headers.contains_key("lambda-runtime-deadline-ms")) else {
        return Err(format!("the Runtime API answers {} without an event", parts.status).into());
    };
    let context = Context::new(id.to_str()?, config.clone(), headers)?;
    let body = Body::new(body).collect().await?.to_bytes();
    Ok(LambdaInvocation { parts, body, context })
}
