//! Values that must be unique or current, and that a resource with `restore = keep` is built from.
//! Variables and the results of functions are followed; what a function only logs is none of its
//! result.

use std::collections::HashMap;
use std::ops::Range;

use super::index::{self, Code, Def, Index, Role, Target, TypeKind};
use super::lexer::{Kind, Source};

/// The reason why a value must not be copied into every container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// An id or a random number.
    Unique,
    /// A point in time.
    Current,
    /// A name of the machine.
    OfMachine,
    /// Temporary credentials.
    Expires,
    /// A temporary file.
    File,
}

/// The call that makes such a value.
#[derive(Clone)]
pub(super) struct Origin {
    /// The functions from the resource to the one with the call.
    pub(super) way: Vec<usize>,
    /// The first token of the call.
    pub(super) at: usize,
    pub(super) call: String,
    pub(super) why: Why,
}

/// Functions of other crates, by the ends of their paths.
const FUNCTIONS: &[(&str, Why)] = &[
    ("Uuid::new_v1", Why::Unique),
    ("Uuid::new_v4", Why::Unique),
    ("Uuid::now_v1", Why::Unique),
    ("Uuid::now_v6", Why::Unique),
    ("Uuid::now_v7", Why::Unique),
    ("Ulid::new", Why::Unique),
    ("Ulid::generate", Why::Unique),
    ("ThreadRng::default", Why::Unique),
    ("rand::fill", Why::Unique),
    ("rand::make_rng", Why::Unique),
    ("rand::random", Why::Unique),
    ("rand::random_bool", Why::Unique),
    ("rand::random_iter", Why::Unique),
    ("rand::random_range", Why::Unique),
    ("rand::random_ratio", Why::Unique),
    ("rand::rng", Why::Unique),
    ("hostname::get", Why::OfMachine),
    ("gethostname::gethostname", Why::OfMachine),
    ("unistd::gethostname", Why::OfMachine),
    ("whoami::hostname", Why::OfMachine),
    ("fallible::hostname", Why::OfMachine),
    ("System::host_name", Why::OfMachine),
    ("local_ip_address::local_ip", Why::OfMachine),
    ("NamedTempFile::new", Why::File),
    ("TempDir::new", Why::File),
];

/// Crates of which each function makes such a value.
const CRATES: &[(&str, Why)] = &[
    ("fastrand", Why::Unique),
    ("getrandom", Why::Unique),
    ("nanoid", Why::Unique),
    ("tempfile", Why::File),
];

/// Names that mean the same in every crate.
const NAMES: &[(&str, Why)] = &[
    ("from_entropy", Why::Unique),
    ("from_os_rng", Why::Unique),
    ("try_from_os_rng", Why::Unique),
    ("thread_rng", Why::Unique),
    ("now", Why::Current),
    ("now_utc", Why::Current),
    ("now_local", Why::Current),
    ("provide_credentials", Why::Expires),
    ("assume_role", Why::Expires),
    ("assume_role_with_web_identity", Why::Expires),
    ("get_session_token", Why::Expires),
];

/// Functions of these crates that make the same value everywhere.
const SEEDED: &[&str] = &["with_seed", "seed"];

/// Generators of the operating system, whose numbers are always new. A number of theirs is not.
const SYSTEM: &[&str] = &["OsRng", "SysRng"];

/// Variables of the environment that differ between containers.
const VARIABLES: &[(&str, Why)] = &[
    ("HOSTNAME", Why::OfMachine),
    ("AWS_LAMBDA_LOG_STREAM_NAME", Why::OfMachine),
    ("AWS_ACCESS_KEY_ID", Why::Expires),
    ("AWS_SECRET_ACCESS_KEY", Why::Expires),
    ("AWS_SESSION_TOKEN", Why::Expires),
];

/// Methods whose arguments only make an error.
const FAILING: &[&str] =
    &["context", "expect", "inspect_err", "map_err", "ok_or", "ok_or_else", "with_context"];

/// Functions whose first argument is a deadline.
const UNTIL: &[&str] = &["timeout_at", "wait_until"];

/// Macros whose value is made of their arguments.
const MACROS: &[&str] = &["format", "vec", "json", "concat"];

/// The origin of a part of the value of a resource that must not be kept.
pub(super) fn origin(index: &Index<'_>, resource: usize) -> Option<Origin> {
    Origins { index, known: HashMap::new() }.of(resource)
}

struct Origins<'i, 'a> {
    index: &'i Index<'a>,
    /// The results of functions; `None` also while one is read.
    known: HashMap<usize, Option<Origin>>,
}

impl<'a> Origins<'_, 'a> {
    /// The origin of the result of a function.
    fn of(&mut self, id: usize) -> Option<Origin> {
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        self.known.insert(id, None);
        let code = &self.index.codes[id];
        let source = self.index.source(code.module);
        let mut flow =
            Flow { origins: self, id, code, source, variables: HashMap::new(), returned: None };
        let last = flow.block(code.body.clone());
        let origin = last.or(flow.returned);
        self.known.insert(id, origin.clone());
        origin
    }
}

/// The values in a function.
struct Flow<'f, 'i, 'a> {
    origins: &'f mut Origins<'i, 'a>,
    id: usize,
    code: &'i Code<'a>,
    source: &'a Source,
    /// The variables that are made of such a value.
    variables: HashMap<&'a str, Origin>,
    returned: Option<Origin>,
}

impl<'a> Flow<'_, '_, 'a> {
    /// The origin of the value of a block.
    fn block(&mut self, block: Range<usize>) -> Option<Origin> {
        let source = self.source;
        let mut at = block.start;
        // The `=` of a static.
        at += usize::from(source.is_punct(at, b'='));
        while at < block.end {
            if source.is_punct(at, b'#') && source.is_open(at + 1, b'[') {
                at = source.next(at + 1);
                continue;
            }
            let end = statement_end(source, at, block.end);
            let is_value = end == block.end;
            let statement = at..end;
            match source.text(at) {
                "let" => self.binding(statement),
                "return" => {
                    let origin = self.value(at + 1..end);
                    self.returned = self.returned.take().or(origin);
                }
                "fn" | "struct" | "enum" | "impl" | "mod" | "trait" | "use" | "const"
                | "static" | "type" => {}
                _ if is_value => return self.value(statement),
                _ => self.effect(statement),
            }
            at = end + usize::from(source.is_punct(end, b';'));
        }
        None
    }

    /// `let pattern = value`
    fn binding(&mut self, statement: Range<usize>) {
        let source = self.source;
        let Some(is) = statement.clone().find(|at| source.is_punct(*at, b'=')) else {
            return;
        };
        let origin = self.value(is + 1..statement.end);
        let is_type = |at: &usize| {
            source.is_punct(*at, b':') && !source.is_path_sep(*at) && !source.is_path_sep(at - 1)
        };
        let end = (statement.start..is).find(is_type).unwrap_or(is);
        self.bind(statement.start + 1..end, origin.as_ref());
    }

    /// Binds the variables of a pattern.
    fn bind(&mut self, pattern: Range<usize>, origin: Option<&Origin>) {
        let source = self.source;
        for at in pattern.filter(|at| source.is_ident(*at)) {
            let name = source.text(at);
            if !name.starts_with(char::is_uppercase) && !["mut", "ref"].contains(&name) {
                match origin {
                    Some(origin) => self.variables.insert(name, origin.clone()),
                    None => self.variables.remove(name),
                };
            }
        }
    }

    /// A statement whose value is dropped. It may change the variable that it begins with.
    fn effect(&mut self, statement: Range<usize>) {
        let source = self.source;
        // Its blocks may change variables, and return.
        let Some(origin) = self.value(statement.clone()) else {
            return;
        };
        let first = statement.clone().find(|at| !source.is_punct(*at, b'*'));
        let first = first.filter(|at| {
            let changes = source.is_punct(at + 1, b'.')
                || source.is_punct(at + 1, b'=')
                || source.is_punct(at + 2, b'=')
                || source.is_open(at + 1, b'[');
            source.is_ident(*at) && changes
        });
        let is_lent = |at: &usize| {
            source.is_ident(*at)
                && source.is(at.wrapping_sub(1), "mut")
                && source.is_punct(at.wrapping_sub(2), b'&')
        };
        for at in statement.filter(is_lent).chain(first) {
            self.variables.entry(source.text(at)).or_insert_with(|| origin.clone());
        }
    }

    /// The origin of the value of an expression.
    fn value(&mut self, expr: Range<usize>) -> Option<Origin> {
        let source = self.source;
        let mut origin = None;
        let mut at = expr.start;
        while at < expr.end {
            let (found, next) = match source.kind(at) {
                Some(Kind::Ident) => self.name(at, expr.end),
                // Of a struct, or of code.
                Some(Kind::Open(b'{')) => {
                    let inner = source.group(at);
                    let before = source.text(at.wrapping_sub(1));
                    let is_struct = before.starts_with(char::is_uppercase);
                    let found = if is_struct { self.value(inner) } else { self.block(inner) };
                    (found, source.next(at))
                }
                _ => (None, at + 1),
            };
            origin = origin.or(found);
            at = next.max(at + 1);
        }
        origin
    }

    /// The origin of what is named at a token, and the token behind it.
    fn name(&mut self, at: usize, end: usize) -> (Option<Origin>, usize) {
        let source = self.source;
        let before = at.wrapping_sub(1);
        if source.is_punct(before, b'.') && !source.is_punct(before.wrapping_sub(1), b'.') {
            let why = NAMES.iter().find(|(name, why)| *why == Why::Expires && source.is(at, name));
            let is_call = source.is_open(at + 1, b'(');
            let found = why.filter(|_| is_call).map(|(name, why)| self.made(at, name, *why));
            let is_error = is_call && FAILING.contains(&source.text(at));
            return (found, if is_error { source.next(at + 1) } else { at + 1 });
        }
        if is_branch(source.text(at)) {
            let open = (at..end).find(|at| source.is_open(*at, b'{')).unwrap_or(end);
            return (self.condition(at, open), open);
        }
        if source.is(at, "let") {
            return (None, at + 1);
        }
        let (path, behind) = index::path(source, at);
        if source.is_punct(behind, b'!') && !source.is_punct(behind + 1, b'=') {
            let inner = source.group(behind + 1);
            let name = path.last().copied().unwrap_or_default();
            if name == "nanoid" {
                return (Some(self.made(at, "nanoid!", Why::Unique)), inner.end);
            }
            let found = MACROS.contains(&name).then(|| self.value(inner.clone())).flatten();
            return (found, inner.end);
        }
        let is_call = source.is_open(behind, b'(');
        let last = path.last().copied().unwrap_or_default();
        if is_call && ["Err", "sleep", "sleep_until"].contains(&last) {
            return (None, source.next(behind));
        }
        if is_call && UNTIL.contains(&last) {
            let inner = source.group(behind);
            let mut at = inner.start;
            while at < inner.end && !source.is_punct(at, b',') {
                at = source.next(at);
            }
            return (self.value(at..inner.end), source.next(behind));
        }
        if SYSTEM.contains(&last) && source.is_punct(behind, b'.') {
            return (Some(self.made(at, last, Why::Unique)), behind);
        }
        if let ([name], false) = (&path[..], is_call) {
            let is_label = source.is_punct(behind, b':');
            let variable = self.variables.get(name).filter(|_| !is_label);
            return (variable.cloned(), behind);
        }
        (is_call.then(|| self.call(at, &path, behind)).flatten(), behind)
    }

    /// The value that is matched is a part of the result; a condition only decides.
    fn condition(&mut self, at: usize, open: usize) -> Option<Origin> {
        let source = self.source;
        if source.is(at, "match") {
            return self.value(at + 1..open);
        }
        let keyword = (at..open).find(|at| source.is(*at, "let") || source.is(*at, "for"))?;
        let is = |at: &usize| source.is_punct(*at, b'=') || source.is(*at, "in");
        let is = (keyword..open).find(is)?;
        let origin = self.value(is + 1..open);
        self.bind(keyword + 1..is, origin.as_ref());
        None
    }

    /// The origin of the result of a call.
    fn call(&mut self, at: usize, path: &[&'a str], open: usize) -> Option<Origin> {
        let index = self.origins.index;
        let last = *path.last()?;
        let own = |origins: &mut Origins<'_, 'a>, codes: &[usize]| {
            codes.iter().find_map(|code| origins.of(*code))
        };
        let found = if path[0] == "Self" {
            let of = self.code.owner.and_then(|owner| index.impls[owner].of)?;
            own(self.origins, index.functions_of(of, last))
        } else {
            match index.resolve_in(self.code, path) {
                Target::Own(defs, rest) => defs.iter().find_map(|def| match def {
                    Def::Code(code) if index.codes[*code].role == Role::Function => {
                        self.origins.of(*code)
                    }
                    Def::Type(ty) => {
                        let def = &index.types[*ty];
                        let ty = match def.kind {
                            TypeKind::Alias => index.type_of(def.module, &[def.name])?,
                            _ => *ty,
                        };
                        own(self.origins, index.functions_of(ty, rest.first()?))
                    }
                    _ => None,
                }),
                Target::Other(path) => {
                    let call = path.join("::");
                    if let Some(why) = made(&path) {
                        return Some(self.made(at, &call, why));
                    }
                    let (variable, why) = self.read(&path, open)?;
                    return Some(self.made(at, &format!("{call}({variable})"), why));
                }
            }
        };
        found.map(|mut origin| {
            origin.way.insert(0, self.id);
            origin
        })
    }

    /// The variable that `env::var("…")` reads.
    fn read(&self, path: &[&str], open: usize) -> Option<(&'a str, Why)> {
        let [.., "env", "var" | "var_os"] = path else {
            return None;
        };
        let name = self.source.text(open + 1);
        let known = VARIABLES.iter().find(|it| it.0 == name.trim_matches('"'))?;
        Some((name, known.1))
    }

    fn made(&self, at: usize, call: &str, why: Why) -> Origin {
        Origin { way: vec![self.id], at, call: call.to_owned(), why }
    }
}

fn is_branch(word: &str) -> bool {
    ["if", "match", "while", "for"].contains(&word)
}

/// The reason for a function of another crate.
fn made(path: &[&str]) -> Option<Why> {
    let (last, before) = path.split_last()?;
    // A variable, unless a glob imports it.
    if before.is_empty() && *last != "thread_rng" {
        return None;
    }
    let ends = |known: &str| {
        let (of, name) = known.split_once("::").unwrap_or(("", known));
        name == *last && before.last() == Some(&of)
    };
    if let Some((_, why)) = FUNCTIONS.iter().find(|(known, _)| ends(known)) {
        return Some(*why);
    }
    if let Some((_, why)) = NAMES.iter().find(|(name, _)| name == last) {
        return Some(*why);
    }
    let of_crate = CRATES.iter().find(|(krate, _)| before.first() == Some(krate))?;
    (!SEEDED.contains(last)).then_some(of_crate.1)
}

/// The end of a statement: its `;`, or the token behind its block.
fn statement_end(source: &Source, start: usize, end: usize) -> usize {
    let first = source.text(start);
    let is_block = is_branch(first)
        || ["loop", "unsafe", "fn", "struct", "enum", "impl", "mod", "trait", "{"].contains(&first);
    let mut at = start;
    while at < end && !source.is_punct(at, b';') {
        let opens = source.is_open(at, b'{');
        at = source.next(at);
        let goes_on =
            source.is_punct(at, b'.') || source.is_punct(at, b'?') || source.is(at, "else");
        if is_block && opens && !goes_on {
            break;
        }
    }
    at.min(end)
}
