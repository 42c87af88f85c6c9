//! What a cold container leaves in `/tmp`: on Lambda that goes with the container. Here it is taken
//! away, or the next cold container would find it.
//!
//! Others use the folder, too. What this process creates is told by permissions that nobody else
//! gives, a file `rw----r--` and a folder `rwx---r-x`, which take no privilege to set.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

pub(super) struct Litter {
    before: HashSet<PathBuf>,
}

impl Litter {
    /// From now on this process's files are told from all others.
    pub(super) fn watch() -> Self {
        umask(Mode::from_raw_mode(0o072));
        Self { before: found().into_iter().collect() }
    }

    /// Removes what the process has created since, and says what that was.
    pub(super) fn take_away(self) -> Vec<String> {
        let new = found().into_iter().filter(|path| !self.before.contains(path));
        new.filter(|path| remove(path)).map(|path| path.display().to_string()).collect()
    }
}

/// Whether it is this process's, and now gone.
fn remove(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    let marked = matches!(metadata.mode() & 0o777, 0o604 | 0o705);
    if !marked || metadata.uid() != geteuid().as_raw() {
        return false;
    }
    let removed = match metadata.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.is_ok()
}

/// What is in `/tmp`, and in the folders there. Folders come before what is in them.
fn found() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/tmp"), std::env::temp_dir()];
    folders.dedup();
    let top: Vec<PathBuf> = folders.iter().flat_map(|folder| inside(folder)).collect();
    let below: Vec<PathBuf> = top.iter().flat_map(|path| inside(path)).collect();
    [top, below].concat()
}

fn inside(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    // A link may lead anywhere.
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    let entries = is_folder.then(|| fs::read_dir(folder).ok()).flatten();
    entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}
