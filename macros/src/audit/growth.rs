//! Collections in the container that code only adds to.

use std::ops::Range;

use super::index::{self, Code, Def, Index, Target, TypeKind};
use super::lexer::{Kind, Source};
use crate::lints;

/// Methods that add to a collection.
const ADDS: &[&str] = &[
    "append",
    "entry",
    "extend",
    "extend_from_slice",
    "insert",
    "insert_async",
    "insert_sync",
    "push",
    "push_back",
    "push_front",
    "push_str",
    "upsert",
    "write_str",
];

/// Words of code that removes from a collection, replaces it or looks at its size.
const LIMITS: &[&str] = &[
    "capacity",
    "clear",
    "drain",
    "evict",
    "extract_if",
    "is_empty",
    "is_full",
    "len",
    "pop",
    "pop_back",
    "pop_first",
    "pop_front",
    "pop_last",
    "remove",
    "remove_async",
    "remove_entry",
    "remove_if",
    "remove_sync",
    "replace",
    "retain",
    "retain_async",
    "retain_mut",
    "retain_sync",
    "shift_remove",
    "split_off",
    "store",
    "swap",
    "swap_remove",
    "take",
    "truncate",
];

/// Collections of other crates that are shared and have no lock around them.
const SHARED: &[&str] = &["DashMap", "DashSet", "SegQueue", "SkipMap", "SkipSet"];

/// Methods whose closure gets the value.
const WITH: &[&str] = &["with", "with_borrow_mut", "try_with", "send_modify"];

/// A field of a type of the crate.
pub(super) struct Field<'a> {
    pub(super) ty: usize,
    pub(super) name: &'a str,
    /// The token of its name.
    pub(super) at: usize,
    pub(super) value: Range<usize>,
}

/// The collection that a type holds, outside of other types of the crate.
pub(super) fn collection<'a>(
    index: &Index<'a>,
    module: usize,
    ty: &Range<usize>,
) -> Option<&'a str> {
    collection_within(index, module, ty, 8).filter(|_| !has_few_keys(index, module, ty))
}

/// True for a type with one collection, whose keys are of the program: names, or an `enum` without data.
fn has_few_keys(index: &Index<'_>, module: usize, ty: &Range<usize>) -> bool {
    let source = index.source(module);
    let is_collection =
        |at: &usize| lints::is_growing(source.text(*at)) || SHARED.contains(&source.text(*at));
    let all: Vec<_> = ty.clone().filter(is_collection).collect();
    let &[at] = &all[..] else {
        return false;
    };
    let key = at + 2;
    if !source.text(at).ends_with("Map") && !source.text(at).ends_with("Set") {
        return false;
    }
    if source.is_punct(key, b'&') {
        return source.text(key + 1) == "'static" && source.is(key + 2, "str");
    }
    let Target::Own(defs, _) = index.resolve_at(module, &index::path(source, key).0) else {
        return false;
    };
    defs.iter().any(|def| match def {
        Def::Type(id) => {
            let def = &index.types[*id];
            let source = index.source(def.module);
            let open = def.body.clone().find(|at| source.is_open(*at, b'{'));
            let variants = open.map(|open| source.group(open)).unwrap_or_default();
            def.kind == TypeKind::Fields && !variants.is_empty() && !has_data(source, variants)
        }
        _ => false,
    })
}

fn collection_within<'a>(
    index: &Index<'a>,
    module: usize,
    ty: &Range<usize>,
    depth: usize,
) -> Option<&'a str> {
    let depth = depth.checked_sub(1)?;
    let mut found = None;
    let mut is_option = false;
    each_path(index.source(module), ty, |path| {
        is_option |= path.last() == Some(&"Option");
        let inner = match index.resolve_at(module, &path) {
            Target::Own(defs, _) => defs.iter().find_map(|def| match def {
                Def::Type(id) if index.types[*id].kind == TypeKind::Alias => {
                    let alias = &index.types[*id];
                    collection_within(index, alias.module, &alias.body, depth)
                }
                _ => None,
            }),
            Target::Other(path) => {
                path.last().copied().filter(|last| SHARED.contains(last) || lints::is_growing(last))
            }
        };
        found = found.or(inner);
    });
    // `insert` replaces the value of an `Option`.
    found.filter(|_| !is_option)
}

/// True if tokens are fields, or variants of an `enum` of which one has data.
fn has_data(source: &Source, inner: Range<usize>) -> bool {
    let is_attribute = |at: usize| source.is_punct(at.wrapping_sub(1), b'#');
    let next = |at: &usize| Some(source.next(*at)).filter(|at| *at < inner.end);
    std::iter::successors(Some(inner.start), next).any(|at| {
        let opens = matches!(source.kind(at), Some(Kind::Open(_))) && !is_attribute(at);
        opens || source.is_punct(at, b':')
    })
}

/// The fields of all types of the crate in a type.
pub(super) fn fields<'a>(index: &Index<'a>, module: usize, ty: &Range<usize>) -> Vec<Field<'a>> {
    let (mut types, mut fields) = (Vec::new(), Vec::new());
    types_in(index, module, ty, &mut types);
    let mut next = 0;
    while let Some(id) = types.get(next).copied() {
        next += 1;
        let def = &index.types[id];
        if def.kind == TypeKind::Trait {
            continue;
        }
        types_in(index, def.module, &def.body, &mut types);
        let source = index.source(def.module);
        let Some(open) = def.body.clone().find(|at| source.is_open(*at, b'{')) else {
            continue;
        };
        let inner = source.group(open);
        let is_label = |at: &usize| {
            source.is_ident(*at)
                && source.is_punct(at + 1, b':')
                && !source.is_path_sep(at + 1)
                && !source.is_punct(at.wrapping_sub(1), b':')
        };
        for at in inner.clone().filter(is_label) {
            let mut end = at + 2;
            while end < inner.end && !source.is_punct(end, b',') {
                end = match source.is_punct(end, b'<') {
                    true => index::generics_end(source, end),
                    false => source.next(end),
                };
            }
            fields.push(Field { ty: id, name: source.text(at), at, value: at + 2..end });
        }
    }
    fields
}

fn types_in(index: &Index<'_>, module: usize, ty: &Range<usize>, types: &mut Vec<usize>) {
    each_path(index.source(module), ty, |path| {
        if let Target::Own(defs, _) = index.resolve_at(module, &path) {
            for def in defs {
                match def {
                    Def::Type(ty) if !types.contains(&ty) => types.push(ty),
                    _ => {}
                }
            }
        }
    });
}

fn each_path<'a>(source: &'a Source, range: &Range<usize>, mut f: impl FnMut(Vec<&'a str>)) {
    let mut at = range.start;
    while at < range.end {
        if source.is_ident(at) {
            let (path, end) = index::path(source, at);
            f(path);
            at = end;
        } else {
            at += 1;
        }
    }
}

/// The tokens in a function that name a field.
pub(super) fn uses_of_field<'s>(
    source: &'s Source,
    code: &Code<'_>,
    field: &'s str,
) -> impl Iterator<Item = usize> + 's {
    let body = code.body.clone();
    body.filter(move |at| source.is(*at, field) && source.is_punct(at.wrapping_sub(1), b'.'))
}

/// True if a field of a type that is named at a token, in a method of that, is one of `self`, of a
/// variable that is made of that, or of an expression that is more than a path.
pub(super) fn is_of_self(source: &Source, code: &Code<'_>, at: usize, ty: &str) -> bool {
    let mut base = at.wrapping_sub(2);
    while source.is_ident(base) && source.is_punct(base.wrapping_sub(1), b'.') {
        base = base.wrapping_sub(2);
    }
    if !source.is_ident(base) || source.is(base, "self") {
        return true;
    }
    let name = source.text(base);
    let is_self = |at: usize| ["self", "Self", ty].iter().any(|name| source.is(at, name));
    let is_label = |at: &usize| source.is(*at, name) && source.is_punct(at + 1, b':');
    if let Some(label) = code.sig.clone().find(is_label) {
        let end = (label..code.sig.end).find(|at| source.is_punct(*at, b','));
        return (label..end.unwrap_or(code.sig.end)).any(is_self);
    }
    let ends = |at: &usize| source.is_punct(*at, b';') || source.is_open(*at, b'{');
    code.body.clone().filter(|at| source.is(*at, "let")).any(|at| {
        let end = (at..code.body.end).find(ends).unwrap_or(code.body.end);
        (at..end).any(|at| source.is(at, name)) && (at..end).any(is_self)
    })
}

/// The method that adds to the collection which a token names, there or through a variable.
pub(super) fn adds(source: &Source, code: &Code<'_>, at: usize) -> Option<usize> {
    let end = match chain(source, at + 1) {
        Chain::Adds(at) => return Some(at),
        Chain::Ends(at) => at,
    };
    // `let mut guard = GLOBAL.lock()?;`, `if let Ok(mut guard) = GLOBAL.lock() {`
    let begins = |at: &usize| source.is(*at, "let") || source.is_punct(*at, b';');
    let binding = (code.body.start..at).rev().find(begins).filter(|at| source.is(*at, "let"))?;
    let is = (binding..at).find(|at| source.is_punct(*at, b'='))?;
    let is_name = |at: &usize| {
        source.is_ident(*at) && source.text(*at).starts_with(|c: char| c.is_lowercase() || c == '_')
    };
    let names: Vec<_> = (binding + 1..is).filter(is_name).map(|at| source.text(at)).collect();
    let mut later = end..code.body.end;
    later.find_map(|at| {
        let is_guard = source.is_ident(at)
            && names.contains(&source.text(at))
            && !source.is_punct(at.wrapping_sub(1), b'.');
        match is_guard.then(|| chain(source, at + 1))? {
            Chain::Adds(at) => Some(at),
            Chain::Ends(_) => None,
        }
    })
}

enum Chain {
    Adds(usize),
    /// The token behind it.
    Ends(usize),
}

/// Follows the methods and fields behind a token.
fn chain(source: &Source, mut at: usize) -> Chain {
    loop {
        if source.is_punct(at, b'?') || source.is_open(at, b'[') {
            at = source.next(at);
            continue;
        }
        if !source.is_punct(at, b'.') || !source.is_ident(at + 1) {
            return Chain::Ends(at);
        }
        let name = at + 1;
        if !source.is_open(name + 1, b'(') {
            at = name + 1;
            continue;
        }
        let args = source.group(name + 1);
        if is_add(source, name) {
            return Chain::Adds(name);
        }
        if WITH.contains(&source.text(name)) {
            let adds =
                |at: &usize| source.is_punct(at.wrapping_sub(1), b'.') && is_add(source, *at);
            if let Some(at) = args.clone().find(adds) {
                return Chain::Adds(at);
            }
        }
        at = args.end + 1;
    }
}

/// True for a method that adds to a collection, unless its key is the same each time.
fn is_add(source: &Source, at: usize) -> bool {
    let keyed = ["insert", "entry", "upsert"].contains(&source.text(at));
    let key = at + 2;
    let is_fixed = source.kind(key) == Some(Kind::Literal) || index::is_global_name(source, key);
    ADDS.contains(&source.text(at)) && !(keyed && is_fixed)
}

/// True if a function may limit the size of a collection that it uses.
pub(super) fn limits(source: &Source, code: &Code<'_>) -> bool {
    code.body.clone().any(|at| {
        source.is_ident(at) && LIMITS.contains(&source.text(at)) || assigns(source, code, at)
    })
}

/// `*guard = …`, `*GLOBAL.lock()? = …`
fn assigns(source: &Source, code: &Code<'_>, at: usize) -> bool {
    if !source.is_punct(at, b'*') {
        return false;
    }
    let ends = |at: &usize| source.is_punct(*at, b'=') || source.is_punct(*at, b';');
    let end = (at..code.body.end).find(ends);
    end.is_some_and(|at| {
        let is_part = |at: usize| matches!(source.kind(at), Some(Kind::Punct(_)));
        source.is_punct(at, b'=') && !is_part(at + 1) && !is_part(at - 1)
    })
}
