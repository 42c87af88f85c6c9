//! A macro is not told that its item stands in an `impl` block; it notices by `self` and `Self`.

use rewarm::{cached, handler, init};

struct Shop;

impl Shop {
    #[init]
    fn stock() -> Self {
        Shop
    }

    #[cached(ttl = "5m")]
    async fn price(sku: &str) -> usize {
        Self::fetch(sku).await
    }

    async fn fetch(sku: &str) -> usize {
        sku.len()
    }

    #[handler]
    async fn answer(self, _event: u8) {}
}

fn main() {
    // None of the faults above is one here.
    drop((Shop::stock(), Shop::price("a")));
}
