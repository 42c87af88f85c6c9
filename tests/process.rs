//! Real processes against a real Runtime API.
