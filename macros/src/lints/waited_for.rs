//! Tasks that a function waits for without their handles: through a channel of which the task has the
//! sender, or through a value such as a `Notify` that both have. The names of variables are followed
//! from binding to binding, in the tokens of the body, so that those in macros are seen, too.

use std::collections::{HashMap, HashSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, FnArg, Pat, Type};

use super::Attribute;
use super::body::Body;
use crate::item::Item;

/// Functions and methods that return the two ends of a channel: first the sender.
const CHANNELS: &[&str] =
    &["channel", "unbounded_channel", "sync_channel", "bounded", "unbounded", "remote_handle"];

/// Those whose ends are alike, or come in the other order.
const PAIRS: &[&str] = &["duplex", "pair", "bi_channel", "pipe", "simplex"];

/// Methods of a receiver that do not wait.
const PASSING: &[&str] = &["try_recv", "try_next", "close", "is_empty", "is_closed", "len"];

/// Methods that wait for another owner of the same value.
const MEETING: &[&str] = &[
    "notified",
    "wait",
    "wait_for",
    "wait_with_output",
    "cancelled",
    "closed",
    "acquire_many",
    "acquire_many_owned",
];

/// Words of an expression that waits.
const WAITS: &[&str] = &["await", "recv", "recv_timeout", "blocking_recv", "iter", "join"];

/// Types of a parameter whose receiver the caller has.
const SENDERS: &[&str] = &["Sender", "UnboundedSender", "SyncSender"];

/// Returns the calls that start a task which the function does not wait for.
pub(super) fn detached<'a>(body: &Body<'a>, calls: Vec<&'a ExprCall>) -> Vec<&'a ExprCall> {
    let Item::Fn(function) = body.item else {
        return calls;
    };
    let function_uses = uses(function.body.stream());
    let lets = Lets::read(body);
    let mut detached = calls;
    // A task that is waited for can wait for another.
    loop {
        let is_detached = |call: &&&ExprCall| {
            let others = detached.iter().copied().filter(|other| !std::ptr::eq(*other, **call));
            let outside = outside(&function_uses, call, others.collect(), &lets);
            // A value that a task drops at its end tells that it has ended.
            let mut in_task = Uses::new();
            collect(call.to_token_stream(), true, &mut in_task);
            !lets.meet(body, &in_task, &outside)
        };
        let left: Vec<_> = detached.iter().filter(is_detached).copied().collect();
        if left.len() == detached.len() {
            return left;
        }
        detached = left;
    }
}

/// A mention of a variable, and the method that is called on it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Use {
    name: String,
    method: Option<String>,
}

/// The number of times that each use occurs.
type Uses = HashMap<Use, isize>;

/// The uses outside of a task, and of all tasks that no code waits for. A binding that only passes a
/// value on is no use.
fn outside(all: &Uses, call: &ExprCall, others: Vec<&ExprCall>, lets: &Lets) -> Uses {
    let mut outside = all.clone();
    let mut remove = |tokens: TokenStream| {
        for (used, count) in uses(tokens) {
            *outside.entry(used).or_default() -= count;
        }
    };
    let is_around = |outer: &ExprCall, inner: &ExprCall| has(outer, inner);
    remove(call.to_token_stream());
    for (n, other) in others.iter().enumerate() {
        let is_in_other = |(m, outer): (usize, &&ExprCall)| m != n && is_around(outer, other);
        let is_removed = is_around(call, other) || others.iter().enumerate().any(is_in_other);
        if !is_around(other, call) && !is_removed {
            remove(other.to_token_stream());
        }
    }
    lets.passing.iter().for_each(|tokens| remove(tokens.clone()));
    outside
}

/// True if one call is part of another.
fn has(outer: &ExprCall, inner: &ExprCall) -> bool {
    struct Find<'a>(&'a ExprCall, bool);
    impl<'a> Visit<'a> for Find<'a> {
        fn visit_expr_call(&mut self, call: &'a ExprCall) {
            self.1 |= std::ptr::eq(call, self.0);
            visit::visit_expr_call(self, call);
        }
    }
    let mut find = Find(inner, false);
    outer.args.iter().for_each(|arg| find.visit_expr(arg));
    find.1
}

/// The bindings of a body.
struct Lets {
    /// The names that each binding binds, and those in its initialiser.
    bindings: Vec<(Vec<String>, HashSet<String>)>,
    /// The two ends of each channel, and if they are alike.
    channels: Vec<(String, String, bool)>,
    /// Tokens that are no use of a variable: patterns, and initialisers that do not wait.
    passing: Vec<TokenStream>,
}

impl Lets {
    fn read(body: &Body<'_>) -> Self {
        let mut lets = Self { bindings: Vec::new(), channels: Vec::new(), passing: Vec::new() };
        for (pat, init) in &body.bindings {
            let pat = untyped(pat);
            lets.passing.push(pat.to_token_stream());
            let Some(init) = init else { continue };
            let uses = uses(init.to_token_stream());
            if let (Pat::Tuple(ends), Some(is_alike)) = (pat, channel(init)) {
                let ends: Vec<_> = ends.elems.iter().map(bound).collect();
                if let [Some(first), Some(second)] = &*ends {
                    lets.channels.push((first.clone(), second.clone(), is_alike));
                }
                continue;
            }
            let waits = |used: &Use| {
                let method = used.method.as_deref().unwrap_or_default();
                WAITS.contains(&&*used.name) || WAITS.contains(&method)
            };
            if !uses.keys().any(waits) {
                lets.passing.push(init.to_token_stream());
            }
            let bound = self::uses(pat.to_token_stream()).into_keys().map(|used| used.name);
            let names = uses.into_keys().map(|used| used.name);
            lets.bindings.push((bound.collect(), names.collect()));
        }
        lets
    }

    /// A variable, and all that are made of it.
    fn made_of(&self, name: &str) -> HashSet<String> {
        let mut made = HashSet::from([name.to_owned()]);
        loop {
            let before = made.len();
            for (bound, names) in &self.bindings {
                if !made.is_disjoint(names) {
                    made.extend(bound.iter().cloned());
                }
            }
            if made.len() == before {
                return made;
            }
        }
    }

    /// True if the function waits for what a task has.
    fn meet(&self, body: &Body<'_>, task: &Uses, outside: &Uses) -> bool {
        let in_task = |names: &HashSet<String>| task.keys().any(|used| names.contains(&used.name));
        let is_used = |names: &HashSet<String>, by: &dyn Fn(Option<&str>) -> bool| {
            let is = |used: &Use| names.contains(&used.name) && by(used.method.as_deref());
            outside.iter().any(|(used, count)| *count > 0 && is(used))
        };
        let receives = |method: Option<&str>| method.is_none_or(|it| !PASSING.contains(&it));
        let meets = |method: Option<&str>| method.is_some_and(|it| MEETING.contains(&it));
        let has_channel = self.channels.iter().any(|(first, second, is_alike)| {
            let (first, second) = (self.made_of(first), self.made_of(second));
            in_task(&first) && is_used(&second, &receives)
                || in_task(&second) && is_used(&first, &meets)
                || *is_alike && in_task(&second) && is_used(&first, &receives)
        });
        let bound = self.bindings.iter().flat_map(|(bound, _)| bound);
        let names: HashSet<_> = bound.chain(task.keys().map(|used| &used.name)).collect();
        let has_meeting = names.into_iter().any(|name| {
            let names = self.made_of(name);
            in_task(&names) && is_used(&names, &meets)
        });
        let has_sender = || senders(body).iter().any(|name| in_task(&self.made_of(name)));
        has_channel || has_meeting || has_sender()
    }
}

/// The parameters of a called function that are senders: its caller has the receivers.
fn senders(body: &Body<'_>) -> Vec<String> {
    let (Item::Fn(function), Attribute::Called { .. }) = (body.item, body.attribute) else {
        return Vec::new();
    };
    let sender = |param: &FnArg| match param {
        FnArg::Typed(param) => match &*param.ty {
            Type::Path(ty) => {
                let last = ty.path.segments.last()?.ident.to_string();
                SENDERS.contains(&&*last).then(|| bound(&param.pat))?
            }
            _ => None,
        },
        FnArg::Receiver(_) => None,
    };
    function.sig.inputs.iter().filter_map(sender).collect()
}

/// True if an expression makes a channel whose ends are alike, false if it makes another.
fn channel(init: &Expr) -> Option<bool> {
    let name = match init {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last()?.ident.to_string(),
            _ => return None,
        },
        Expr::MethodCall(call) => call.method.to_string(),
        Expr::Try(inner) => return channel(&inner.expr),
        _ => return None,
    };
    match CHANNELS.contains(&&*name) {
        true => Some(false),
        false => PAIRS.contains(&&*name).then_some(true),
    }
}

fn untyped(pat: &Pat) -> &Pat {
    match pat {
        Pat::Type(typed) => untyped(&typed.pat),
        Pat::Paren(paren) => untyped(&paren.pat),
        pat => pat,
    }
}

fn bound(pat: &Pat) -> Option<String> {
    match untyped(pat) {
        Pat::Ident(pat) => Some(pat.ident.to_string()),
        _ => None,
    }
}

/// The names in tokens, without those of fields and methods, and without values that are dropped.
fn uses(tokens: TokenStream) -> Uses {
    let mut uses = Uses::new();
    collect(tokens, false, &mut uses);
    uses
}

fn collect(tokens: TokenStream, with_dropped: bool, uses: &mut Uses) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is = |at: usize, c: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    let word = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    };
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let is_dropped = at > 0 && word(at - 1).is_some_and(|word| word == "drop");
                let is_one = group.stream().into_iter().count() == 1;
                if with_dropped || !(is_dropped && is_one) {
                    collect(group.stream(), with_dropped, uses);
                }
            }
            TokenTree::Ident(ident) => {
                let is_field = at > 0 && is(at - 1, '.') && !(at > 1 && is(at - 2, '.'));
                let is_dropped = at > 1
                    && is(at - 1, '=')
                    && word(at - 2).is_some_and(|word| word == "_")
                    && is(at + 1, ';');
                let name = ident.to_string();
                if (!is_field || name == "await") && (with_dropped || !is_dropped) {
                    let method = if is(at + 1, '.') { word(at + 2) } else { None };
                    *uses.entry(Use { name, method }).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}
