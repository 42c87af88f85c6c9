//! The levels of lints on a resource apply to everything that callers see, and to its body.
#![deny(warnings, missing_docs, unreachable_pub, rust_2018_idioms, unfulfilled_lint_expectations)]

use rewarm::init;

#[allow(missing_docs)]
#[init]
pub fn allowed() -> u8 {
    1
}

#[init]
#[expect(missing_docs, unused_variables, reason = "one is fulfilled by callers, one by the body")]
pub async fn expected(#[from] allowed: &u8) -> u8 {
    1
}

#[init]
#[cfg_attr(all(), allow(missing_docs), expect(unused_mut))]
pub async fn conditional() -> u8 {
    let mut n = 1;
    n
}

#[init]
#[expect(missing_docs)]
pub static STATIC: u8 = 1;

#[expect(missing_docs, unused_mut)]
#[init]
pub static LATE: u8 = {
    let mut n = async { 1 }.await;
    n
};

#[init]
#[expect(non_upper_case_globals)]
static lower: u8 = 1;

#[init]
#[expect(non_snake_case)]
fn Upper() -> u8 {
    1
}

#[init]
#[cfg_attr(all(), doc = "Documented.", deprecated(note = "use `STATIC`"))]
pub fn documented() -> u8 {
    1
}

#[init]
#[doc(hidden)]
pub fn hidden() -> u8 {
    1
}

// An item that is not there.
#[init]
#[cfg(any())]
pub fn absent() -> NoSuchType {}

#[init]
#[cfg_attr(all(), cfg(any()))]
pub static ABSENT: NoSuchType = NoSuchType;

/// In a function that may use it, and does.
#[init]
#[expect(deprecated)]
pub async fn uses_deprecated(documented: &u8) -> u8 {
    *documented + *documented::get().unwrap()
}

#[init]
#[forbid(unused_variables)]
async fn forbidden(#[from] uses_deprecated: &u8) -> u8 {
    *uses_deprecated
}

mod private {
    #[expect(unreachable_pub)]
    #[rewarm::init]
    pub async fn unreachable() -> u8 {
        1
    }

    #[expect(unreachable_pub)]
    #[rewarm::init]
    pub static UNREACHABLE: u8 = 1;
}

fn main() {
    let _ = (Upper(), *lower, private::UNREACHABLE::get());
    drop(private::unreachable());
}
