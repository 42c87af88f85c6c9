//! The names of a crate: its functions, macros, globals and types, and what a path in one of its
//! modules stands for.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::files::{Crate, Module};
use super::items::{self, DeclaredBy, Item, ItemKind};
use super::lexer::{Kind, Source};

/// All names of a crate.
pub(super) struct Index<'a> {
    pub(super) krate: &'a Crate,
    /// By the index of the module.
    names: Vec<Names<'a>>,
    /// The modules whose names each module imports by globs.
    globs: Vec<Vec<usize>>,
    pub(super) codes: Vec<Code<'a>>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) types: Vec<TypeDef<'a>>,
    pub(super) consts: Vec<Const>,
    pub(super) impls: Vec<Impl<'a>>,
    pub(super) allows: Vec<Allow<'a>>,
    macros: HashMap<&'a str, Vec<usize>>,
    by_name: HashMap<&'a str, Vec<usize>>,
    /// The functions of each type.
    of_types: HashMap<(usize, &'a str), Vec<usize>>,
    /// True if the crate asks for an audit of its public functions.
    pub(super) audited: Option<(usize, usize)>,
}

/// The item of a name, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Def {
    Module(usize),
    Code(usize),
    Global(usize),
    Type(usize),
    Const(usize),
}

/// The items of a path.
pub(super) enum Target<'a> {
    /// Items of the crate, and the segments behind them.
    Own(Vec<Def>, Vec<&'a str>),
    /// An item of another crate, or a local variable.
    Other(Vec<&'a str>),
}

/// The names that a module or a body declares and imports.
#[derive(Default)]
pub(super) struct Names<'a> {
    defs: HashMap<&'a str, Vec<Def>>,
    uses: HashMap<&'a str, Vec<&'a str>>,
    globs: Vec<Vec<&'a str>>,
}

/// The attribute of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Handler,
    Cached,
    Init,
    Function,
    Macro,
}

/// A function or a macro.
pub(super) struct Code<'a> {
    pub(super) role: Role,
    pub(super) name: &'a str,
    /// The token of its name.
    pub(super) at: usize,
    pub(super) module: usize,
    pub(super) item: Range<usize>,
    pub(super) sig: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) is_pub: bool,
    /// The lints that the options of its attribute allow.
    pub(super) allowed: Vec<&'a str>,
    /// The attribute that keeps its results in a static, of a crate such as `cached`.
    pub(super) memoized: Option<usize>,
    /// True for an HTTP handler that returns a service: its body runs in INIT.
    pub(super) is_service: bool,
    /// True for a handler whose response is streamed.
    pub(super) streams: bool,
    /// The path of the function that returns a handler's layers.
    pub(super) layer: Option<Vec<&'a str>>,
    /// True for a resource with `restore = keep`.
    pub(super) is_kept: bool,
    pub(super) allows: Vec<usize>,
    /// The `impl` that it is part of.
    pub(super) owner: Option<usize>,
    imports: Names<'a>,
}

impl Code<'_> {
    /// True if an attribute of this library reports the faults of the function.
    pub(super) fn has_attribute(&self) -> bool {
        matches!(self.role, Role::Handler | Role::Cached | Role::Init)
    }
}

/// A static.
pub(super) struct Global<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    pub(super) module: usize,
    pub(super) mutable: bool,
    pub(super) by: DeclaredBy,
    pub(super) ty: Range<usize>,
    pub(super) init: Range<usize>,
    /// The file that its type stands in, which for a static of a macro is that of the macro.
    pub(super) declared_in: usize,
    pub(super) allows: Vec<usize>,
}

/// A constant of a module.
pub(super) struct Const {
    pub(super) module: usize,
    pub(super) ty: Range<usize>,
    pub(super) value: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeKind {
    Fields,
    Alias,
    Trait,
}

/// A type or a trait.
pub(super) struct TypeDef<'a> {
    pub(super) name: &'a str,
    pub(super) module: usize,
    pub(super) kind: TypeKind,
    /// Its fields, or the type that an alias stands for.
    pub(super) body: Range<usize>,
    pub(super) impls: Vec<usize>,
}

/// An `impl`, or the functions of a trait.
pub(super) struct Impl<'a> {
    module: usize,
    header: Range<usize>,
    /// The type of the crate that it is for.
    pub(super) of: Option<usize>,
    /// The last segment of the trait.
    pub(super) of_trait: Option<&'a str>,
    /// True if the trait is one of another crate, which may call its functions.
    pub(super) foreign: bool,
    pub(super) codes: Vec<usize>,
}

/// A `#[rewarm::allow(…)]`.
pub(super) struct Allow<'a> {
    pub(super) source: usize,
    /// The first token of its path.
    pub(super) at: usize,
    pub(super) lints: Vec<&'a str>,
}

impl<'a> Index<'a> {
    pub(super) fn new(krate: &'a Crate) -> Self {
        let mut index = Self {
            krate,
            names: krate.modules.iter().map(|_| Names::default()).collect(),
            globs: vec![Vec::new(); krate.modules.len()],
            codes: Vec::new(),
            globals: Vec::new(),
            types: Vec::new(),
            consts: Vec::new(),
            impls: Vec::new(),
            allows: Vec::new(),
            macros: HashMap::new(),
            by_name: HashMap::new(),
            of_types: HashMap::new(),
            audited: None,
        };
        let mut inherited: Vec<Vec<usize>> = vec![Vec::new(); krate.modules.len()];
        let below = |(id, it): (usize, &'a Module)| Some(((it.parent?, it.name.as_str()), id));
        let below: HashMap<_, _> = krate.modules.iter().enumerate().filter_map(below).collect();
        for (id, module) in krate.modules.iter().enumerate() {
            if let Some(parent) = module.parent {
                index.names[parent].defs.entry(&module.name).or_default().push(Def::Module(id));
            }
            let allows = inherited[id].clone();
            for item in &module.items {
                let of_item = index.item(id, item, &allows);
                if let ItemKind::Mod(Some(_)) = item.kind {
                    let source = &krate.sources[module.source];
                    let name = source.text(item.name);
                    if let Some(below) = below.get(&(id, name)) {
                        inherited[*below] = of_item;
                    }
                }
            }
        }
        index.declared_by_macros();
        index.resolve_globs();
        index.resolve_impls();
        index
    }

    /// The file of a module.
    pub(super) fn source(&self, module: usize) -> &'a Source {
        &self.krate.sources[self.krate.modules[module].source]
    }

    /// Adds an item. Returns the allows that hold in it.
    fn item(&mut self, module: usize, item: &'a Item, allows: &[usize]) -> Vec<usize> {
        let source = self.source(module);
        let allows = self.with_allows(module, item, allows);
        let name = source.text(item.name);
        match &item.kind {
            ItemKind::Fn { sig, body } => {
                let code = self.function(module, item, sig, body, None, &allows);
                self.define(module, name, Def::Code(code));
            }
            ItemKind::Static { ty, init, .. } => {
                if let Some(global) = self.global(module, item, &allows) {
                    self.define(module, name, Def::Global(global));
                } else if item.attrs.iter().any(|attr| self.role(module, attr) == Some(Role::Init))
                {
                    // Its initialiser is a function that INIT calls.
                    self.function(module, item, ty, init, None, &allows);
                }
            }
            ItemKind::Const { ty, value } => {
                self.define(module, name, Def::Const(self.consts.len()));
                self.consts.push(Const { module, ty: ty.clone(), value: value.clone() });
            }
            ItemKind::Use(tree) => import(source, tree.clone(), &[], &mut self.names[module]),
            ItemKind::Type(body) => self.type_def(module, name, TypeKind::Fields, body),
            ItemKind::Alias(body) => self.type_def(module, name, TypeKind::Alias, body),
            ItemKind::Trait(body) => {
                self.type_def(module, name, TypeKind::Trait, body);
                self.implementation(module, 0..0, body, Some(name), &allows);
            }
            ItemKind::Impl { header, body } => {
                self.implementation(module, header.clone(), body, None, &allows);
            }
            ItemKind::MacroRules(body) => {
                let code = self.code(Role::Macro, module, item, &(0..0), body, &allows);
                self.macros.entry(name).or_default().push(code);
            }
            ItemKind::MacroCall(_) if name == "audit" => {
                self.audited = Some((self.krate.modules[module].source, item.whole.start));
            }
            ItemKind::Mod(_) | ItemKind::MacroCall(_) => {}
        }
        allows
    }

    /// These allows, and those on an item.
    fn with_allows(&mut self, module: usize, item: &Item, outer: &[usize]) -> Vec<usize> {
        let mut allows = outer.to_vec();
        for attr in &item.attrs {
            if let Some(lints) = allow_attribute(self.source(module), attr) {
                allows.push(self.allows.len());
                let source = self.krate.modules[module].source;
                self.allows.push(Allow { source, at: attr.start, lints });
            }
        }
        allows
    }

    fn define(&mut self, module: usize, name: &'a str, def: Def) {
        self.names[module].defs.entry(name).or_default().push(def);
    }

    fn type_def(&mut self, module: usize, name: &'a str, kind: TypeKind, body: &Range<usize>) {
        self.define(module, name, Def::Type(self.types.len()));
        self.types.push(TypeDef { name, module, kind, body: body.clone(), impls: Vec::new() });
    }

    fn implementation(
        &mut self,
        module: usize,
        header: Range<usize>,
        body: &Range<usize>,
        of_trait: Option<&'a str>,
        allows: &[usize],
    ) {
        let id = self.impls.len();
        self.impls.push(Impl {
            module,
            header,
            of: None,
            of_trait,
            foreign: false,
            codes: Vec::new(),
        });
        let source = self.source(module);
        for item in items::items(source, body.clone()) {
            let allows = self.with_allows(module, &item, allows);
            if let ItemKind::Fn { sig, body } = &item.kind {
                let code = self.function(module, &item, sig, body, Some(id), &allows);
                self.impls[id].codes.push(code);
                self.by_name.entry(source.text(item.name)).or_default().push(code);
            }
        }
    }

    fn function(
        &mut self,
        module: usize,
        item: &Item,
        sig: &Range<usize>,
        body: &Range<usize>,
        owner: Option<usize>,
        allows: &[usize],
    ) -> usize {
        let source = self.source(module);
        let mut role = Role::Function;
        let (mut allowed, mut layer) = (Vec::new(), None);
        let (mut is_service, mut streams, mut is_kept) = (false, false, false);
        let is_memoizing = |attr: &&Range<usize>| self.is_memoizing(module, attr);
        let memoized = item.attrs.iter().find(is_memoizing).map(|attr| attr.start);
        for attr in &item.attrs {
            if let Some(found) = self.role(module, attr) {
                role = found;
                allowed = option_allow(source, attr);
                let takes_event = |at| ["Request", "LambdaEvent"].contains(&source.text(at));
                let has = |option| {
                    attr.clone().any(|at| {
                        let is_option = source.is(at, option) && !source.is_path_sep(at + 1);
                        is_option && !source.is_punct(at.wrapping_sub(1), b':')
                    })
                };
                streams = has("streaming");
                is_service = has("http") && !sig.clone().any(takes_event);
                let is_layer = |at: &usize| {
                    source.is(*at, "layer")
                        && source.is_punct(*at + 1, b'=')
                        && source.is_ident(*at + 2)
                };
                layer = attr.clone().find(is_layer).map(|at| path(source, at + 2).0);
                let keeps = |at| source.is(at, "restore") && source.is(at + 2, "keep");
                is_kept = role == Role::Init && attr.clone().any(keeps);
            }
        }
        let code = self.code(role, module, item, sig, body, allows);
        self.codes[code].is_kept = is_kept;
        self.codes[code].owner = owner;
        self.codes[code].allowed = allowed;
        self.codes[code].is_service = is_service;
        self.codes[code].streams = streams;
        self.codes[code].layer = layer;
        self.codes[code].memoized = memoized;
        code
    }

    /// The attribute of this library, also under another name.
    fn role(&self, module: usize, attr: &Range<usize>) -> Option<Role> {
        let source = self.source(module);
        let (path, _) = path(source, attr.start);
        let path = match self.names[module].uses.get(path.first()?) {
            Some(target) => target.iter().chain(&path[1..]).copied().collect(),
            None => path,
        };
        let role = match *path.last()? {
            "handler" => Role::Handler,
            "cached" => Role::Cached,
            "init" => Role::Init,
            _ => return None,
        };
        // Other crates have attributes of these names. This one may be renamed.
        let others = ["cached", "poem", "salvo"];
        (path.len() < 3 && (path.len() < 2 || !others.contains(&path[0]))).then_some(role)
    }

    /// True for an attribute that keeps the results of a function in a static.
    fn is_memoizing(&self, module: usize, attr: &Range<usize>) -> bool {
        let (path, _) = path(self.source(module), attr.start);
        let path = match self.names[module].uses.get(path[0]) {
            Some(target) => target.iter().chain(&path[1..]).copied().collect(),
            None => path,
        };
        path.len() > 1 && ["cached", "memoize"].contains(&path[0])
    }

    fn code(
        &mut self,
        role: Role,
        module: usize,
        item: &Item,
        sig: &Range<usize>,
        body: &Range<usize>,
        allows: &[usize],
    ) -> usize {
        let source = self.source(module);
        let mut imports = Names::default();
        for tree in items::imports(source, body) {
            import(source, tree, &[], &mut imports);
        }
        for item in items::statics(source, body.clone()) {
            let allows = self.with_allows(module, &item, allows);
            let is_template = source.is_punct(item.name - 1, b'$');
            let global = if is_template { None } else { self.global(module, &item, &allows) };
            if let Some(global) = global {
                imports.defs.entry(source.text(item.name)).or_default().push(Def::Global(global));
            }
        }
        self.codes.push(Code {
            role,
            name: source.text(item.name),
            at: item.name,
            module,
            item: item.whole.clone(),
            sig: sig.clone(),
            body: body.clone(),
            is_pub: item.is_pub,
            allowed: Vec::new(),
            memoized: None,
            is_service: false,
            streams: false,
            layer: None,
            is_kept: false,
            allows: allows.to_vec(),
            owner: None,
            imports,
        });
        self.codes.len() - 1
    }

    /// Adds a static, unless it belongs to this library, to the linker or to the allocator.
    fn global(&mut self, module: usize, item: &Item, allows: &[usize]) -> Option<usize> {
        let source = self.source(module);
        let ItemKind::Static { mutable, ty, init, by } = &item.kind else {
            return None;
        };
        let is_excluded = |attr: &Range<usize>| {
            let (path, _) = path(source, attr.start);
            let last = path.last().copied().unwrap_or_default();
            ["init", "global_allocator", "distributed_slice", "link_section", "no_mangle"]
                .contains(&last)
        };
        if item.attrs.iter().any(is_excluded) {
            return None;
        }
        self.globals.push(Global {
            name: source.text(item.name),
            at: item.name,
            module,
            mutable: *mutable,
            by: *by,
            ty: ty.clone(),
            init: init.clone(),
            declared_in: module,
            allows: allows.to_vec(),
        });
        Some(self.globals.len() - 1)
    }

    /// Adds the functions and statics that calls of macros in place of items declare: `counter!(HITS);`,
    /// with `static $name: AtomicU64` in the macro.
    fn declared_by_macros(&mut self) {
        for (module, items) in self.krate.modules.iter().map(|it| &it.items).enumerate() {
            for item in items {
                let ItemKind::MacroCall(args) = &item.kind else { continue };
                let source = self.source(module);
                let macros = self.macros.get(source.text(item.name)).cloned().unwrap_or_default();
                for code in macros {
                    let (declared_in, body) =
                        (self.codes[code].module, self.codes[code].body.clone());
                    let file = self.source(declared_in);
                    for at in body.clone().filter(|at| file.is(*at, "fn") && file.is_ident(at + 1))
                    {
                        self.define(module, file.text(at + 1), Def::Code(code));
                    }
                    let templates = items::statics(file, body);
                    for template in templates.iter().filter(|it| file.is_punct(it.name - 1, b'$')) {
                        let ItemKind::Static { mutable, ty, init, by } = &template.kind else {
                            continue;
                        };
                        let is_argument = |at: &usize| {
                            let before = source.text(*at - 1);
                            is_global_name(source, *at)
                                && ["(", "{", "[", ",", ";", "static", "pub", "ref"]
                                    .contains(&before)
                        };
                        for at in args.clone().filter(is_argument) {
                            self.define(module, source.text(at), Def::Global(self.globals.len()));
                            self.globals.push(Global {
                                name: source.text(at),
                                at,
                                module,
                                mutable: *mutable,
                                by: *by,
                                ty: ty.clone(),
                                init: init.clone(),
                                declared_in,
                                allows: Vec::new(),
                            });
                        }
                    }
                }
            }
        }
    }

    fn resolve_impls(&mut self) {
        for id in 0..self.impls.len() {
            let Impl { module, ref header, .. } = self.impls[id];
            let source = self.source(module);
            let header = header.clone();
            if header.is_empty() {
                continue;
            }
            let start = if source.is_punct(header.start, b'<') {
                generics_end(source, header.start)
            } else {
                header.start
            };
            let is_for = |at: &usize| source.is(*at, "for") && !source.is_punct(at + 1, b'<');
            let split = (start..header.end).find(is_for);
            let first_path = |range: Range<usize>| {
                let starts = |at: &usize| {
                    source.is_ident(*at) && !["dyn", "mut", "const"].contains(&source.text(*at))
                };
                range.clone().find(starts).map(|at| path(source, at).0)
            };
            let of = first_path(split.map_or(start, |at| at + 1)..header.end);
            let of = of.and_then(|path| self.type_of(module, &path));
            let of_trait = split.and_then(|at| first_path(start..at));
            let foreign =
                of_trait.as_ref().is_some_and(|path| self.type_of(module, path).is_none());
            if let Some(of) = of {
                self.types[of].impls.push(id);
                for code in self.impls[id].codes.clone() {
                    self.of_types.entry((of, self.codes[code].name)).or_default().push(code);
                }
            }
            let it = &mut self.impls[id];
            it.of = of;
            it.foreign = foreign;
            it.of_trait = of_trait.and_then(|path| path.last().copied());
        }
    }

    /// The type of the crate that a path stands for, with aliases followed.
    pub(super) fn type_of(&self, module: usize, path: &[&'a str]) -> Option<usize> {
        let (mut module, mut written) = (module, path.to_vec());
        for _ in 0..8 {
            let Target::Own(defs, _) = self.resolve(module, None, &written) else {
                return None;
            };
            let ty = defs.iter().find_map(|def| match def {
                Def::Type(ty) => Some(*ty),
                _ => None,
            })?;
            let def = &self.types[ty];
            if def.kind != TypeKind::Alias {
                return Some(ty);
            }
            let source = self.source(def.module);
            let at = def.body.clone().find(|at| source.is_ident(*at))?;
            module = def.module;
            written = self::path(source, at).0;
        }
        None
    }

    /// The functions and traits' functions of this name.
    pub(super) fn functions_named(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The functions of this name of a type.
    pub(super) fn functions_of(&self, ty: usize, name: &'a str) -> &[usize] {
        self.of_types.get(&(ty, name)).map_or(&[], Vec::as_slice)
    }

    /// The macros of this name.
    pub(super) fn macros_named(&self, name: &str) -> &[usize] {
        self.macros.get(name).map_or(&[], Vec::as_slice)
    }

    /// Resolves a path in a function or macro.
    pub(super) fn resolve_in(&self, code: &Code<'a>, path: &[&'a str]) -> Target<'a> {
        self.resolve(code.module, Some(&code.imports), path)
    }

    /// Resolves a path in a module.
    pub(super) fn resolve_at(&self, module: usize, path: &[&'a str]) -> Target<'a> {
        self.resolve(module, None, path)
    }

    fn resolve(&self, module: usize, names: Option<&Names<'a>>, path: &[&'a str]) -> Target<'a> {
        self.resolve_within(module, names, path, 8)
    }

    /// `depth` limits the imports that are followed, which may be circular.
    fn resolve_within(
        &self,
        module: usize,
        names: Option<&Names<'a>>,
        path: &[&'a str],
        depth: usize,
    ) -> Target<'a> {
        let other = || Target::Other(path.to_vec());
        let (Some((first, rest)), Some(depth)) = (path.split_first(), depth.checked_sub(1)) else {
            return other();
        };
        match *first {
            "crate" => return self.walk(0, rest, depth).unwrap_or_else(other),
            "self" => return self.walk(module, rest, depth).unwrap_or_else(other),
            "super" => {
                let parent = self.krate.modules[module].parent.unwrap_or(0);
                let found = match rest.first() {
                    Some(&"super") => Some(self.resolve_within(parent, None, rest, depth)),
                    _ => self.walk(parent, rest, depth),
                };
                return found.unwrap_or_else(other);
            }
            _ => {}
        }
        if let Some(names) = names {
            if let Some(defs) = names.defs.get(first) {
                return Target::Own(defs.clone(), rest.to_vec());
            }
            if let Some(target) = names.uses.get(first) {
                let path: Vec<_> = target.iter().chain(rest).copied().collect();
                return self.resolve_within(module, None, &path, depth);
            }
            for glob in &names.globs {
                let below = self.module_of(module, glob, depth);
                if let Some(found) = below.and_then(|it| self.member(it, first, rest, depth)) {
                    return found;
                }
            }
        }
        self.member(module, first, rest, depth).unwrap_or_else(other)
    }

    /// A path from a module on.
    fn walk(&self, module: usize, path: &[&'a str], depth: usize) -> Option<Target<'a>> {
        match path.split_first() {
            Some((first, rest)) => self.member(module, first, rest, depth),
            None => Some(Target::Own(vec![Def::Module(module)], Vec::new())),
        }
    }

    /// A path that begins with a name of a module, or with one that it imports by a glob.
    fn member(
        &self,
        module: usize,
        name: &'a str,
        rest: &[&'a str],
        depth: usize,
    ) -> Option<Target<'a>> {
        let globs = self.globs[module].iter().copied();
        std::iter::once(module).chain(globs).find_map(|it| self.own_member(it, name, rest, depth))
    }

    fn own_member(
        &self,
        module: usize,
        name: &'a str,
        rest: &[&'a str],
        depth: usize,
    ) -> Option<Target<'a>> {
        let names = &self.names[module];
        if let Some(defs) = names.defs.get(name) {
            let below = defs.iter().find_map(|def| match def {
                Def::Module(below) if !rest.is_empty() => Some(*below),
                _ => None,
            });
            return match below {
                Some(below) => self.walk(below, rest, depth),
                None => Some(Target::Own(defs.clone(), rest.to_vec())),
            };
        }
        let target = names.uses.get(name)?;
        let path: Vec<_> = target.iter().chain(rest).copied().collect();
        Some(self.resolve_within(module, None, &path, depth))
    }

    fn module_of(&self, module: usize, path: &[&'a str], depth: usize) -> Option<usize> {
        match self.resolve_within(module, None, path, depth) {
            Target::Own(defs, _) => defs.iter().find_map(|def| match def {
                Def::Module(module) => Some(*module),
                _ => None,
            }),
            Target::Other(_) => None,
        }
    }

    /// Finds the modules whose names each module imports by globs, directly or through others.
    fn resolve_globs(&mut self) {
        let direct: Vec<Vec<usize>> = self
            .names
            .iter()
            .enumerate()
            .map(|(id, names)| {
                names.globs.iter().filter_map(|path| self.module_of(id, path, 8)).collect()
            })
            .collect();
        self.globs = (0..direct.len())
            .map(|id| {
                let mut all: Vec<usize> = Vec::new();
                let mut next = direct[id].clone();
                while let Some(module) = next.pop() {
                    if module != id && !all.contains(&module) {
                        all.push(module);
                        next.extend(&direct[module]);
                    }
                }
                all
            })
            .collect();
    }

    /// Declarations of the names among these tokens that the module imports or declares.
    pub(super) fn declarations(&self, module: usize, range: &Range<usize>) -> String {
        let source = self.source(module);
        let names: BTreeSet<_> =
            range.clone().filter(|at| source.is_ident(*at)).map(|at| source.text(at)).collect();
        let mut text = String::new();
        for name in names {
            if let Some(target) = self.names[module].uses.get(name) {
                text += &format!("use {} as {name};", target.join("::"));
            }
            for def in self.names[module].defs.get(name).into_iter().flatten() {
                text += &match def {
                    Def::Module(_) => format!("mod {name} {{}}"),
                    Def::Type(_) => format!("struct {name};"),
                    Def::Code(_) => format!("fn {name}() {{}}"),
                    Def::Global(_) | Def::Const(_) => String::new(),
                };
            }
        }
        text
    }

    /// The path of a function within the crate, such as `ids::Counter::next`.
    pub(super) fn label(&self, code: &Code<'a>) -> String {
        if code.role == Role::Macro {
            return format!("{}!", code.name);
        }
        let mut parts = Vec::new();
        let mut module = Some(code.module);
        while let Some(id) = module {
            let it = &self.krate.modules[id];
            if !it.name.is_empty() {
                parts.push(it.name.as_str());
            }
            module = it.parent;
        }
        parts.reverse();
        if let Some(owner) = code.owner.map(|owner| &self.impls[owner]) {
            // The module of a type says little beside its name.
            parts.extend(owner.of.map(|ty| self.types[ty].name).or(owner.of_trait));
        }
        parts.push(code.name);
        parts.join("::")
    }
}

/// True for an identifier in SCREAMING_CASE.
pub(super) fn is_global_name(source: &Source, at: usize) -> bool {
    let text = source.text(at);
    source.is_ident(at)
        && text.contains(|c: char| c.is_uppercase())
        && !text.contains(|c: char| c.is_lowercase())
}

/// The segments of the path that begins at a token, and the token behind them. Type arguments are
/// skipped if `::` precedes them.
pub(super) fn path(source: &Source, mut at: usize) -> (Vec<&str>, usize) {
    let mut segments = vec![source.text(at)];
    at += 1;
    while source.is_path_sep(at) {
        if source.is_ident(at + 2) {
            segments.push(source.text(at + 2));
            at += 3;
        } else if source.is_punct(at + 2, b'<') {
            at = generics_end(source, at + 2);
        } else {
            break;
        }
    }
    (segments, at)
}

/// The token behind the arguments that begin with the `<` at a token.
pub(super) fn generics_end(source: &Source, mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(kind) = source.kind(at) {
        match kind {
            Kind::Punct(b'<') => depth += 1,
            Kind::Punct(b'>')
                if !source.is_punct(at - 1, b'-') && !source.is_punct(at - 1, b'=') =>
            {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            Kind::Punct(b';') | Kind::Close(_) => return at,
            _ => {}
        }
        at = source.next(at);
    }
    at
}

/// Adds the names of a `use`.
fn import<'a>(source: &'a Source, range: Range<usize>, before: &[&'a str], names: &mut Names<'a>) {
    let mut path = before.to_vec();
    let mut at = range.start;
    while at < range.end {
        if source.is_open(at, b'{') {
            let inner = source.group(at);
            let mut start = inner.start;
            let mut end = inner.start;
            while end <= inner.end {
                if end == inner.end || source.is_punct(end, b',') {
                    if start < end {
                        import(source, start..end, &path, names);
                    }
                    start = end + 1;
                }
                end = source.next(end);
            }
            return;
        }
        if source.is_punct(at, b'*') {
            names.globs.push(path);
            return;
        }
        if source.is(at, "as") {
            if path.last() == Some(&"self") && path.len() > 1 {
                path.pop();
            }
            names.uses.insert(source.text(at + 1), path);
            return;
        }
        if source.is_ident(at) {
            path.push(source.text(at));
        }
        at += 1;
    }
    if path.len() > before.len() || !before.is_empty() {
        if path.last() == Some(&"self") {
            path.pop();
        }
        if let Some(last) = path.last() {
            names.uses.insert(last, path.clone());
        }
    }
}

/// The lints of an attribute `rewarm::allow(…)`.
fn allow_attribute<'a>(source: &'a Source, attr: &Range<usize>) -> Option<Vec<&'a str>> {
    let (path, open) = path(source, attr.start);
    let is_ours = path.len() == 2 && path[1] == "allow" && source.is_open(open, b'(');
    is_ours.then(|| words(source, source.group(open)))
}

/// The lints in the option `allow(…)` of an attribute.
fn option_allow<'a>(source: &'a Source, attr: &Range<usize>) -> Vec<&'a str> {
    let (_, open) = path(source, attr.start);
    let mut options = source.group(open);
    let allow = options.find(|at| source.is(*at, "allow") && source.is_open(at + 1, b'('));
    allow.map_or_else(Vec::new, |at| words(source, source.group(at + 1)))
}

/// The identifiers that no `=` follows.
fn words(source: &Source, range: Range<usize>) -> Vec<&str> {
    let is_word = |at: &usize| source.is_ident(*at) && !source.is_punct(at + 1, b'=');
    range.filter(is_word).map(|at| source.text(at)).collect()
}
