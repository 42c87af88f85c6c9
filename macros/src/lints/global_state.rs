//! `global_state`: a global that one invocation can change and another one reads.
//!
//! The compiler decides by the type. [`check_globals`] adds a check of each global that a body names
//! to the block that names it, where its name means the same. The type of
//! a resource is checked in its expansion; [`LINT`] adds the types of crates that the runtime does not
//! know.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ItemStatic, Macro, Path, Stmt, TypePath};

use super::body::{Body, attributes, first_attributes, is_conditional};
use super::paths::{Scope, is_generic, is_screaming, show};
use super::{Attribute, Found, Lint, macro_args, secret_forever, types, unbounded_growth};
use crate::item::Function;
use crate::{audit, tokens};

pub(super) const LINT: Lint = Lint { name: "global_state", can_be_allowed: true, find };

/// Types of other crates with state, matched by name if they have type arguments.
const OTHERS: &[&str] = &[
    "dashmap::DashMap",
    "dashmap::DashSet",
    "crossbeam_utils::atomic::AtomicCell",
    "crossbeam::atomic::AtomicCell",
    "async_lock::OnceCell",
];

/// The same, matched only by the full path since other types end in the same segments.
const WHOLE: &[&str] = &["scc::HashMap", "scc::HashSet"];

/// Locks of other crates, matched with their module if they have type arguments.
const LOCKS: &[&str] = &[
    "parking_lot::Mutex",
    "parking_lot::RwLock",
    "parking_lot::FairMutex",
    "parking_lot::ReentrantMutex",
    "async_lock::Mutex",
    "async_lock::RwLock",
    "async_std::sync::Mutex",
    "async_std::sync::RwLock",
    "futures::lock::Mutex",
    "futures_util::lock::Mutex",
    "spin::Mutex",
    "spin::RwLock",
];

/// Methods that read a value or record a metric, on types that are not known to be state.
const READS: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_ref",
    "as_slice",
    "as_str",
    "captures",
    "contains",
    "contains_key",
    "dec",
    "find",
    "first",
    "get",
    "inc",
    "inc_by",
    "is_empty",
    "is_match",
    "iter",
    "keys",
    "last",
    "len",
    "load",
    "load_full",
    "observe",
    "render",
    "replace_all",
    "split",
    "start_timer",
    "to_owned",
    "to_string",
    "values",
    "wait",
    "with_label_values",
];

const WHY: &str = "Lambda reuses the container: what one invocation stores in it, the next one \
                   reads, with the data of another caller";
const HELP: &str = "keep what belongs to one invocation in a local variable, build what is only \
                    read without a lock or a cell, fetch what gets old with \
                    `#[cached(ttl = \"5m\")]`; if invocations are meant to share it, write \
                    `#[init(allow(global_state))]`";

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    if body.attribute != Attribute::Init || is_reported(found.faults) {
        return;
    }
    let value = body.value();
    let scope = &body.scope;
    let is = |ty: &TypePath| {
        let whole = WHOLE.iter().any(|known| show(&ty.path) == *known);
        let known =
            whole || scope.is_one_of(&ty.path, OTHERS, 1) || scope.is_one_of(&ty.path, LOCKS, 2);
        is_generic(&ty.path) && known
    };
    if let Some(ty) = types::find(&value, &is, &|ty| types::is_wrapper(ty, scope)) {
        found.add(ty, what(body.name()), WHY, HELP);
    }
}

/// True if one of these faults is that of the type of a resource.
pub(super) fn is_reported(faults: &[&str]) -> bool {
    let lints = [LINT.name, unbounded_growth::LINT.name, secret_forever::LINT.name];
    faults.iter().any(|fault| lints.contains(fault))
}

fn what(name: &Ident) -> String {
    format!("invocations can change the resource `{}`", tokens::text(name))
}

/// Adds checks of the globals that a function names.
pub(super) fn check_globals(function: &mut Function, private: &TokenStream) {
    let constants = audit::constants(&function.sig.ident);
    if !names_global(function.body.stream(), constants) {
        return;
    }
    let body = TokenTree::Group(function.body.clone()).into();
    let Ok(mut block) = syn::parse2::<Block>(body) else {
        return; // reported by the compiler
    };
    let mut uses = Uses::default();
    for param in &function.sig.inputs {
        uses.visit_fn_arg(param);
    }
    uses.visit_block(&block);
    let mut checks = Checks {
        uses,
        private,
        judged: audit::judged(),
        constants,
        done: HashSet::new(),
        blocks: Vec::new(),
        added: false,
    };
    checks.visit_block_mut(&mut block);
    if !checks.added {
        return;
    }
    if let Some(TokenTree::Group(body)) = block.into_token_stream().into_iter().next() {
        function.body = body;
    }
}

/// True if a body names something that may be a global, and that is not one of the constants. A
/// body that does not need not be parsed.
fn names_global(body: TokenStream, constants: &[String]) -> bool {
    let mut path = String::new();
    let mut rest = body.into_iter().peekable();
    while let Some(token) = rest.next() {
        let name = match token {
            TokenTree::Group(group) if names_global(group.stream(), constants) => return true,
            TokenTree::Ident(name) => tokens::text(&name),
            TokenTree::Punct(colon) if colon.as_char() == ':' => continue,
            _ => {
                path.clear();
                continue;
            }
        };
        if !path.is_empty() {
            path += "::";
        }
        path += &name;
        let is_colon =
            |token: &TokenTree| matches!(token, TokenTree::Punct(it) if it.as_char() == ':');
        if !rest.peek().is_some_and(is_colon) {
            let of_type = path.rsplit("::").nth(1).is_some_and(is_type);
            if is_screaming(&name) && !of_type && !constants.contains(&path) {
                return true;
            }
            path.clear();
        }
    }
    false
}

/// The uses of globals in a body, and the names that the body binds.
#[derive(Default)]
struct Uses {
    /// True for a global that the body only reads.
    only_read: HashMap<String, bool>,
    local: HashSet<String>,
    scope: Scope,
}

impl Uses {
    fn add(&mut self, path: &Path, reads: bool) {
        *self.only_read.entry(show(path)).or_insert(true) &= reads;
    }

    fn visit_args(&mut self, mac: &Macro) {
        for expr in macro_args::read(mac, &self.scope) {
            self.visit_expr(&expr);
        }
    }
}

/// True for the name of a type, such as `Status` or `u64`, whose items are constants and variants.
fn is_type(name: &str) -> bool {
    let is_number = name.len() > 1
        && name.starts_with(['u', 'i', 'f'])
        && (name[1..].bytes().all(|c| c.is_ascii_digit()) || &name[1..] == "size");
    is_number || name.starts_with(|first: char| first.is_uppercase())
}

/// The path of an expression that may name a global: in SCREAMING_CASE and not behind a type, whose
/// items are constants and variants.
fn global(expr: &Expr) -> Option<&Path> {
    let Expr::Path(path) = expr else {
        return None;
    };
    let mut segments = path.path.segments.iter().rev();
    let is_screaming = is_screaming(&segments.next()?.ident.to_string());
    let of_type = segments.next().is_some_and(|parent| is_type(&tokens::text(&parent.ident)));
    (path.qself.is_none() && is_screaming && !of_type).then_some(&path.path)
}

/// The global that an expression only reads.
fn read(expr: &Expr) -> Option<&Path> {
    match expr {
        Expr::MethodCall(call) if READS.iter().any(|name| call.method == name) => {
            global(&call.receiver)
        }
        Expr::Index(index) => global(&index.expr),
        _ => None,
    }
}

impl<'a> Visit<'a> for Uses {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !is_conditional(attributes(stmt)) {
            visit::visit_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if is_conditional(first_attributes(expr)) {
            return;
        }
        match (read(expr), expr) {
            (Some(path), Expr::MethodCall(call)) => {
                self.add(path, true);
                for arg in &call.args {
                    self.visit_expr(arg);
                }
            }
            (Some(path), Expr::Index(index)) => {
                self.add(path, true);
                self.visit_expr(&index.index);
            }
            _ => {
                if let Some(path) = global(expr) {
                    self.add(path, false);
                }
                visit::visit_expr(self, expr);
            }
        }
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.visit_args(mac);
    }

    fn visit_pat_ident(&mut self, pat: &'a syn::PatIdent) {
        self.local.insert(pat.ident.to_string());
        visit::visit_pat_ident(self, pat);
    }

    fn visit_const_param(&mut self, param: &'a syn::ConstParam) {
        self.local.insert(param.ident.to_string());
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        self.local.insert(item.ident.to_string());
        visit::visit_item_static(self, item);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.local.insert(item.ident.to_string());
        visit::visit_item_const(self, item);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.scope.import(&item.tree, &mut Vec::new());
    }
}

/// Adds the checks.
struct Checks<'a> {
    uses: Uses,
    private: &'a TokenStream,
    /// The names of the globals that the audit has judged.
    judged: &'static [String],
    /// The paths of values that the audit has found to be constant.
    constants: &'static [String],
    /// The globals with a check.
    done: HashSet<String>,
    /// The checks of each open block.
    blocks: Vec<Vec<TokenStream>>,
    added: bool,
}

impl Checks<'_> {
    fn named(&mut self, path: &Path) {
        let name = show(path);
        let is_local = path.get_ident().is_some() && self.uses.local.contains(&name);
        if is_local || self.done.contains(&name) {
            return;
        }
        let Some(last) = path.segments.last() else {
            return;
        };
        let is_constant = self.constants.contains(&name);
        if is_constant || self.judged.iter().any(|name| last.ident == name) {
            return;
        }
        let only_read = self.uses.only_read.get(&name).is_some_and(|only_read| *only_read);
        let at = Span::call_site().located_at(last.ident.span());
        let private = tokens::at(self.private, at);
        // A reference for each level of the check, and one that the method borrows.
        let verdict = match only_read {
            true => quote_spanned!(at=>
                (&&&&#private::Global::<_, #private::ReadOnly>::named(&#path)).verdict_of_reads()
            ),
            false => quote_spanned!(at=>
                (&&&&&&&&&&#private::Global::<_, #private::AnyUse>::named(&#path)).verdict()
            ),
        };
        self.add(&verdict, at);
        self.done.insert(name);
    }

    fn declared(&mut self, item: &ItemStatic) {
        if !matches!(item.mutability, syn::StaticMutability::None) {
            return; // reported by the lint `static_mut`
        }
        if self.judged.iter().chain(self.constants).any(|name| item.ident == name) {
            return;
        }
        let at = Span::call_site().located_at(item.ident.span());
        let ty = &item.ty;
        let private = tokens::at(self.private, at);
        let verdict = quote_spanned!(at=>
            (&&&&&&&&&&#private::Global::<#ty, #private::AnyUse>::declared()).verdict()
        );
        self.add(&verdict, at);
    }

    fn add(&mut self, verdict: &TokenStream, at: Span) {
        if let Some(block) = self.blocks.last_mut() {
            let private = tokens::at(self.private, at);
            block.push(quote_spanned!(at=> #private::global(&#verdict);));
        }
    }

    fn visit_args(&mut self, mac: &Macro) {
        for mut expr in macro_args::read(mac, &self.uses.scope) {
            InArgs(self).visit_expr_mut(&mut expr);
        }
    }

    /// Checks the global that an expression is.
    fn expr(&mut self, expr: &Expr) {
        if let Some(path) = global(expr) {
            self.named(path);
        }
    }
}

impl VisitMut for Checks<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.blocks.push(Vec::new());
        visit_mut::visit_block_mut(self, block);
        let checks = self.blocks.pop().unwrap_or_default();
        if checks.is_empty() {
            return;
        }
        let private = self.private;
        let check = quote! {
            #[allow(deprecated, unused_imports, static_mut_refs, clippy::all, clippy::pedantic, clippy::nursery)]
            if false {
                use #private::globals::*;
                #(#checks)*
            }
        };
        if let Ok(check) = syn::parse2::<Stmt>(check) {
            block.stmts.insert(0, check);
            self.added = true;
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
        // A name that is called is a function, or it builds a tuple.
        if global(&call.func).is_none() {
            self.visit_expr_mut(&mut call.func);
        }
        call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if !is_conditional(attributes(stmt)) {
            visit_mut::visit_stmt_mut(self, stmt);
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_conditional(first_attributes(expr)) {
            return;
        }
        self.expr(expr);
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        self.declared(item);
    }

    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        if item.sig.constness.is_none() {
            self.visit_block_mut(&mut item.block);
        }
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        if item.sig.constness.is_none() {
            self.visit_block_mut(&mut item.block);
        }
    }

    // Constants are built by the compiler, and the check cannot stand in them.
    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}
    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}
    fn visit_trait_item_const_mut(&mut self, _: &mut syn::TraitItemConst) {}
    fn visit_item_enum_mut(&mut self, _: &mut syn::ItemEnum) {}
    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}

    fn visit_expr_repeat_mut(&mut self, repeat: &mut syn::ExprRepeat) {
        self.visit_expr_mut(&mut repeat.expr);
    }

    // A pointer to a `static mut` needs no `unsafe`, but a reference does.
    fn visit_expr_raw_addr_mut(&mut self, raw: &mut syn::ExprRawAddr) {
        if global(&raw.expr).is_none() {
            self.visit_expr_mut(&mut raw.expr);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.visit_args(mac);
    }
}

/// The arguments of a macro. A block in them is not written back, so its checks are added to the
/// block around the macro.
struct InArgs<'a, 'b>(&'a mut Checks<'b>);

impl VisitMut for InArgs<'_, '_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if is_conditional(first_attributes(expr)) {
            return;
        }
        self.0.expr(expr);
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
        // A name that is called is a function, or it builds a tuple.
        if global(&call.func).is_none() {
            self.visit_expr_mut(&mut call.func);
        }
        call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if !is_conditional(attributes(stmt)) {
            visit_mut::visit_stmt_mut(self, stmt);
        }
    }

    fn visit_item_static_mut(&mut self, item: &mut ItemStatic) {
        self.0.declared(item);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.0.visit_args(mac);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_globals_is_not_parsed() {
        let constants = ["LIMIT".to_owned(), "table::NAMES".to_owned()];
        let names = |body: &str| names_global(body.parse().unwrap(), &constants);
        for body in [
            "LIMIT + u64::MAX",
            "f(table::NAMES[0])",
            "Status::OK",
            "x.map(|i8| i8::MIN)",
            "a { b: 1 }",
        ] {
            assert!(!names(body), "{body}");
        }
        for body in ["COUNT.load()", "f({ table::COUNT })", "other::LIMIT", "A { b: COUNT }"] {
            assert!(names(body), "{body}");
        }
    }
}
