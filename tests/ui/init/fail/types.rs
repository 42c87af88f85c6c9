use rewarm::{handler, init};

struct NoError;

#[init]
fn unreported() -> Result<u8, NoError> {
    Ok(1)
}

type Hidden = Result<u8, std::io::Error>;

#[init]
fn hidden() -> Hidden {
    Ok(1)
}

#[init]
fn number() -> u8 {
    1
}

#[handler]
async fn wrong_type(_event: u8, number: &u16) -> u16 {
    *number
}

#[handler]
async fn wrong_owner(_event: u8, number: String) -> String {
    number
}

struct Single;

#[init]
fn single() -> Single {
    Single
}

#[handler]
async fn not_cloned(_event: u8, single: Single) -> u8 {
    drop(single);
    1
}

#[handler]
async fn unknown(_event: u8, nowhere: &u16) -> u16 {
    *nowhere
}

struct Plain;

#[handler]
async fn no_resource(_event: u8, #[from(Plain)] plain: &u16) -> u16 {
    *plain
}

#[init]
fn body() -> u8 {
    let text: u8 = "text";
    text
}

#[init]
async fn boxed() -> Result<u8, Box<dyn std::error::Error>> {
    Ok(1)
}

#[init]
async fn made_from(#[from(Plain)] plain: &u16) -> u16 {
    *plain
}

fn main() {}
