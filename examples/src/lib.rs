//! The examples are the files beside this folder; the package itself is empty.
