use rewarm::handler;

struct Order;
struct Receipt;
struct NoError;

#[handler]
async fn event(_order: Order) {}

#[handler]
async fn answer(_event: u8) -> Receipt {
    Receipt
}

#[handler]
async fn error(_event: u8) -> Result<u8, NoError> {
    Ok(1)
}

#[handler]
async fn body(event: u8) -> String {
    event
}

type Answer = Result<u8, std::io::Error>;

#[handler]
async fn aliased(_event: u8) -> Answer {
    Ok(1)
}

#[handler(streaming)]
async fn at_once(_event: u8) -> Result<String, rewarm::Error> {
    Ok(String::new())
}

#[handler]
async fn streamed(_event: u8) -> Result<rewarm::StreamResponse<rewarm::http::Body>, rewarm::Error> {
    Err(rewarm::Error::msg("a"))
}

fn main() {}
