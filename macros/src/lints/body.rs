//! The input of the lints: an item, and the parts of its body. A body is walked once for all lints.
//! Code behind a `#[cfg]` in a body is skipped, since a macro does not know if the condition holds.

use std::borrow::Cow;

use syn::visit::{self, Visit};
use syn::{Attribute as Attr, Block, Expr, FnArg, ItemStatic, Macro, Pat, Path, Stmt, Type};

use super::Attribute;
use super::macro_args::{self, MacroArgs};
use super::paths::Scope;
use crate::item::{Item, Returns};

/// A body that could be parsed. The compiler reports one that could not.
pub(super) enum Parsed {
    Block(Block),
    Initialiser(Expr),
}

impl Parsed {
    /// Reads the body of a function or the initialiser of a static.
    pub(super) fn read(item: &Item) -> Option<Self> {
        match item {
            Item::Fn(function) => {
                let tokens = proc_macro2::TokenTree::Group(function.body.clone());
                syn::parse2(tokens.into()).ok().map(Self::Block)
            }
            Item::Static(item) => syn::parse2(item.init.clone()).ok().map(Self::Initialiser),
        }
    }
}

/// A part of a body.
pub(super) enum Part<'a> {
    /// A static declared in the body.
    Static(&'a ItemStatic),
    /// A macro call.
    Macro(&'a Macro),
    /// Any expression.
    Expr(&'a Expr, InUnsafe),
    /// An expression whose value is dropped at once.
    Dropped(&'a Expr),
}

/// True for an expression in an `unsafe` block or function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct InUnsafe(pub(super) bool);

/// A variable or a parameter, with the type and the initialiser of its binding.
pub(super) struct Variable<'a> {
    pub(super) name: &'a syn::Ident,
    pub(super) ty: Option<&'a Type>,
    pub(super) init: Option<&'a Expr>,
}

/// An annotated item with its body, as the lints read it.
pub(super) struct Body<'a> {
    pub(super) attribute: Attribute,
    pub(super) item: &'a Item,
    /// In source order.
    pub(super) parts: Vec<Part<'a>>,
    /// The names that the body declares and imports.
    pub(super) scope: Scope,
    pub(super) variables: Vec<Variable<'a>>,
    /// The patterns of all `let`s, with their initialisers.
    pub(super) bindings: Vec<(&'a Pat, Option<&'a Expr>)>,
    in_unsafe: bool,
    macro_args: &'a MacroArgs,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        attribute: Attribute,
        item: &'a Item,
        parsed: Option<&'a Parsed>,
        macro_args: &'a MacroArgs,
    ) -> Self {
        let mut body = Self {
            attribute,
            item,
            parts: Vec::new(),
            scope: Scope::default(),
            variables: Vec::new(),
            bindings: Vec::new(),
            in_unsafe: false,
            macro_args,
        };
        if let Item::Fn(function) = item {
            for param in &function.sig.inputs {
                if let FnArg::Typed(param) = param {
                    body.bind(&param.pat, Some(&param.ty), None);
                    body.visit_pat(&param.pat);
                }
            }
        }
        match parsed {
            Some(Parsed::Block(block)) => body.visit_block(block),
            Some(Parsed::Initialiser(expr)) => body.visit_expr(expr),
            None => {}
        }
        body
    }

    /// The name of the item.
    pub(super) fn name(&self) -> &'a syn::Ident {
        self.item.name()
    }

    /// The type of the kept value.
    pub(super) fn value(&self) -> syn::Type {
        match self.item {
            Item::Fn(function) => Returns::of(&function.sig.output).value().clone(),
            Item::Static(item) => item.ty.clone(),
        }
    }

    /// The paths of all expressions, such as `std::process::exit` or `<Vec<u8>>::leak`: first as
    /// written, then without the angle brackets around a type.
    pub(super) fn expression_paths(
        &self,
    ) -> impl Iterator<Item = (&'a syn::ExprPath, Cow<'a, Path>)> + use<'a, '_> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(Expr::Path(path), _) => Some((path, unqualified(path)?)),
            _ => None,
        })
    }

    fn bind(&mut self, pat: &'a Pat, ty: Option<&'a Type>, init: Option<&'a Expr>) {
        match pat {
            Pat::Type(typed) => self.bind(&typed.pat, Some(&typed.ty), init),
            Pat::Ident(pat) if pat.subpat.is_none() && pat.by_ref.is_none() => {
                self.variables.push(Variable { name: &pat.ident, ty, init });
            }
            _ => {}
        }
    }

    /// Records an expression whose value is dropped at once. Of an expression with branches, it
    /// records the last expression of each branch.
    fn dropped(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Paren(paren) => self.dropped(&paren.expr),
            Expr::Group(group) => self.dropped(&group.expr),
            Expr::Block(block) => self.dropped_end(&block.block),
            Expr::Unsafe(block) => self.dropped_end(&block.block),
            Expr::If(branch) => {
                self.dropped_end(&branch.then_branch);
                if let Some((_, otherwise)) = &branch.else_branch {
                    self.dropped(otherwise);
                }
            }
            Expr::Match(branches) => {
                for arm in branches.arms.iter().filter(|arm| !is_conditional(&arm.attrs)) {
                    self.dropped(&arm.body);
                }
            }
            _ => self.parts.push(Part::Dropped(expr)),
        }
    }

    fn dropped_end(&mut self, block: &'a Block) {
        if let Some(stmt @ Stmt::Expr(expr, None)) = block.stmts.last() {
            if !is_conditional(attributes(stmt)) {
                self.dropped(expr);
            }
        }
    }

    fn walk(&mut self, is_unsafe: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.in_unsafe, is_unsafe);
        visit(self);
        self.in_unsafe = before;
    }
}

/// True if one of the attributes is a `#[cfg]`.
pub(super) fn is_conditional(attrs: &[Attr]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}

pub(super) fn attributes(stmt: &Stmt) -> &[Attr] {
    use syn::Item as I;
    match stmt {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(mac) => &mac.attrs,
        Stmt::Item(I::Static(item)) => &item.attrs,
        Stmt::Item(I::Fn(item)) => &item.attrs,
        Stmt::Item(I::Mod(item)) => &item.attrs,
        Stmt::Item(I::Impl(item)) => &item.attrs,
        Stmt::Item(I::Macro(item)) => &item.attrs,
        Stmt::Item(I::Use(item)) => &item.attrs,
        Stmt::Item(I::Const(item)) => &item.attrs,
        Stmt::Expr(expr, _) => first_attributes(expr),
        Stmt::Item(_) => &[],
    }
}

/// The attributes in front of an expression, which syn stores in its leftmost subexpression.
pub(super) fn first_attributes(expr: &Expr) -> &[Attr] {
    match expr {
        Expr::Array(expr) => &expr.attrs,
        Expr::Assign(expr) => first_attributes(&expr.left),
        Expr::Async(expr) => &expr.attrs,
        Expr::Await(expr) => &expr.attrs,
        Expr::Binary(expr) => first_attributes(&expr.left),
        Expr::Block(expr) => &expr.attrs,
        Expr::Break(expr) => &expr.attrs,
        Expr::Call(expr) => &expr.attrs,
        Expr::Cast(expr) => first_attributes(&expr.expr),
        Expr::Closure(expr) => &expr.attrs,
        Expr::Field(expr) => &expr.attrs,
        Expr::ForLoop(expr) => &expr.attrs,
        Expr::If(expr) => &expr.attrs,
        Expr::Index(expr) => &expr.attrs,
        Expr::Infer(expr) => &expr.attrs,
        Expr::Loop(expr) => &expr.attrs,
        Expr::Macro(expr) => &expr.attrs,
        Expr::Match(expr) => &expr.attrs,
        Expr::MethodCall(expr) => &expr.attrs,
        Expr::Paren(expr) => &expr.attrs,
        Expr::Path(expr) => &expr.attrs,
        Expr::RawAddr(expr) => &expr.attrs,
        Expr::Reference(expr) => &expr.attrs,
        Expr::Return(expr) => &expr.attrs,
        Expr::Struct(expr) => &expr.attrs,
        Expr::Try(expr) => &expr.attrs,
        Expr::Tuple(expr) => &expr.attrs,
        Expr::Unary(expr) => &expr.attrs,
        Expr::Unsafe(expr) => &expr.attrs,
        Expr::While(expr) => &expr.attrs,
        _ => &[],
    }
}

/// The path of an expression, with `<Type>::name` as `Type::name`. `None` for
/// `<Type as Trait>::name`.
pub(super) fn unqualified(path: &syn::ExprPath) -> Option<Cow<'_, Path>> {
    match &path.qself {
        None => Some(Cow::Borrowed(&path.path)),
        Some(qself) => {
            let Type::Path(ty) = &*qself.ty else {
                return None;
            };
            let mut whole = ty.path.clone();
            whole.segments.extend(path.path.segments.iter().cloned());
            (qself.position == 0 && ty.qself.is_none()).then_some(Cow::Owned(whole))
        }
    }
}

/// True for a pattern that binds nothing: `_`, also with a type or in parentheses.
fn is_wild(pat: &Pat) -> bool {
    match pat {
        Pat::Wild(_) => true,
        Pat::Type(typed) => is_wild(&typed.pat),
        Pat::Paren(paren) => is_wild(&paren.pat),
        _ => false,
    }
}

impl<'a> Visit<'a> for Body<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if is_conditional(attributes(stmt)) {
            return;
        }
        match stmt {
            Stmt::Expr(expr, Some(_)) => self.dropped(expr),
            Stmt::Local(local) => {
                let init = local.init.as_ref().map(|init| &*init.expr);
                self.bind(&local.pat, None, init);
                self.bindings.push((&local.pat, init));
                if let (true, Some(init)) = (is_wild(&local.pat), init) {
                    self.dropped(init);
                }
            }
            _ => {}
        }
        visit::visit_stmt(self, stmt);
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        if !is_conditional(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_field_value(&mut self, field: &'a syn::FieldValue) {
        if !is_conditional(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if is_conditional(first_attributes(expr)) {
            return;
        }
        self.parts.push(Part::Expr(expr, InUnsafe(self.in_unsafe)));
        match expr {
            Expr::Assign(assign) if matches!(&*assign.left, Expr::Infer(_)) => {
                self.dropped(&assign.right);
            }
            Expr::Call(call) => {
                if let (Expr::Path(path), Some(dropped)) = (&*call.func, call.args.first()) {
                    if path.path.segments.last().is_some_and(|it| it.ident == "drop") {
                        self.dropped(dropped);
                    }
                }
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_unsafe(&mut self, expr: &'a syn::ExprUnsafe) {
        self.walk(true, |this| visit::visit_expr_unsafe(this, expr));
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.scope.declare(&item.sig.ident);
        let is_unsafe = matches!(item.sig.safety, syn::Safety::Unsafe(_));
        self.walk(is_unsafe, |this| visit::visit_item_fn(this, item));
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        self.parts.push(Part::Static(item));
        visit::visit_item_static(self, item);
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.parts.push(Part::Macro(mac));
        let exprs = macro_args::read(mac, &self.scope);
        if !exprs.is_empty() {
            let (exprs, next) = self.macro_args.keep(exprs);
            self.macro_args = next;
            for expr in exprs {
                self.visit_expr(expr);
            }
        }
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.scope.declare(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.scope.declare(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.scope.declare(&item.ident);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.scope.declare(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.scope.import(&item.tree, &mut Vec::new());
    }

    fn visit_pat_ident(&mut self, pat: &'a syn::PatIdent) {
        self.scope.bind(&pat.ident);
        visit::visit_pat_ident(self, pat);
    }
}
