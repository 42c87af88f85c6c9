//! The files that a cold container leaves in `/tmp`.
//!
//! On Lambda, they are deleted with the container. Here they are removed, so that the next cold
//! container does not find them.
//!
//! Other programs use the folder, too. The files of this process are recognised by unusual
//! permissions, which its umask sets: `rw----r--` for a file and `rwx---r-x` for a folder. To set a
//! umask takes no privilege.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// The files that existed before a container was started.
pub(super) struct TmpFiles {
    before: HashSet<PathBuf>,
}

impl TmpFiles {
    /// Marks the files that this process creates from now on, and lists those that exist.
    pub(super) fn track() -> Self {
        umask(Mode::from_raw_mode(0o072));
        Self { before: list().into_iter().collect() }
    }

    /// Removes the files that the process has created since, and returns their paths.
    pub(super) fn remove_new(self) -> Vec<String> {
        let new = list().into_iter().filter(|path| !self.before.contains(path));
        new.filter(|path| remove(path)).map(|path| path.display().to_string()).collect()
    }
}

/// Removes a file or a folder of this process. Returns true if it is removed.
fn remove(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    let is_marked = matches!(metadata.mode() & 0o777, 0o604 | 0o705);
    if !is_marked || metadata.uid() != geteuid().as_raw() {
        return false;
    }
    let removed = match metadata.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.is_ok()
}

/// Lists `/tmp` and the folders in it, one level deep. A folder precedes its entries.
fn list() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("/tmp"), std::env::temp_dir()];
    folders.dedup();
    let top: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).collect();
    let below: Vec<PathBuf> = top.iter().flat_map(|path| entries(path)).collect();
    [top, below].concat()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    // A symbolic link may lead out of the folder.
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    let entries = is_folder.then(|| fs::read_dir(folder).ok()).flatten();
    entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}
