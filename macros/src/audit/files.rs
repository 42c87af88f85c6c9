//! The source files of the crate that is compiled: from its root down its `mod` items.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::items::{self, Item, ItemKind};
use super::lexer::{Kind, Source};

/// A crate. Modules that cannot be read are left out, with all that is in them.
#[derive(Default)]
pub(super) struct Crate {
    pub(super) sources: Vec<Source>,
    /// The first one is the root.
    pub(super) modules: Vec<Module>,
    paths: HashSet<PathBuf>,
}

pub(super) struct Module {
    pub(super) parent: Option<usize>,
    pub(super) name: String,
    /// The index of its file.
    pub(super) source: usize,
    pub(super) items: Vec<Item>,
}

impl Crate {
    /// Reads the crate with this root.
    pub(super) fn read(root: &Path) -> Self {
        let mut krate = Self::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        krate.file(root.to_owned(), folder, None, "");
        krate
    }

    fn file(&mut self, path: PathBuf, folder: PathBuf, parent: Option<usize>, name: &str) {
        // A file may be the module of itself.
        if !self.paths.insert(path.clone()) {
            return;
        }
        let text = fs::read_to_string(&path).ok();
        if let Some(source) = text.and_then(|text| Source::read(path, text)) {
            let range = 0..source.tokens.len();
            self.sources.push(source);
            self.module(self.sources.len() - 1, range, folder, parent, name, false);
        }
    }

    /// Adds a module, and those below it. `folder` is where the files of its modules are.
    fn module(
        &mut self,
        source: usize,
        range: Range<usize>,
        folder: PathBuf,
        parent: Option<usize>,
        name: &str,
        inline: bool,
    ) {
        let items = items::items(&self.sources[source], range);
        let here = self.modules.len();
        let below: Vec<_> = items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Mod(body) => {
                    let file = &self.sources[source];
                    let path = item.attrs.iter().find_map(|attr| path_attribute(file, attr));
                    Some((file.text(item.name).to_owned(), path, body.clone()))
                }
                _ => None,
            })
            .collect();
        self.modules.push(Module { parent, name: name.to_owned(), source, items });
        for (name, path, body) in below {
            if let Some(body) = body {
                let folder = folder.join(path.as_deref().unwrap_or(&name));
                self.module(source, body, folder, Some(here), &name, true);
                continue;
            }
            if let Some(path) = path {
                // Relative to the file, or inside of an inline module to the folder of that.
                let beside = self.sources[source].path.parent().unwrap_or(Path::new(""));
                let path = if inline { folder.join(path) } else { beside.join(path) };
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                self.file(path, folder, Some(here), &name);
                continue;
            }
            let file = folder.join(format!("{name}.rs"));
            let file = if file.exists() { file } else { folder.join(&name).join("mod.rs") };
            self.file(file, folder.join(&name), Some(here), &name);
        }
    }
}

/// `path = "…"`
fn path_attribute(source: &Source, attr: &Range<usize>) -> Option<String> {
    let is_path = source.is(attr.start, "path") && source.is_punct(attr.start + 1, b'=');
    let value = attr.start + 2;
    (is_path && source.kind(value) == Some(Kind::Literal))
        .then(|| source.text(value).trim_matches('"').to_owned())
}

/// The root of the crate that this process compiles, which its arguments name. There is none in
/// rust-analyzer, and in a doc test it is a file without the handler.
pub(super) fn root() -> Option<PathBuf> {
    let is_root = |path: &PathBuf| path.extension().is_some_and(|it| it == "rs") && path.is_file();
    args().into_iter().map(PathBuf::from).find(is_root)
}

/// True if the process compiles tests. None of their code is deployed, and their globals count what
/// happens.
pub(super) fn is_test() -> bool {
    args().iter().any(|arg| arg == "--test")
}

fn args() -> Vec<String> {
    let args = env::args_os().skip(1).filter_map(|arg| arg.into_string().ok());
    // A long command line is in a file of its own.
    let args = args.flat_map(|arg| match arg.strip_prefix('@').map(fs::read_to_string) {
        Some(Ok(list)) => list.lines().map(str::to_owned).collect(),
        _ => vec![arg],
    });
    args.collect()
}
