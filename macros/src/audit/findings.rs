//! The faults that request code can reach, with the way to each.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use super::growth::{self, Field};
use super::index::{self, Code, Def, Index, Role};
use super::items::DeclaredBy;
use super::lexer::{Kind, Source};
use super::reach::{Graph, Reach};
use super::snapshot::{self, Origin, Why};
use super::state::{self, Once, State};
use super::tmp_file;
use crate::item::Function;
use crate::lints;

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A fault.
#[derive(Debug)]
pub(super) struct Finding {
    /// The name of the function whose attribute reports it, or the `audit!` that does.
    pub(super) on: Place,
    /// The guilty token, if it stands in the body of that function.
    pub(super) token: Option<Place>,
    /// The fault, its place, the way to it, the reason and the help.
    pub(super) message: String,
}

/// The result of an audit.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// The lints in `rewarm::allow` that excuse nothing, with the place of their attribute.
    pub(super) useless: Vec<(Place, String)>,
    /// The names of globals that are reported, or whose state is excused where they stand.
    pub(super) judged: Vec<String>,
    /// The paths in each function with an attribute that no invocation can change the values of, by
    /// the name of the function.
    pub(super) constant: Vec<(Place, Vec<String>)>,
    /// The names of functions with an attribute of this library in an `impl` or a `trait`.
    pub(super) associated: Vec<Place>,
}

/// A fault of a function or a global.
struct Fault {
    lint: &'static str,
    what: String,
    /// The second and the third part of the message.
    rest: String,
}

impl Fault {
    fn new(lint: &'static str, what: String, why: &str, help: impl Display) -> Self {
        let rest = format!("{}\nhelp: {help}", lints::with_link(lint, why));
        Self { lint, what, rest }
    }
}

struct Audit<'i, 'a> {
    graph: Graph<'i, 'a>,
    /// The functions that each lint is asked of.
    reached: HashMap<(Vec<usize>, bool), Rc<Reach>>,
    /// The allows and the lints that excuse a fault.
    excusing: HashSet<(usize, &'static str)>,
    report: Report,
}

/// The globals whose state is excused.
fn excused(index: &Index<'_>) -> Vec<String> {
    let allows = |id: &usize| index.allows[*id].lints.contains(&"global_state");
    let excused = index.globals.iter().filter(|global| global.allows.iter().any(allows));
    excused.map(|global| global.name.to_owned()).collect()
}

fn associated(index: &Index<'_>) -> Vec<Place> {
    let is = |code: &&Code<'_>| code.owner.is_some() && code.has_attribute();
    index.codes.iter().filter(is).map(|code| place(index, code.module, code.at)).collect()
}

/// Audits a crate. In one of tests, nothing is reported.
pub(super) fn find(index: &Index<'_>, is_test: bool) -> Report {
    let mut audit = Audit {
        graph: Graph::new(index),
        reached: HashMap::new(),
        excusing: HashSet::new(),
        report: Report {
            judged: excused(index),
            associated: associated(index),
            ..Report::default()
        },
    };
    audit.constants();
    if !is_test {
        audit.snapshots();
    }
    if !is_test && audit.is_asked_for() {
        audit.globals();
        audit.resources();
        audit.memoized();
        audit.functions();
        audit.clients();
        audit.tmp_files();
        audit.useless_allows();
    }
    audit.report
}

impl<'a> Audit<'_, 'a> {
    /// True if the crate has a handler, or calls `audit!`.
    fn is_asked_for(&self) -> bool {
        let index = self.graph.index;
        index.audited.is_some() || index.codes.iter().any(|code| code.role == Role::Handler)
    }

    /// The functions that requests enter by, unless they allow the lint.
    fn roots(&self, lint: &str) -> Vec<usize> {
        let index = self.graph.index;
        let is_root = |code: &Code<'_>| match code.role {
            Role::Handler | Role::Cached => !code.allowed.contains(&lint),
            Role::Function => index.audited.is_some() && code.is_pub && code.name != "main",
            Role::Init | Role::Macro => false,
        };
        let is_handler = |code: &usize| index.codes[*code].role != Role::Handler;
        let mut roots: Vec<_> =
            (0..index.codes.len()).filter(|code| is_root(&index.codes[*code])).collect();
        roots.sort_by_key(is_handler);
        roots
    }

    /// The functions that request code reaches, without that of items that allow the lint.
    fn reach(&mut self, lint: &str) -> Rc<Reach> {
        let roots = self.roots(lint);
        self.reach_from(roots, true)
    }

    fn reach_from(&mut self, roots: Vec<usize>, once: bool) -> Rc<Reach> {
        let graph = &self.graph;
        let reached = self.reached.entry((roots, once));
        let reach = reached.or_insert_with_key(|(roots, once)| Rc::new(graph.reach(roots, *once)));
        Rc::clone(reach)
    }

    /// Reports the globals with state that are reached.
    fn globals(&mut self) {
        let everything = self.reach("");
        let mut uses: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.graph.index.globals.len()];
        let mut order = Vec::new();
        for code in &everything.codes {
            for used in &self.graph.refs(*code).uses {
                if uses[used.global].is_empty() {
                    order.push(used.global);
                }
                uses[used.global].push((*code, used.at));
            }
        }
        for global in order {
            let Some(fault) = self.fault_of(global, &uses[global]) else {
                continue;
            };
            if self.is_in_macro_of_body(global) {
                continue;
            }
            let allows = self.graph.index.globals[global].allows.clone();
            let is_state = fault.lint == "global_state";
            if self.is_excused(&allows, fault.lint) {
                if is_state {
                    self.growth_of_global(global, &uses[global]);
                }
                continue;
            }
            let reach = self.reach(fault.lint);
            let mut first = None;
            for (code, at) in &uses[global] {
                let allows = self.graph.index.codes[*code].allows.clone();
                if !self.is_excused(&allows, fault.lint) && reach.contains(*code) {
                    first = first.or(Some((*code, *at)));
                }
            }
            if let Some((code, at)) = first {
                let declared = self.declared_at(global);
                self.report.judged.push(self.graph.index.globals[global].name.to_owned());
                self.add(&reach, code, at, declared, fault);
            } else if is_state {
                self.growth_of_global(global, &uses[global]);
            }
        }
    }

    /// Reports a global that invocations are meant to share, and that they only add to.
    fn growth_of_global(&mut self, global: usize, uses: &[(usize, usize)]) {
        let index = self.graph.index;
        let it = &index.globals[global];
        if let Some(collection) = growth::collection(index, it.declared_in, &it.ty) {
            let users =
                |code: usize| self.graph.refs(code).uses.iter().any(|used| used.global == global);
            let grows = self.added(uses.iter().copied()).filter(|_| !self.is_limited(users));
            if let Some((code, at)) = grows {
                let fault = unbounded_growth(it.name, collection, Keeper::Static);
                let allows = it.allows.clone();
                self.add_growth(code, at, self.declared_at(global), &allows, fault);
            }
        }
        for field in growth::fields(index, it.declared_in, &it.ty) {
            let allows = it.allows.clone();
            self.growth_of_field(&field, &allows, Keeper::Static);
        }
    }

    /// Reports collections in the types of resources that request code only adds to.
    fn resources(&mut self) {
        let index = self.graph.index;
        let mut seen = HashSet::new();
        for code in index.codes.iter().filter(|code| code.role == Role::Init) {
            let source = index.source(code.module);
            let returns = |at: &usize| source.is_punct(*at, b'-') && source.is_punct(at + 1, b'>');
            let start = code.sig.clone().find(returns).unwrap_or(code.sig.start);
            for field in growth::fields(index, code.module, &(start..code.sig.end)) {
                if !code.allowed.contains(&GROWTH) && seen.insert((field.ty, field.at)) {
                    self.growth_of_field(&field, &code.allows, Keeper::Resource(code.name));
                }
            }
        }
    }

    fn growth_of_field(&mut self, field: &Field<'a>, allows: &[usize], keeper: Keeper<'_>) {
        let index = self.graph.index;
        let ty = &index.types[field.ty];
        let state = state::of(index, ty.module, &field.value);
        let collection = growth::collection(index, ty.module, &field.value);
        let (Some(State::Shared(_)), Some(collection)) = (state, collection) else {
            return;
        };
        let uses_in = |code: usize| {
            let code = &index.codes[code];
            growth::uses_of_field(index.source(code.module), code, field.name)
        };
        let reached = self.reach("");
        let is_own = |code: &usize| {
            let owner = index.codes[*code].owner;
            owner.is_some_and(|owner| index.impls[owner].of == Some(field.ty))
        };
        let own = reached.codes.iter().copied().filter(is_own);
        let is_its = |&(code, at): &(usize, usize)| {
            let code = &index.codes[code];
            growth::is_of_self(index.source(code.module), code, at, ty.name)
        };
        let uses = own.flat_map(|code| uses_in(code).map(move |at| (code, at))).filter(is_its);
        let is_user = |code: usize| uses_in(code).next().is_some();
        if let Some((code, at)) = self.added(uses).filter(|_| !self.is_limited(is_user)) {
            let name = format!("{}::{}", ty.name, field.name);
            let fault = unbounded_growth(&name, collection, keeper);
            self.add_growth(code, at, place(index, ty.module, field.at), allows, fault);
        }
    }

    /// The first of these uses of a collection that adds to it: the function, and the method.
    fn added(&self, mut uses: impl Iterator<Item = (usize, usize)>) -> Option<(usize, usize)> {
        let index = self.graph.index;
        uses.find_map(|(code, at)| {
            let it = &index.codes[code];
            growth::adds(index.source(it.module), it, at).map(|at| (code, at))
        })
    }

    /// True if the users of a collection, or functions that these call or that call these, may
    /// limit its size.
    fn is_limited(&self, is_user: impl Fn(usize) -> bool) -> bool {
        let index = self.graph.index;
        let limits = |code: &usize| {
            let it = &index.codes[*code];
            growth::limits(index.source(it.module), it)
        };
        let all = 0..index.codes.len();
        let users: Vec<usize> = all.clone().filter(|code| is_user(*code)).collect();
        let is_near =
            |code: &usize| users.iter().any(|user| self.graph.are_neighbours(*code, *user));
        users.iter().any(limits) || all.filter(limits).any(|code| is_near(&code))
    }

    fn add_growth(
        &mut self,
        code: usize,
        at: usize,
        declared: Place,
        allows: &[usize],
        fault: Fault,
    ) {
        let of_code = self.graph.index.codes[code].allows.clone();
        let reach = self.reach(GROWTH);
        if !self.is_excused(allows, GROWTH)
            && !self.is_excused(&of_code, GROWTH)
            && reach.contains(code)
        {
            self.add(&reach, code, at, declared, fault);
        }
    }

    /// True for a `thread_local!` or `lazy_static!` in the body of a function with an attribute, which
    /// a lint of the body reports.
    fn is_in_macro_of_body(&self, global: usize) -> bool {
        let index = self.graph.index;
        let it = &index.globals[global];
        let is_around = |code: &Code<'_>| {
            let has_attribute = matches!(code.role, Role::Handler | Role::Cached);
            has_attribute && code.module == it.module && code.body.contains(&it.at)
        };
        it.by != DeclaredBy::Static && index.codes.iter().any(is_around)
    }

    /// Asks the lints of annotated bodies of all other functions that are reached.
    fn functions(&mut self) {
        let everything = self.reach("");
        let index = self.graph.index;
        let layers = everything.codes.iter().flat_map(|code| self.graph.refs(*code).layers.clone());
        let layers: HashSet<usize> = layers.collect();
        for code in &everything.codes {
            let it = &index.codes[*code];
            // Those with an attribute are checked by it, a macro does not parse, and a function that
            // returns layers may do in INIT what request code may not.
            if it.role != Role::Function || layers.contains(code) {
                continue;
            }
            for (at, lint, message) in faults_in(index, it) {
                let reach = self.reach(lint);
                if self.is_excused(&it.allows, lint) || !reach.contains(*code) {
                    continue;
                }
                let (what, rest) = message.split_once('\n').unwrap_or((&message, ""));
                let fault = Fault { lint, what: what.to_owned(), rest: rest.to_owned() };
                self.add(&reach, *code, at, place(index, it.module, at), fault);
            }
        }
    }

    /// Reports functions whose results another crate keeps in a static.
    fn memoized(&mut self) {
        let index = self.graph.index;
        let reach = self.reach("global_state");
        for code in &self.reach("").codes {
            let it = &index.codes[*code];
            let Some(at) = it.memoized else { continue };
            if !self.is_excused(&it.allows, "global_state") && reach.contains(*code) {
                let (path, _) = index::path(index.source(it.module), at);
                let fault = memoized(it.name, &path.join("::"));
                self.add(&reach, *code, at, place(index, it.module, at), fault);
            }
        }
    }

    /// Reports clients, pools and connections that are made for each event.
    fn clients(&mut self) {
        const LINT: &str = "client_per_invocation";
        let index = self.graph.index;
        let per_event = |code: &usize| !index.codes[*code].is_service;
        let roots = self.roots("").into_iter().filter(per_event).collect();
        let everything = self.reach_from(roots, false);
        let roots = self.roots(LINT).into_iter().filter(per_event).collect();
        let reach = self.reach_from(roots, false);
        for code in &everything.codes {
            let it = &index.codes[*code];
            let makers = self.graph.refs(*code).foreign.iter();
            let makers: Vec<_> = makers
                .filter_map(|call| Some((call.at, call.path.join("::"), state::made(&call.path)?)))
                .collect();
            // A builder and its client are one.
            let Some((at, path, ty)) = makers.into_iter().next() else {
                continue;
            };
            if self.is_excused(&it.allows, LINT) || !reach.contains(*code) {
                continue;
            }
            let fault = client_per_invocation(&path, ty);
            self.add(&reach, *code, at, place(index, it.module, at), fault);
        }
    }

    /// Finds the paths that stand for values which no invocation can change, so that the compiler
    /// need not check them.
    fn constants(&mut self) {
        let index = self.graph.index;
        let checked = |code: &&Code<'_>| matches!(code.role, Role::Handler | Role::Cached);
        for (id, code) in index.codes.iter().enumerate().filter(|(_, code)| checked(code)) {
            let values = self.graph.refs(id).values.iter();
            let is_constant = |(_, def): &&(Vec<&str>, Def)| state::is_constant(index, *def);
            let paths = values.filter(is_constant).map(|(path, _)| path.join("::"));
            self.report.constant.push((place(index, code.module, code.at), paths.collect()));
        }
    }

    /// Reports resources that copy a value which must be unique or current into every container.
    fn snapshots(&mut self) {
        const LINT: &str = "snapshot_unique";
        let index = self.graph.index;
        for (id, code) in index.codes.iter().enumerate() {
            if !code.is_kept || code.allowed.contains(&LINT) {
                continue;
            }
            let Some(origin) = snapshot::origin(index, id) else {
                continue;
            };
            let mut allows = origin.way.iter().map(|code| index.codes[*code].allows.clone());
            if allows.any(|allows| self.is_excused(&allows, LINT)) {
                continue;
            }
            let is_static =
                code.body.start > 0 && index.source(code.module).is_punct(code.body.start, b'=');
            let fault = snapshot_unique(code.name, &origin, is_static);
            let module = index.codes[origin.way[origin.way.len() - 1]].module;
            self.add_on_way(&origin.way, origin.at, place(index, module, origin.at), fault);
        }
    }

    /// Reports files in `/tmp` that each invocation writes under the same name, each file once.
    fn tmp_files(&mut self) {
        const LINT: &str = "tmp_file";
        let index = self.graph.index;
        let reach = self.reach(LINT);
        let mut reported = HashSet::new();
        for code in &self.reach("").codes {
            let it = &index.codes[*code];
            for write in tmp_file::written(&self.graph, *code) {
                if self.is_excused(&it.allows, LINT) || !reach.contains(*code) {
                    continue;
                }
                let fault = tmp_file(&write.call, &write.path);
                if reported.insert(write.path) {
                    self.add(&reach, *code, write.at, place(index, it.module, write.at), fault);
                }
            }
        }
    }

    fn declared_at(&self, global: usize) -> Place {
        let global = &self.graph.index.globals[global];
        place(self.graph.index, global.module, global.at)
    }

    /// True if one of these allows names the lint. Such an allow is of use.
    fn is_excused(&mut self, allows: &[usize], lint: &'static str) -> bool {
        let mut excused = false;
        for allow in allows {
            if self.graph.index.allows[*allow].lints.contains(&lint) {
                self.excusing.insert((*allow, lint));
                excused = true;
            }
        }
        excused
    }

    /// The fault of a global that request code uses in these places.
    fn fault_of(&self, global: usize, uses: &[(usize, usize)]) -> Option<Fault> {
        let index = self.graph.index;
        let it = &index.globals[global];
        let name = it.name;
        if it.mutable {
            return Some(Fault::new(
                "static_mut",
                format!("`{name}` is a `static mut`"),
                lints::STATIC_MUT_WHY,
                "keep what belongs to one invocation in a local variable (`let mut`), and \
                       build what is only read with `#[init]`",
            ));
        }
        let kind = match it.by {
            DeclaredBy::ThreadLocal => "thread-local",
            DeclaredBy::Static | DeclaredBy::LazyStatic => "static",
        };
        let client = || state::client(index, it.declared_in, &it.ty);
        let source = index.source(it.declared_in);
        let has = |range: &Range<usize>, words: &[&str]| {
            range.clone().any(|at| words.contains(&source.text(at)))
        };
        let is_lazy = it.by != DeclaredBy::Static || has(&it.ty, LAZY);
        let is_text = has(&it.ty, &["String", "str", "Vec", "Bytes", "Zeroizing"]);
        let is_secret = |at: usize| source.is_ident(at) && lints::is_secret_name(source.text(at));
        let is_secret = lints::is_secret_name(name) && is_text || it.ty.clone().any(is_secret);
        let Some(state) = state::of(index, it.declared_in, &it.ty) else {
            // The environment is the same for the life of the container.
            if is_lazy && is_secret && !has(&it.init, &["env", "var", "env_var"]) {
                return Some(secret(name, "LazyLock"));
            }
            return (is_lazy && has(&it.init, AWAITS)).then(|| once_fault(name, "LazyLock"));
        };
        match state {
            State::Shared(ty) => {
                let is_read = |(code, at): &(usize, usize)| {
                    let source = index.source(index.codes[*code].module);
                    method(source, *at)
                        .is_some_and(|(name, _)| ["load", "load_full"].contains(&name))
                };
                let changes = !uses.iter().all(is_read);
                changes.then(|| shared(name, kind, &ty))
            }
            State::Once(ty, once) => {
                let filled = self.filled(uses)?;
                if let Some(client) = client() {
                    return Some(lazy_client(name, &client));
                }
                if is_secret {
                    return Some(secret(name, &ty));
                }
                (once == Once::Awaited || filled == Filled::FromRequest)
                    .then(|| once_fault(name, &ty))
            }
            State::Client(ty) => is_lazy.then(|| lazy_client(name, &ty)),
        }
    }

    /// The way that request code fills a cell. `None` if it only reads it.
    fn filled(&self, uses: &[(usize, usize)]) -> Option<Filled> {
        let index = self.graph.index;
        let one = |(code, at): &(usize, usize)| {
            let code = &index.codes[*code];
            let source = index.source(code.module);
            match method(source, *at)? {
                ("get_or_init" | "get_or_try_init" | "get_or_insert_with", args) => {
                    let awaits = args.clone().any(|at| AWAITS.contains(&source.text(at)));
                    match awaits || names_a_variable(source, code, args) {
                        true => Some(Filled::FromRequest),
                        false => Some(Filled::Alike),
                    }
                }
                ("set" | "try_insert" | "replace", _) => Some(Filled::FromRequest),
                // A thread-local is used in a closure.
                ("with", args) => {
                    let fills = |at: &usize| ["set", "get_or_init"].contains(&source.text(*at));
                    args.clone().find(fills).map(|_| Filled::FromRequest)
                }
                _ => None,
            }
        };
        let all: Vec<_> = uses.iter().filter_map(one).collect();
        all.iter().find(|it| **it == Filled::FromRequest).or(all.first()).copied()
    }

    /// Reports a fault in a function, where the guilty item stands in `at`.
    fn add(&mut self, reach: &Reach, code: usize, token: usize, at: Place, fault: Fault) {
        self.add_on_way(&reach.way(code), token, at, fault);
    }

    /// Reports a fault in the last of these functions, each of which calls the next one.
    fn add_on_way(&mut self, way: &[usize], token: usize, at: Place, fault: Fault) {
        let index = self.graph.index;
        let root = &index.codes[way[0]];
        let Some(on) = self.reporter(root) else {
            return;
        };
        let has_token = way.len() == 1 && root.has_attribute();
        let token = has_token.then(|| place(index, root.module, token));
        let from = match root.role {
            Role::Handler => format!("`#[handler] {}`", root.name),
            Role::Cached => format!("`#[cached] {}`", root.name),
            Role::Init => format!("`#[init] {}`", root.name),
            _ => format!("`pub fn {}`", index.label(root)),
        };
        let through: Vec<_> =
            way[1..].iter().map(|code| format!("`{}`", index.label(&index.codes[*code]))).collect();
        let way = match through.split_last() {
            None => format!("named in {from}"),
            Some((last, [])) => format!("reached from {from} through {last}"),
            Some((last, before)) => {
                format!("reached from {from} through {} and {last}", before.join(", "))
            }
        };
        let Place { path, line, column } = at;
        self.report.findings.push(Finding {
            on,
            token,
            message: format!(
                "{}\n--> {}:{line}:{column}: {way}\n{}",
                fault.what,
                path.display(),
                fault.rest
            ),
        });
    }

    /// The place that reports what a root reaches: the root if it has an attribute, else `audit!`.
    fn reporter(&self, root: &Code<'_>) -> Option<Place> {
        let index = self.graph.index;
        if root.has_attribute() {
            return Some(place(index, root.module, root.at));
        }
        index.audited.map(|(source, token)| in_source(&index.krate.sources[source], token))
    }

    fn useless_allows(&mut self) {
        let index = self.graph.index;
        for (id, allow) in index.allows.iter().enumerate() {
            for lint in &allow.lints {
                if !self.excusing.contains(&(id, *lint)) {
                    let at = in_source(&index.krate.sources[allow.source], allow.at);
                    self.report.useless.push((at, (*lint).to_owned()));
                }
            }
        }
    }
}

/// The faults of a function: the token, the lint and its message.
fn faults_in(index: &Index<'_>, code: &Code<'_>) -> Vec<(usize, &'static str, String)> {
    let source = index.source(code.module);
    let is_word = |at: &usize| source.is_ident(*at) && lints::is_word(source.text(*at));
    let is_manual = |at: &usize| BY_HAND.contains(&source.text(*at));
    let mut words: Vec<usize> = code.body.clone().filter(is_word).collect();
    // Code that manages memory by hand takes back what it gives away.
    if words.iter().any(is_manual) && (0..source.tokens.len()).any(|at| source.is(at, "unsafe")) {
        words.retain(|at| !is_manual(at));
    }
    if words.is_empty() {
        return Vec::new();
    }
    let streams = index.codes.iter().any(|code| code.streams);
    let before = source.text_of(&(code.item.start..code.body.start));
    let declarations = index.declarations(code.module, &code.body);
    let check = |masked: &[usize]| {
        let body = source.masked(&(code.body.start..code.item.end), masked);
        let function = Function::read(&format!("{before}{declarations}{body}"));
        function.map(|function| lints::check_called(function, streams)).unwrap_or_default()
    };
    if check(&[]).is_empty() {
        return Vec::new();
    }
    // Parsed text has no places. So each word is checked with the other ones changed.
    let one = |word: &usize| {
        let others: Vec<usize> = words.iter().copied().filter(|other| other != word).collect();
        let mut at = *word;
        while at > 2 && source.is_path_sep(at - 2) && source.is_ident(at - 3) {
            at -= 3;
        }
        check(&others).into_iter().map(move |(lint, message)| (at, lint, message))
    };
    words.iter().flat_map(one).collect()
}

const GROWTH: &str = "unbounded_growth";

/// The item that keeps a collection.
#[derive(Clone, Copy)]
enum Keeper<'n> {
    Static,
    Resource(&'n str),
}

/// Functions that give memory away.
const BY_HAND: &[&str] = &["into_raw", "forget", "ManuallyDrop"];

/// Types that build their value at the first use.
const LAZY: &[&str] = &["LazyLock", "Lazy", "LazyCell", "OnceLock", "OnceCell"];

/// Words of an initialiser that waits for something outside of the process.
const AWAITS: &[&str] = &["await", "block_on"];

/// The way that a cell is filled in request code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// With the same value, whatever the request is.
    Alike,
    /// With a value that is made of local variables.
    FromRequest,
}

fn place(index: &Index<'_>, module: usize, at: usize) -> Place {
    in_source(index.source(module), at)
}

fn in_source(source: &Source, at: usize) -> Place {
    let (line, column) = source.place(at);
    Place { path: source.path.clone(), line, column }
}

/// The method that is called on the path that ends with this token, and its arguments.
fn method(source: &Source, at: usize) -> Option<(&str, Range<usize>)> {
    let name = at + 2;
    if !source.is_punct(at + 1, b'.') || !source.is_ident(name) {
        return None;
    }
    let mut open = name + 1;
    if source.is_path_sep(open) {
        open = index::generics_end(source, open + 2);
    }
    source.is_open(open, b'(').then(|| (source.text(name), source.group(open)))
}

/// True if one of these tokens is a parameter or a variable of the function around them.
fn names_a_variable(source: &Source, code: &Code<'_>, args: Range<usize>) -> bool {
    let is_bound = |name: &str| {
        let outside = code.sig.clone().chain(code.body.start..args.start);
        let mut in_let = false;
        for at in outside {
            match source.kind(at) {
                Some(Kind::Ident) if source.text(at) == "let" => in_let = true,
                Some(Kind::Ident) if source.text(at) == name => {
                    let is_param = source.is_punct(at + 1, b':') && !source.is_punct(at + 2, b':');
                    if is_param || in_let || name == "self" {
                        return true;
                    }
                }
                Some(Kind::Punct(b'=' | b';')) => in_let = false,
                _ => {}
            }
        }
        false
    };
    args.clone().any(|at| {
        let is_name = source.is_ident(at)
            && !source.is_punct(at - 1, b'.')
            && !source.is_punct(at - 1, b'$')
            && !source.is_path_sep(at + 1)
            && !source.is_open(at + 1, b'(')
            && !source.is_punct(at + 1, b'!');
        is_name && is_bound(source.text(at))
    })
}

fn shared(name: &str, kind: &str, ty: &str) -> Fault {
    Fault::new(
        "global_state",
        format!("the {kind} `{name}` keeps state (`{ty}`) between invocations"),
        "what one invocation stores there, later invocations in the same container see",
        format!(
            "keep what belongs to one invocation in a local variable or an argument, build what is \
             only read with `#[init]`, and fetch what gets old with `#[cached(ttl = \"5m\")]`; if \
             all invocations are meant to share `{name}`, write \
             `#[rewarm::allow(global_state, reason = \"…\")]` on it"
        ),
    )
}

fn memoized(name: &str, attribute: &str) -> Fault {
    Fault::new(
        "global_state",
        format!("`#[{attribute}]` keeps the values of `{name}` in a static"),
        "it knows nothing of the container: its clock stands still while that is frozen, and what one \
         invocation stored, later ones read",
        format!("write `#[rewarm::cached(ttl = \"5m\")]` on `{name}`"),
    )
}

fn once_fault(name: &str, ty: &str) -> Fault {
    Fault::new(
        "global_state",
        format!("one invocation fills `{name}` (`{ty}`), and all later ones read its value"),
        "a value that depends on one request, or that gets old, stays until the container ends",
        format!(
            "pass what belongs to one invocation as an argument, build what is the same for all with \
             `#[init]`, and fetch what gets old with `#[cached(ttl = \"5m\")]`; if all invocations \
             are meant to share `{name}`, write `#[rewarm::allow(global_state, reason = \"…\")]` on it"
        ),
    )
}

fn lazy_client(name: &str, ty: &str) -> Fault {
    let short = ty.rsplit("::").next().unwrap_or(ty);
    Fault::new(
        "lazy_client",
        format!("`{name}` builds a `{ty}` inside an invocation"),
        "that invocation waits for it, and an error in it is not retried; a connection that \
              died while the container was frozen is not replaced, and none is closed",
        format!(
            "build it in INIT: `#[init] async fn {}() -> {short} {{ … }}`, and take it as a \
             parameter `{}: &{short}`",
            name.to_lowercase(),
            name.to_lowercase()
        ),
    )
}

fn client_per_invocation(path: &str, ty: &str) -> Fault {
    Fault::new(
        "client_per_invocation",
        format!("`{path}` makes a new `{ty}` for each event"),
        "every invocation waits for its connections, TLS handshakes and credentials again",
        format!(
            "build it once, in INIT: `#[init] async fn client() -> {ty} {{ … }}`, and take it as a \
             parameter `client: &{ty}`"
        ),
    )
}

fn unbounded_growth(name: &str, collection: &str, keeper: Keeper<'_>) -> Fault {
    let allow = match keeper {
        Keeper::Static => {
            "write `#[rewarm::allow(unbounded_growth, reason = \"…\")]` on the static".to_owned()
        }
        Keeper::Resource(resource) => {
            format!("write `#[init(allow(unbounded_growth))]` on `{resource}`")
        }
    };
    Fault::new(
        GROWTH,
        format!("`{name}` can grow without a limit: requests only add to its `{collection}`"),
        "what each invocation adds stays, until the container is out of memory and Lambda kills it",
        format!(
            "remove what is old where it is added to, or keep fetched values with \
             `#[cached(ttl = \"5m\", max_entries = 1000)]`; if your code limits the size, {allow}"
        ),
    )
}

fn tmp_file(call: &str, path: &str) -> Fault {
    Fault::new(
        "tmp_file",
        format!("`{path}` is one file for all invocations, and `{call}` writes it"),
        "a file in `/tmp` outlives the invocation: after one that fails halfway, the next reads its \
         file, with the data of another caller",
        "write to `tempfile::NamedTempFile::new()?`, which has a name of its own and removes its file \
         on every way out; if invocations are meant to share the file, write \
         `#[rewarm::allow(tmp_file, reason = \"…\")]` on the function, or `allow(tmp_file)` in its \
         attribute",
    )
}

fn snapshot_unique(name: &str, origin: &Origin, is_static: bool) -> Fault {
    let why = match origin.why {
        Why::Unique => "ids and random numbers repeat in all containers",
        Why::Current => "the time is that of the snapshot, which may be days old",
        Why::OfMachine => "it is the name of the machine that INIT ran on, in all containers",
        Why::Expires => {
            "they expire, and a container that is restored later starts with expired ones"
        }
        Why::File => "all containers use the name of a file that only one of them has created",
    };
    let rebuild = match is_static {
        true => format!(
            "make it `#[init(restore = rebuild)] fn {}() -> … {{ … }}`",
            name.to_lowercase()
        ),
        false => "write `restore = rebuild`".to_owned(),
    };
    Fault::new(
        "snapshot_unique",
        format!(
            "`restore = keep` copies the value of `{}` in `{name}` into every container",
            origin.call
        ),
        &format!(
            "with SnapStart, INIT runs once and all containers start from its snapshot: {why}"
        ),
        format!(
            "{rebuild}, which builds it again after a restore, or make the value in the handler; if \
             containers are meant to share it, write `allow(snapshot_unique)` in the attribute"
        ),
    )
}

fn secret(name: &str, ty: &str) -> Fault {
    Fault::new(
        "secret_forever",
        format!("`{name}` looks like a secret, and its `{ty}` keeps it until the container ends"),
        "after a rotation this container still uses the old secret, often for hours",
        format!(
            "make it a function with `#[cached(ttl = \"5m\")]`, which fetches the secret again and \
             drops the old value: `#[cached(ttl = \"5m\")] async fn {}() -> … {{ … }}`",
            name.to_lowercase()
        ),
    )
}
