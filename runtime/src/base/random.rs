//! Random numbers for jitter and for the ids of containers. They are not cryptographically secure.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static STATE: AtomicU64 = AtomicU64::new(0);

/// Returns 64 random bits.
pub(crate) fn bits() -> u64 {
    if STATE.load(Relaxed) == 0 {
        reseed();
    }
    // SplitMix64.
    let mut z = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Starts a new sequence. Without this, all containers restored from one snapshot would continue
/// with the same sequence.
pub(crate) fn reseed() {
    let mut seed = [0; 8];
    // The kernel reseeds its generator after a restore. The keys of `RandomState` are part of the
    // snapshot.
    let seed = match std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut seed)) {
        Ok(()) => u64::from_ne_bytes(seed),
        Err(_) => RandomState::new().hash_one(std::process::id()),
    };
    STATE.store(seed | 1, Relaxed);
}

/// Returns a random part of `whole`, from 0 to `percent` of it.
pub(crate) fn share(whole: u64, percent: u8) -> u64 {
    let share = u128::from(whole) * u128::from(percent) * u128::from(bits() >> 32);
    (share / 100 / u128::from(u32::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_stays_within_bounds_and_varies() {
        let shares: std::collections::BTreeSet<u64> =
            (0..1000).map(|_| share(1_000_000, 10)).collect();
        assert!(shares.len() > 900);
        assert!(*shares.last().unwrap() <= 100_000 && *shares.last().unwrap() > 90_000);
        assert!(*shares.first().unwrap() < 10_000);
        assert_eq!(share(u64::MAX, 0), 0);
    }
}
