//! The functions that request code can reach, by names. A method call reaches the methods of that
//! name of all types that request code names; the functions that a type implements for a trait of
//! another crate, such as `Drop`, are reached with the type.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::index::{self, Code, Def, Index, Role, Target, TypeKind};
use super::items;
use super::lexer::{Kind, Source};

/// A mention of a global.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) global: usize,
    /// The last token of the path.
    pub(super) at: usize,
}

/// A call of a function of another crate.
pub(super) struct Foreign<'a> {
    pub(super) path: Vec<&'a str>,
    /// The first token.
    pub(super) at: usize,
}

/// All that a function names.
#[derive(Default)]
pub(super) struct Refs<'a> {
    calls: Vec<usize>,
    /// Functions that are called to fill a cell, and so not for each event.
    called_once: Vec<usize>,
    /// The functions that return the layers of a handler. They are called in INIT, and contain what the
    /// layers call for each event.
    pub(super) layers: Vec<usize>,
    methods: Vec<&'a str>,
    types: Vec<usize>,
    pub(super) uses: Vec<Use>,
    /// The paths of constants and globals, as written.
    pub(super) values: Vec<(Vec<&'a str>, Def)>,
    pub(super) foreign: Vec<Foreign<'a>>,
}

/// The names in each function, read when they are first needed.
pub(super) struct Graph<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    refs: Vec<OnceCell<Refs<'a>>>,
    /// The types that resources are made of: request code gets them without naming them.
    resources: OnceCell<Vec<usize>>,
}

/// The functions that can be reached from some of the roots.
pub(super) struct Reach {
    /// In the order in which they were found.
    pub(super) codes: Vec<usize>,
    /// The function that a function is reached from; its own index for a root.
    from: HashMap<usize, usize>,
}

impl Reach {
    pub(super) fn contains(&self, code: usize) -> bool {
        self.from.contains_key(&code)
    }

    /// The way to a function, from the root on.
    pub(super) fn way(&self, code: usize) -> Vec<usize> {
        let mut way = vec![code];
        let mut at = code;
        while let Some(&from) = self.from.get(&at).filter(|from| **from != at) {
            way.push(from);
            at = from;
        }
        way.reverse();
        way
    }
}

impl<'i, 'a> Graph<'i, 'a> {
    pub(super) fn new(index: &'i Index<'a>) -> Self {
        let refs = index.codes.iter().map(|_| OnceCell::new()).collect();
        Self { index, refs, resources: OnceCell::new() }
    }

    /// All that a function names.
    pub(super) fn refs(&self, code: usize) -> &Refs<'a> {
        self.refs[code].get_or_init(|| read(self.index, code))
    }

    /// True if one of two functions calls the other.
    pub(super) fn are_neighbours(&self, one: usize, other: usize) -> bool {
        let calls = |caller, called| self.refs(caller).calls.contains(&called);
        calls(one, other) || calls(other, one)
    }

    /// Follows all names from these functions on; without `once`, only what runs for each event.
    pub(super) fn reach(&self, roots: &[usize], once: bool) -> Reach {
        let index = self.index;
        let mut walk = Walk {
            graph: self,
            from: HashMap::new(),
            queue: VecDeque::new(),
            wanted: HashMap::new(),
            live: HashSet::new(),
        };
        for root in roots {
            walk.visit(*root, *root);
        }
        if let Some(root) = roots.first() {
            for ty in self.resources() {
                walk.live(*ty, *root);
            }
        }
        let (mut codes, mut globals) = (Vec::new(), HashSet::new());
        while let Some(code) = walk.queue.pop_front() {
            codes.push(code);
            let refs = self.refs(code);
            let called_once = refs.called_once.iter().filter(|_| once);
            for called in refs.calls.iter().chain(called_once) {
                walk.visit(*called, code);
            }
            let owner = index.codes[code].owner.and_then(|owner| index.impls[owner].of);
            for ty in refs.types.iter().copied().chain(owner) {
                walk.live(ty, code);
            }
            for method in &refs.methods {
                walk.want(method, code);
            }
            for used in refs.uses.iter().filter(|used| globals.insert(used.global)) {
                let global = &index.globals[used.global];
                let source = index.source(global.declared_in);
                for range in [&global.ty, &global.init] {
                    for def in named(index, source, global.declared_in, range) {
                        match def {
                            Def::Type(ty) => walk.live(ty, code),
                            // A function in a table.
                            Def::Code(called) => walk.visit(called, code),
                            Def::Global(_) | Def::Const(_) | Def::Module(_) => {}
                        }
                    }
                }
            }
        }
        Reach { codes, from: walk.from }
    }

    fn resources(&self) -> &[usize] {
        self.resources.get_or_init(|| {
            let inits = (0..self.index.codes.len())
                .filter(|code| self.index.codes[*code].role == Role::Init);
            inits.flat_map(|code| self.refs(code).types.iter().copied()).collect()
        })
    }
}

struct Walk<'g, 'i, 'a> {
    graph: &'g Graph<'i, 'a>,
    from: HashMap<usize, usize>,
    queue: VecDeque<usize>,
    /// The methods that are called, with the first caller of each.
    wanted: HashMap<&'a str, usize>,
    /// The types that are named.
    live: HashSet<usize>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn visit(&mut self, code: usize, from: usize) {
        // A resource is built in INIT, and its function is not called in an invocation.
        if self.graph.index.codes[code].role == Role::Init {
            return;
        }
        if let std::collections::hash_map::Entry::Vacant(entry) = self.from.entry(code) {
            entry.insert(from);
            self.queue.push_back(code);
        }
    }

    fn want(&mut self, method: &'a str, caller: usize) {
        if self.wanted.contains_key(method) {
            return;
        }
        self.wanted.insert(method, caller);
        let index = self.graph.index;
        for code in index.functions_named(method) {
            let of = index.codes[*code].owner.and_then(|owner| index.impls[owner].of);
            if of.is_none_or(|ty| self.live.contains(&ty)) {
                self.visit(*code, caller);
            }
        }
    }

    fn live(&mut self, ty: usize, from: usize) {
        if !self.live.insert(ty) {
            return;
        }
        let index = self.graph.index;
        for it in index.types[ty].impls.iter().map(|id| &index.impls[*id]) {
            for code in &it.codes {
                let name = index.codes[*code].name;
                // `default` is only called by name.
                let implicit = it.foreign && it.of_trait != Some("Default");
                if implicit {
                    self.visit(*code, from);
                } else if let Some(caller) = self.wanted.get(name) {
                    self.visit(*code, *caller);
                }
            }
        }
        let def = &index.types[ty];
        if def.kind != TypeKind::Trait {
            for below in named(index, index.source(def.module), def.module, &def.body) {
                if let Def::Type(below) = below {
                    self.live(below, from);
                }
            }
        }
    }
}

/// The items of the crate that are named among these tokens, and not called there.
fn named(index: &Index<'_>, source: &Source, module: usize, range: &Range<usize>) -> Vec<Def> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if !source.is_ident(at) || source.is_punct(at.wrapping_sub(1), b'.') {
            at += 1;
            continue;
        }
        let (path, end) = index::path(source, at);
        if let Target::Own(defs, _) = index.resolve_at(module, &path) {
            let is_call = source.is_open(end, b'(');
            found.extend(defs.into_iter().filter(|def| !is_call || matches!(def, Def::Type(_))));
        }
        at = end;
    }
    found
}

/// Reads the names in a function.
fn read<'a>(index: &Index<'a>, code: usize) -> Refs<'a> {
    let code = &index.codes[code];
    let source = index.source(code.module);
    let bound = bound(source, code);
    let mut refs = Refs::default();
    if let Some(path) = &code.layer {
        if let Target::Own(defs, _) = index.resolve_at(code.module, path) {
            let called = |def| if let Def::Code(called) = def { Some(called) } else { None };
            refs.layers = defs.into_iter().filter_map(called).collect();
        }
        refs.called_once.extend(&refs.layers);
        refs.methods.extend(["layer", "poll_ready", "call"]);
    }
    let mut once_until = 0;
    for range in [&code.sig, &code.body] {
        let mut at = range.start;
        while at < range.end {
            if let Some(end) = once(source, at) {
                once_until = end.max(once_until);
            }
            let (calls, foreign) = (refs.calls.len(), refs.foreign.len());
            if source.is_punct(at, b'#') && source.is_open(at + 1, b'[') {
                let attr = source.group(at + 1);
                at = source.next(at + 1);
                if !items::is_compiled(source, &attr) {
                    at = statement_end(source, at, range.end);
                }
                continue;
            }
            at = match source.kind(at) {
                Some(Kind::Ident) => name(index, source, code, &bound, at, &mut refs),
                _ => at + 1,
            };
            if at <= once_until {
                refs.foreign.truncate(foreign);
                let called = refs.calls.split_off(calls);
                refs.called_once.extend(called);
            }
        }
    }
    refs
}

/// The end of the code that fills a cell, if that begins at this token: the argument of
/// `get_or_init`, or the initialiser of a static.
fn once(source: &Source, at: usize) -> Option<usize> {
    match source.text(at) {
        "get_or_init" | "get_or_try_init" | "get_or_insert_with" | "call_once"
            if source.is_open(at + 1, b'(') =>
        {
            Some(source.close(at + 1))
        }
        "static" if source.is_ident(at) => {
            let mut end = at;
            while !matches!(source.kind(end), None | Some(Kind::Punct(b';') | Kind::Close(_))) {
                end = source.next(end);
            }
            Some(end)
        }
        _ => None,
    }
}

/// Reads the path or method at a token, and returns the token behind it.
fn name<'a>(
    index: &Index<'a>,
    source: &'a Source,
    code: &Code<'a>,
    bound: &HashSet<&'a str>,
    at: usize,
    refs: &mut Refs<'a>,
) -> usize {
    let before = at.wrapping_sub(1);
    let is_field = source.is_punct(before, b'.') && !source.is_punct(before.wrapping_sub(1), b'.');
    let behind_type =
        source.is_punct(before, b':') && source.is_punct(before.wrapping_sub(1), b':');
    if is_field || behind_type {
        let is_call = source.is_open(at + 1, b'(') || source.is_path_sep(at + 1);
        if is_call {
            let method = source.text(at);
            let of_self = is_field
                && source.is(at.wrapping_sub(2), "self")
                && !source.is_punct(at.wrapping_sub(3), b'.');
            let own = if of_self { own_methods(index, code, method) } else { &[] };
            match own.is_empty() {
                true => refs.methods.push(method),
                false => refs.calls.extend(own),
            }
        }
        if matches!(source.text(at), "unwrap_or_default" | "or_default") {
            refs.methods.push("default");
        }
        return at + 1;
    }
    let (path, end) = index::path(source, at);
    if source.is_punct(end, b'!') && !source.is_punct(end + 1, b'=') {
        let name = path.last().copied().unwrap_or_default();
        refs.calls.extend(index.macros_named(name));
        return end + 1;
    }
    let last = path.last().copied().unwrap_or_default();
    if path.len() == 1 {
        let is_declared = matches!(
            source.text(before),
            "fn" | "struct" | "enum" | "mod" | "trait" | "static" | "const" | "let"
        );
        let is_label = source.is_punct(end, b':') && !source.is_punct(end + 1, b':');
        if is_declared || is_label || bound.contains(last) {
            return end;
        }
    }
    if path[0] == "Self" {
        if let Some(owner) = code.owner {
            refs.types.extend(index.impls[owner].of);
            if path.len() > 1 {
                let own = own_methods(index, code, last);
                match own.is_empty() {
                    true => refs.methods.push(last),
                    false => refs.calls.extend(own),
                }
            }
        }
        return end;
    }
    match index.resolve_in(code, &path) {
        Target::Own(defs, rest) => {
            for def in defs {
                if rest.is_empty() && matches!(def, Def::Const(_) | Def::Global(_)) {
                    refs.values.push((path.clone(), def));
                }
                match def {
                    Def::Code(called) => refs.calls.push(called),
                    Def::Global(global) => refs.uses.push(Use { global, at: end - 1 }),
                    Def::Type(ty) => named_type(index, ty, &rest, refs),
                    Def::Const(_) | Def::Module(_) => {}
                }
            }
        }
        Target::Other(path) => {
            if code.role == Role::Macro && path.len() == 1 && index::is_global_name(source, at) {
                // The name is looked up where the macro is called.
                let named = |global: &usize| index.globals[*global].name == last;
                let named = (0..index.globals.len()).filter(named);
                refs.uses.extend(named.map(|global| Use { global, at: end - 1 }));
            }
            if path.len() > 1 {
                if last == "default" {
                    refs.methods.push(last);
                }
                let is_call = source.is_open(end, b'(');
                refs.foreign.extend(is_call.then_some(Foreign { path, at }));
            }
        }
    }
    end
}

/// `Type`, or `Type::function`.
fn named_type<'a>(index: &Index<'a>, ty: usize, rest: &[&'a str], refs: &mut Refs<'a>) {
    let target = match index.types[ty].kind {
        TypeKind::Alias => index.type_of(index.types[ty].module, &[index.types[ty].name]),
        _ => Some(ty),
    };
    refs.types.push(ty);
    let Some(ty) = target else { return };
    refs.types.push(ty);
    let Some(function) = rest.first() else { return };
    if index.types[ty].kind == TypeKind::Trait {
        refs.methods.push(function);
    }
    refs.calls.extend(index.functions_of(ty, function));
}

/// The functions of this name of the type that a function is part of.
fn own_methods<'i, 'a>(index: &'i Index<'a>, code: &Code<'_>, name: &'a str) -> &'i [usize] {
    match code.owner.and_then(|owner| index.impls[owner].of) {
        Some(ty) => index.functions_of(ty, name),
        None => &[],
    }
}

/// The variables and parameters of a function, which shadow functions.
fn bound<'a>(source: &'a Source, code: &Code<'a>) -> HashSet<&'a str> {
    let mut bound = HashSet::new();
    let lower = |at: usize| {
        source.is_ident(at) && source.text(at).starts_with(|c: char| c.is_lowercase() || c == '_')
    };
    for at in code.sig.clone() {
        if lower(at) && source.is_punct(at + 1, b':') && !source.is_punct(at + 2, b':') {
            bound.insert(source.text(at));
        }
    }
    let mut in_pattern = false;
    for at in code.body.clone() {
        match source.kind(at) {
            Some(Kind::Ident) => match source.text(at) {
                "let" | "for" => in_pattern = true,
                "in" => in_pattern = false,
                // `|` may also be the operator, in front of a call.
                text if (in_pattern || source.is_punct(at - 1, b'|'))
                    && lower(at)
                    && !source.is_open(at + 1, b'(') =>
                {
                    bound.insert(text);
                }
                _ => {}
            },
            Some(Kind::Punct(b'=' | b';' | b':')) => in_pattern = false,
            _ => {}
        }
    }
    bound
}

/// The end of the statement, arm or element that begins at a token.
fn statement_end(source: &Source, mut at: usize, end: usize) -> usize {
    while at < end {
        match source.kind(at) {
            Some(Kind::Punct(b';' | b',')) => return at + 1,
            Some(Kind::Close(_)) => return at,
            Some(Kind::Open(b'{')) => return source.next(at),
            _ => at = source.next(at),
        }
    }
    end
}
