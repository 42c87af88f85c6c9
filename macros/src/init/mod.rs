//! `#[init]`: a resource built once per container.

mod args;
mod expand;
mod model;

use crate::driver::Stages;
use crate::fallback;

pub(crate) const INIT: Stages<args::Options, model::Model> = Stages {
    options: args::Options::read,
    check: model::Model::check,
    expand: expand::expand,
    fallback: fallback::resource,
};
