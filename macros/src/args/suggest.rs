//! Suggests the name that was probably meant by a misspelt one.

/// The nearest name, if at most one letter in three differs.
pub(crate) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(name, text), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (text.chars().count() / 3).max(1))
        .map(|(_, name)| name)
}

/// The only name that begins with this text.
pub(super) fn beginning_with<'a>(
    text: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut names = names.filter(|name| name.starts_with(text));
    names.next().filter(|_| names.next().is_none())
}

/// The Levenshtein distance of two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.pop().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("tll", "ttl"), 1);
        assert_eq!(distance("", "lazy"), 4);
        assert_eq!(distance("max_entriez", "max_entries"), 1);
    }
}
