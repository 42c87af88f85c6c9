//! Files that a function writes under a fixed name in `/tmp`.

use std::ops::Range;

use super::index::{self, Code, Def, Index, Target};
use super::lexer::{Kind, Source};
use super::reach::Graph;

/// A call that writes a file.
pub(super) struct Write {
    /// The first token of the path of the file.
    pub(super) at: usize,
    /// The name of the function that is called.
    pub(super) call: String,
    pub(super) path: String,
}

/// Functions that create or write a file, with the index of the argument that is its path.
const WRITERS: &[(&str, &str, usize)] = &[
    ("File", "create", 0),
    ("File", "create_new", 0),
    ("File", "create_buffered", 0),
    ("fs", "write", 0),
    ("fs", "copy", 1),
    ("fs", "rename", 1),
];

/// Methods of values that are written to the file of their first argument.
const SAVING: &[&str] = &["save", "save_as", "save_with_format", "persist", "write_to_file"];

/// Functions that begin the options of a file.
const OPTIONS: &[(&str, &str)] = &[("OpenOptions", "new"), ("File", "options")];

/// Options without which a file is only read.
const WRITING: &[&str] = &["write", "append", "create", "create_new"];

/// Methods that return the same path.
const SAME: &[&str] = &[
    "as_os_str",
    "as_path",
    "as_ref",
    "as_str",
    "clone",
    "into",
    "into_boxed_path",
    "to_owned",
    "to_path_buf",
    "to_string",
];

/// Types of paths and of text, and their functions that return the argument.
const WRAPPERS: &[&str] = &["Path", "PathBuf", "OsStr", "OsString", "String", "Cow"];
const WRAPPING: &[&str] = &["new", "from", "from_str"];

/// The depth of variables, constants and wrappers that are followed.
const DEPTH: usize = 8;

/// The files in `/tmp` with a fixed name that a function writes, or has another function write.
pub(super) fn written(graph: &Graph<'_, '_>, id: usize) -> Vec<Write> {
    let index = graph.index;
    let code = &index.codes[id];
    let source = index.source(code.module);
    let text = Text { index, code, source };
    let mut writes = calls(graph, id);
    writes.extend(calls_of_writers(graph, code));
    let in_tmp = writes.into_iter().filter_map(|(call, path)| {
        let file = text.of(path.clone(), DEPTH)?;
        let at = path.clone().find(|at| !source.is_punct(*at, b'&')).unwrap_or(path.start);
        let is_in_tmp = file.strip_prefix("/tmp/").is_some_and(|name| !name.is_empty());
        is_in_tmp.then_some(Write { at, call, path: file })
    });
    in_tmp.collect()
}

/// The calls in a function that write a file, with the tokens of its path.
fn calls(graph: &Graph<'_, '_>, id: usize) -> Vec<(String, Range<usize>)> {
    let code = &graph.index.codes[id];
    let source = graph.index.source(code.module);
    let functions = graph.refs(id).foreign.iter().filter_map(|call| {
        let [.., of, name] = call.path[..] else {
            return None;
        };
        let (_, open) = index::path(source, call.at);
        let (name, path) = match WRITERS.iter().find(|it| (it.0, it.1) == (of, name)) {
            Some((.., argument)) => (name, argument_at(source, open, *argument)?),
            None if OPTIONS.contains(&(of, name)) => ("open", opened(source, open)?),
            None => return None,
        };
        let of = call.path[..call.path.len() - 1].join("::");
        Some((format!("{of}::{name}"), path))
    });
    let methods = code.body.clone().filter_map(|at| {
        let (name, open) = call_of_method(source, at).filter(|(name, _)| SAVING.contains(name))?;
        Some((format!(".{name}()"), argument_at(source, open, 0)?))
    });
    functions.chain(methods).collect()
}

/// The calls of functions of the crate that write to the file of an argument.
fn calls_of_writers(graph: &Graph<'_, '_>, code: &Code<'_>) -> Vec<(String, Range<usize>)> {
    let index = graph.index;
    let source = index.source(code.module);
    let is_path = |at: usize| {
        source.text(at).starts_with("\"/tmp")
            || source.is(at, "temp_dir")
            || index::is_global_name(source, at)
    };
    if !code.body.clone().any(is_path) {
        return Vec::new();
    }
    let found = code.body.clone().filter_map(|at| {
        let is_call = source.is_ident(at)
            && !source.is_punct(at.wrapping_sub(1), b'.')
            && !source.is_punct(at.wrapping_sub(1), b':');
        let (path, open) = is_call.then(|| index::path(source, at))?;
        if !source.is_open(open, b'(') {
            return None;
        }
        let Target::Own(defs, _) = index.resolve_in(code, &path) else {
            return None;
        };
        defs.iter().find_map(|def| match def {
            Def::Code(called) => {
                let (call, argument) = written_argument(graph, *called)?;
                Some((call, argument_at(source, open, argument)?))
            }
            _ => None,
        })
    });
    found.collect()
}

/// The argument of a function that is the path of a file which it writes, and the call.
fn written_argument(graph: &Graph<'_, '_>, id: usize) -> Option<(String, usize)> {
    let code = &graph.index.codes[id];
    let source = graph.index.source(code.module);
    let open = code.sig.clone().find(|at| source.is_open(*at, b'('))?;
    calls(graph, id).into_iter().find_map(|(call, path)| {
        let name = path.clone().find(|at| !source.is_punct(*at, b'&'))?;
        let is_alone = name + 1 == path.end
            || call_of_method(source, name + 1).is_some_and(|(name, _)| SAME.contains(&name));
        if !source.is_ident(name) || !is_alone {
            return None;
        }
        let argument = (0..).map_while(|n| Some((n, argument_at(source, open, n)?)));
        let mut named = argument.filter(|(_, tokens)| {
            let is_label =
                |at: usize| source.is(at, source.text(name)) && source.is_punct(at + 1, b':');
            tokens.clone().any(is_label)
        });
        named.next().map(|(n, _)| (call, n))
    })
}

/// The tokens of an argument of the call whose bracket opens here.
fn argument_at(source: &Source, open: usize, argument: usize) -> Option<Range<usize>> {
    let inner = source.group(open);
    let mut start = inner.start;
    for _ in 0..argument {
        start = end_of_argument(source, start, inner.end) + 1;
    }
    let end = end_of_argument(source, start, inner.end);
    (start < end).then_some(start..end)
}

fn end_of_argument(source: &Source, mut at: usize, end: usize) -> usize {
    while at < end && !source.is_punct(at, b',') {
        at = source.next(at);
    }
    at.min(end)
}

/// The path in `OpenOptions::new().append(true).open(path)`, from the first bracket on.
fn opened(source: &Source, open: usize) -> Option<Range<usize>> {
    let mut writes = false;
    let mut at = source.next(open);
    while let Some((name, open)) = call_of_method(source, at) {
        if name == "open" {
            return if writes { argument_at(source, open, 0) } else { None };
        }
        writes |= WRITING.contains(&name) && source.is(open + 1, "true");
        at = source.next(open);
    }
    None
}

/// The method that is called behind an expression, and the bracket of its arguments.
fn call_of_method(source: &Source, at: usize) -> Option<(&str, usize)> {
    let is_call =
        source.is_punct(at, b'.') && source.is_ident(at + 1) && source.is_open(at + 2, b'(');
    is_call.then(|| (source.text(at + 1), at + 2))
}

/// The text of constant expressions in a function.
struct Text<'t, 'a> {
    index: &'t Index<'a>,
    code: &'t Code<'a>,
    source: &'a Source,
}

impl<'a> Text<'_, 'a> {
    /// The text of an expression, if no part of it depends on the request.
    fn of(&self, expr: Range<usize>, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let source = self.source;
        let is_borrow = |at: &usize| source.is_punct(*at, b'&');
        let at = expr.clone().find(|at| !is_borrow(at))?;
        let (mut text, mut at) = match source.kind(at)? {
            Kind::Literal => (literal(source.text(at))?, at + 1),
            Kind::Ident => self.path(at, depth)?,
            _ => return None,
        };
        while at < expr.end {
            // `?` behind a conversion.
            if source.is_punct(at, b'?') {
                at += 1;
                continue;
            }
            let (method, open) = call_of_method(source, at)?;
            if method == "join" {
                text = joined(&text, &self.of(argument_at(source, open, 0)?, depth)?);
            } else if !SAME.contains(&method) {
                return None;
            }
            at = source.next(open);
        }
        Some(text)
    }

    /// The text of a variable, a constant or a call at a token, and the token behind it.
    fn path(&self, at: usize, depth: usize) -> Option<(String, usize)> {
        let source = self.source;
        let (path, behind) = index::path(source, at);
        if source.is_punct(behind, b'!') && path == ["format"] {
            return Some((self.formatted(behind + 1, depth)?, source.next(behind + 1)));
        }
        if source.is_open(behind, b'(') {
            let Target::Other(path) = self.index.resolve_in(self.code, &path) else {
                return None;
            };
            let [.., of, name] = path[..] else {
                return None;
            };
            let text = match (of, name) {
                ("env", "temp_dir") => "/tmp".to_owned(),
                _ if WRAPPERS.contains(&of) && WRAPPING.contains(&name) => {
                    self.of(argument_at(source, behind, 0)?, depth)?
                }
                _ => return None,
            };
            return Some((text, source.next(behind)));
        }
        let text = match path[..] {
            [name] if !index::is_global_name(source, at) => self.variable(name, depth),
            _ => self.constant(&path, depth),
        };
        text.map(|text| (text, behind))
    }

    /// The text of `format!` with constant arguments, from its bracket on.
    fn formatted(&self, open: usize, depth: usize) -> Option<String> {
        let source = self.source;
        let format = literal(source.text(open + 1))?;
        let mut parts = format.split('{');
        let mut text = parts.next()?.to_owned();
        let mut argument = 1;
        for part in parts {
            let (name, rest) = part.split_once('}')?;
            text += &match name {
                "" => {
                    let value = argument_at(source, open, argument)?;
                    argument += 1;
                    self.of(value, depth)?
                }
                name if name.contains(|c: char| c.is_lowercase()) => self.variable(name, depth)?,
                // A constant.
                _ => return None,
            };
            text += rest;
        }
        Some(text)
    }

    /// The text of a constant or a static of the crate, or of one in the body.
    fn constant(&self, path: &[&'a str], depth: usize) -> Option<String> {
        if let [name] = path {
            if let Some((value, _)) = self.bound(name, "const") {
                return self.of(value, depth);
            }
        }
        let Target::Own(defs, _) = self.index.resolve_in(self.code, path) else {
            return None;
        };
        let (module, value) = defs.iter().find_map(|def| match def {
            Def::Const(id) => {
                let it = &self.index.consts[*id];
                Some((it.module, it.value.clone()))
            }
            Def::Global(id) => {
                let it = &self.index.globals[*id];
                Some((it.declared_in, it.init.start + 1..it.init.end))
            }
            Def::Module(_) | Def::Code(_) | Def::Type(_) => None,
        })?;
        Text { source: self.index.source(module), ..*self }.of(value, depth)
    }

    /// The text of a variable that is bound once, with what is pushed to it.
    fn variable(&self, name: &str, depth: usize) -> Option<String> {
        let source = self.source;
        let (value, is_mut) = self.bound(name, "let")?;
        let mut text = self.of(value, depth)?;
        if !is_mut {
            return Some(text);
        }
        for at in self.code.body.clone().filter(|at| source.is(*at, name)) {
            if source.is_punct(at + 1, b'=') && !source.is(at.wrapping_sub(1), "mut") {
                return None;
            }
            match call_of_method(source, at + 1) {
                Some(("push", open)) => {
                    text = joined(&text, &self.of(argument_at(source, open, 0)?, depth)?);
                }
                Some((method, _)) if SAME.contains(&method) => {}
                Some(_) => return None,
                None => {}
            }
        }
        Some(text)
    }

    /// The value of a variable or constant that the body binds once, and true for `let mut`.
    fn bound(&self, name: &str, keyword: &str) -> Option<(Range<usize>, bool)> {
        let source = self.source;
        let is_param = |at: usize| source.is(at, name) && source.is_punct(at + 1, b':');
        if self.code.sig.clone().any(is_param) {
            return None;
        }
        let before =
            |at: usize| at.wrapping_sub(if source.is(at.wrapping_sub(1), "mut") { 2 } else { 1 });
        let binds = |at: &usize| {
            source.is(*at, name)
                && (source.is(before(*at), keyword)
                    || ["for", "|"].contains(&source.text(before(*at)))
                    || is_in_pattern(source, *at))
        };
        let mut bindings = self.code.body.clone().filter(binds);
        let at = bindings.next()?;
        if bindings.next().is_some() || !source.is(before(at), keyword) {
            return None;
        }
        let end = (at..self.code.body.end).find(|at| source.is_punct(*at, b';'))?;
        let is = (at..end).find(|at| source.is_punct(*at, b'='))?;
        Some((is + 1..end, source.is(at.wrapping_sub(1), "mut")))
    }
}

/// True for a name in a pattern with brackets: `Some(name) = …`, `|(n, name)|`, `Some(name) => …`.
fn is_in_pattern(source: &Source, at: usize) -> bool {
    let closes = |at: usize| matches!(source.kind(at), Some(Kind::Close(_)));
    let mut end = at + 1;
    while source.is_ident(end) || source.is_punct(end, b',') {
        end += 1;
    }
    let is_in_brackets = closes(end);
    while closes(end) {
        end += 1;
    }
    let is_binding = source.is_punct(end, b'=') && !source.is_punct(end + 1, b'=');
    is_in_brackets && (is_binding || source.is_punct(end, b'|') || source.is(end, "in"))
}

/// The path that `join` and `push` make of two.
fn joined(before: &str, after: &str) -> String {
    match after.starts_with('/') {
        true => after.to_owned(),
        false => format!("{}/{after}", before.trim_end_matches('/')),
    }
}

/// The text of a string literal without escapes.
fn literal(literal: &str) -> Option<String> {
    let text = literal.trim_start_matches(['b', 'c', 'r', '#']).trim_end_matches('#');
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then(|| text.to_owned())
}
