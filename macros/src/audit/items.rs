//! The items of a module or of a body, found by their keywords.

use std::ops::Range;

use super::lexer::{Kind, Source};

/// An item, by its tokens.
#[derive(Clone)]
pub(super) struct Item {
    /// The tokens between the brackets of each attribute.
    pub(super) attrs: Vec<Range<usize>>,
    /// True for `pub`, without a restriction.
    pub(super) is_pub: bool,
    /// The token of its name; of an item without one, its keyword.
    pub(super) name: usize,
    /// From its visibility to its end.
    pub(super) whole: Range<usize>,
    pub(super) kind: ItemKind,
}

#[derive(Clone)]
pub(super) enum ItemKind {
    /// A function, with the tokens between its name and its body, and those of its body.
    Fn {
        sig: Range<usize>,
        body: Range<usize>,
    },
    Static {
        mutable: bool,
        ty: Range<usize>,
        init: Range<usize>,
        by: DeclaredBy,
    },
    /// A module, with its items if they stand here.
    Mod(Option<Range<usize>>),
    Use(Range<usize>),
    /// A constant, with its type and its value.
    Const {
        ty: Range<usize>,
        value: Range<usize>,
    },
    /// A `struct`, an `enum` or a `union`, from behind its name.
    Type(Range<usize>),
    /// A type alias.
    Alias(Range<usize>),
    Trait(Range<usize>),
    Impl {
        header: Range<usize>,
        body: Range<usize>,
    },
    MacroRules(Range<usize>),
    /// A call of a macro in place of an item.
    MacroCall(Range<usize>),
}

/// The way that a static is declared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DeclaredBy {
    Static,
    LazyStatic,
    ThreadLocal,
}

/// The items among these tokens, which are those of a module, an `impl` or a trait. Items behind a
/// `#[cfg]` that may not hold are left out.
pub(super) fn items(source: &Source, range: Range<usize>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let (attrs, start) = attributes(source, at);
        let compiled = attrs.iter().all(|attr| is_compiled(source, attr));
        let first = items.len();
        at = item(source, start..range.end, attrs, &mut items).max(at + 1);
        if !compiled {
            items.truncate(first);
        }
    }
    items
}

/// The attributes at a token, and the token behind them.
pub(super) fn attributes(source: &Source, mut at: usize) -> (Vec<Range<usize>>, usize) {
    let mut attrs = Vec::new();
    while source.is_punct(at, b'#') {
        let open = at + 1 + usize::from(source.is_punct(at + 1, b'!'));
        if !source.is_open(open, b'[') {
            break;
        }
        // An attribute of the file is none of its first item.
        if open == at + 1 {
            attrs.push(source.group(open));
        }
        at = source.next(open);
    }
    (attrs, at)
}

/// True unless the attribute is a `#[cfg]` that does not hold, or whose value a macro cannot know.
pub(super) fn is_compiled(source: &Source, attr: &Range<usize>) -> bool {
    let is_cfg = source.is(attr.start, "cfg") && source.is_open(attr.start + 1, b'(');
    !is_cfg || holds(source, source.group(attr.start + 1)) == Some(true)
}

/// The value of a condition on Lambda, if it is known.
fn holds(source: &Source, range: Range<usize>) -> Option<bool> {
    let at = range.start;
    let list = || {
        let mut values = Vec::new();
        let inner = source.group(at + 1);
        let mut start = inner.start;
        let mut end = inner.start;
        while end <= inner.end {
            if end == inner.end || source.is_punct(end, b',') {
                if start < end {
                    values.push(holds(source, start..end));
                }
                start = end + 1;
            }
            end = source.next(end);
        }
        values
    };
    let is = |value: &str| source.text(at + 2).trim_matches('"') == value;
    match source.text(at) {
        "not" => list().first().copied().flatten().map(|value| !value),
        "all" => match list() {
            values if values.contains(&Some(false)) => Some(false),
            values if values.contains(&None) => None,
            _ => Some(true),
        },
        "any" => match list() {
            values if values.contains(&Some(true)) => Some(true),
            values if values.contains(&None) => None,
            _ => Some(false),
        },
        "test" | "doctest" | "doc" | "windows" | "miri" => Some(false),
        "unix" => Some(true),
        "target_os" => Some(is("linux")),
        "target_family" => Some(is("unix")),
        _ => None,
    }
}

/// Reads the item at the start of `range`, and returns the token behind it.
fn item(
    source: &Source,
    range: Range<usize>,
    attrs: Vec<Range<usize>>,
    items: &mut Vec<Item>,
) -> usize {
    let mut at = range.start;
    let mut is_pub = false;
    if source.is(at, "pub") {
        is_pub = !source.is_open(at + 1, b'(');
        at = if is_pub { at + 1 } else { source.next(at + 1) };
    }
    // The words in front of `fn`, `impl` and `trait`.
    loop {
        let next = at + 1;
        at = match source.text(at) {
            "async" | "unsafe" | "safe" | "default" | "gen" | "auto" if source.is_ident(next) => {
                next
            }
            "const" if ["fn", "async", "unsafe", "extern"].contains(&source.text(next)) => next,
            "extern" if source.kind(next) == Some(Kind::Literal) && source.is(at + 2, "fn") => {
                at + 2
            }
            "extern" if source.is(next, "fn") => next,
            _ => break,
        };
    }
    let name = at + 1;
    let mut add = |name: usize, end: usize, kind: ItemKind| {
        items.push(Item { attrs: attrs.clone(), is_pub, name, whole: range.start..end, kind });
        end
    };
    let to_body = |from: usize| {
        let mut at = from;
        while at < range.end && !source.is_open(at, b'{') && !source.is_punct(at, b';') {
            at = source.next(at);
        }
        at.min(range.end)
    };
    let to_semicolon = |from: usize| {
        let mut at = from;
        while at < range.end && !source.is_punct(at, b';') {
            at = source.next(at);
        }
        at.min(range.end)
    };
    match source.text(at) {
        "fn" => {
            let body = to_body(name);
            let inner = if source.is_open(body, b'{') { source.group(body) } else { body..body };
            add(name, source.next(body), ItemKind::Fn { sig: name + 1..body, body: inner })
        }
        "static" => match static_item(source, at, DeclaredBy::Static) {
            Some((name, end, kind)) => add(name, end, kind),
            None => to_semicolon(at) + 1,
        },
        "mod" => {
            let body = name + 1;
            let inner = source.is_open(body, b'{').then(|| source.group(body));
            add(name, source.next(body), ItemKind::Mod(inner))
        }
        "use" => {
            let end = to_semicolon(at);
            add(at, end + 1, ItemKind::Use(name..end))
        }
        "struct" | "enum" | "union" if source.is_ident(name) => {
            let body = to_body(name);
            let end = source.next(body);
            add(name, end, ItemKind::Type(name + 1..end.min(range.end)))
        }
        "type" => {
            let end = to_semicolon(name);
            let is = (name..end).find(|at| source.is_punct(*at, b'=')).unwrap_or(end);
            add(name, end + 1, ItemKind::Alias(is..end))
        }
        "trait" => {
            let body = to_body(name);
            add(name, source.next(body), ItemKind::Trait(source.group(body)))
        }
        "impl" => {
            let body = to_body(name);
            let kind = ItemKind::Impl { header: name..body, body: source.group(body) };
            add(at, source.next(body), kind)
        }
        "macro_rules" if source.is_punct(name, b'!') => {
            let body = name + 2;
            add(name + 1, source.next(body), ItemKind::MacroRules(source.group(body)))
        }
        "const" => {
            let end = to_semicolon(at);
            let is = (name..end).find(|at| source.is_punct(*at, b'='));
            match is {
                Some(is) if source.is_ident(name) => {
                    add(name, end + 1, ItemKind::Const { ty: name + 2..is, value: is + 1..end })
                }
                _ => end + 1,
            }
        }
        "extern" => source.next(to_body(at)),
        _ if source.is_ident(at) => {
            let mut bang = at + 1;
            while source.is_path_sep(bang) && source.is_ident(bang + 2) {
                bang += 3;
            }
            if !source.is_punct(bang, b'!') || !matches!(source.kind(bang + 1), Some(Kind::Open(_)))
            {
                return at + 1;
            }
            let inner = source.group(bang + 1);
            match source.text(bang - 1) {
                "thread_local" | "lazy_static" => {
                    items.extend(statics(source, inner.start - 3..inner.end))
                }
                _ => {
                    add(bang - 1, inner.end + 1, ItemKind::MacroCall(inner.clone()));
                }
            }
            inner.end + 1
        }
        _ => source.next(at),
    }
}

/// Reads a static from its keyword on: its name, the token behind it, and what it is.
fn static_item(source: &Source, at: usize, by: DeclaredBy) -> Option<(usize, usize, ItemKind)> {
    let mutable = source.is(at + 1, "mut");
    let is_ref = source.is(at + 1, "ref");
    let mut name = at + 1 + usize::from(mutable || is_ref);
    if source.is_punct(name, b'$') {
        name += 1; // of a macro
    }
    if !source.is_ident(name) || !source.is_punct(name + 1, b':') || source.is_punct(name + 2, b':')
    {
        return None;
    }
    let mut end = name + 2;
    let mut depth = 0_usize;
    loop {
        match source.kind(end)? {
            Kind::Punct(b'<') => depth += 1,
            Kind::Punct(b'>')
                if !matches!(source.kind(end - 1), Some(Kind::Punct(b'-' | b'='))) =>
            {
                depth = depth.saturating_sub(1);
            }
            Kind::Punct(b'=') if depth == 0 => break,
            Kind::Punct(b';') | Kind::Close(_) if depth == 0 => break,
            _ => {}
        }
        end = source.next(end);
    }
    let ty = name + 2..end;
    let mut init = end;
    while !matches!(source.kind(init), None | Some(Kind::Punct(b';') | Kind::Close(_))) {
        init = source.next(init);
    }
    let by = if is_ref { DeclaredBy::LazyStatic } else { by };
    Some((name, init + 1, ItemKind::Static { mutable, ty, init: end..init, by }))
}

/// The statics that are declared anywhere among these tokens.
pub(super) fn statics(source: &Source, range: Range<usize>) -> Vec<Item> {
    let mut found = Vec::new();
    let mut thread_local = range.start;
    // The attributes in front of the current token.
    let mut attrs: Vec<Range<usize>> = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if source.is_punct(at, b'#') && source.is_open(at + 1, b'[') {
            attrs.push(source.group(at + 1));
            at = source.next(at + 1);
            continue;
        }
        let kind = source.kind(at);
        if kind == Some(Kind::Ident) {
            match source.text(at) {
                "thread_local" if source.is_punct(at + 1, b'!') => {
                    thread_local = source.close(at + 2)
                }
                "static" => {
                    let by = match at < thread_local {
                        true => DeclaredBy::ThreadLocal,
                        false => DeclaredBy::Static,
                    };
                    if let Some((name, end, kind)) = static_item(source, at, by) {
                        if attrs.iter().all(|attr| is_compiled(source, attr)) {
                            let attrs = std::mem::take(&mut attrs);
                            found.push(Item { attrs, is_pub: false, name, whole: at..end, kind });
                        }
                    }
                }
                "pub" | "crate" => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
        }
        // `pub(crate)` may stand between an attribute and its item.
        if !matches!(kind, Some(Kind::Open(b'(') | Kind::Close(b')'))) {
            attrs.clear();
        }
        at += 1;
    }
    found
}

/// The `use` declarations among the tokens of a body.
pub(super) fn imports(source: &Source, range: &Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in range.clone() {
        let begins = at == range.start
            || matches!(
                source.kind(at - 1),
                Some(Kind::Open(b'{') | Kind::Close(b'}' | b']') | Kind::Punct(b';'))
            );
        if begins && source.is(at, "use") {
            let mut end = at;
            while end < range.end && !source.is_punct(end, b';') {
                end = source.next(end);
            }
            found.push(at + 1..end);
        }
    }
    found
}
