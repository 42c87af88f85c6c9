//! Nothing in these says that they stand in an `impl` block.

struct Shop;

impl Shop {
    #[rewarm::init]
    fn stock() -> u8 {
        1
    }
}

fn main() {}
