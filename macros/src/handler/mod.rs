//! `#[handler]`: the function that runs once per event.

mod args;
mod emf;
mod expand;
mod model;

use crate::driver::Stages;
use crate::fallback;

pub(crate) const HANDLER: Stages<args::Options, model::Model> = Stages {
    options: args::Options::read,
    check: model::Model::check,
    expand: expand::expand,
    fallback: fallback::handler,
};
