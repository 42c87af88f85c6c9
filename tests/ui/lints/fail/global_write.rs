use rewarm::{cached, handler, init};

static mut COUNTER: u32 = 0;
static mut TABLE: [u32; 4] = [0; 4];

#[handler]
async fn assigns(_event: u8) {
    unsafe {
        COUNTER = 1;
        COUNTER += 1;
        TABLE[1] = 2;
    }
}

#[cached(ttl = "5m")]
fn borrows() -> u8 {
    #[allow(static_mut_refs)]
    let _table = unsafe { &mut TABLE };
    1
}

#[init]
fn points() -> u8 {
    let _table = &raw mut crate::COUNTER;
    let _table = std::ptr::addr_of_mut!(TABLE);
    1
}

struct Wrapper {
    n: u32,
}

#[handler]
async fn takes_apart(_event: u8) {
    unsafe {
        (COUNTER, _) = (1, 2);
        [TABLE[0], ..] = [1, 2];
        (_, Wrapper { n: COUNTER }) = (1, Wrapper { n: 2 });
    }
}

fn main() {}
