//! `#[cached]`: a function whose value is kept for a time.

mod args;
mod expand;
mod model;
mod store;

use crate::driver::Stages;
use crate::fallback;

pub(crate) const CACHED: Stages<args::Options, model::Model> = Stages {
    options: args::Options::read,
    check: model::Model::check,
    expand: expand::expand,
    fallback: fallback::cached,
};
