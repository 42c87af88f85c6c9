//! The attributes as a user writes them.
