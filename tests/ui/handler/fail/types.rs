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

#[handler]
async fn boxed(_event: u8) -> Result<u8, Box<dyn std::error::Error>> {
    Ok(1)
}

fn main() {}
