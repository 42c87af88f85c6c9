//! What lints look at: an item, and the parts of its body. A body is walked once for all lints. What
//! stands behind a `#[cfg]` in it is not looked at: nobody knows yet whether it will be there.

use syn::visit::{self, Visit};
use syn::{Attribute as Attr, Block, Expr, ItemStatic, Macro, Pat, Stmt};

use super::Attribute;
use super::paths::Scope;
use crate::item::{Item, Returns};

/// A body that could be parsed. One that could not is the compiler's to report.
pub(super) enum Body {
    Block(Block),
    Initialiser(Expr),
}

impl Body {
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
    /// A static that is declared in it.
    Static(&'a ItemStatic),
    /// A macro that is called in it.
    Macro(&'a Macro),
    /// Any expression.
    Expr(&'a Expr, InUnsafe),
    /// An expression whose value is dropped where it stands.
    Dropped(&'a Expr),
}

/// Whether something stands in an `unsafe` block or function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct InUnsafe(pub(super) bool);

/// See the module.
pub(super) struct Subject<'a> {
    pub(super) attribute: Attribute,
    pub(super) item: &'a Item,
    /// In the order of the body.
    pub(super) parts: Vec<Part<'a>>,
    /// What the body says about the names in it.
    pub(super) scope: Scope,
    in_unsafe: bool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(attribute: Attribute, item: &'a Item, body: Option<&'a Body>) -> Self {
        let mut subject =
            Self { attribute, item, parts: Vec::new(), scope: Scope::default(), in_unsafe: false };
        match body {
            Some(Body::Block(block)) => subject.visit_block(block),
            Some(Body::Initialiser(expr)) => subject.visit_expr(expr),
            None => {}
        }
        subject
    }

    /// The name of the item.
    pub(super) fn name(&self) -> &'a syn::Ident {
        match self.item {
            Item::Fn(function) => &function.sig.ident,
            Item::Static(item) => &item.ident,
        }
    }

    /// The type of what is kept.
    pub(super) fn value(&self) -> syn::Type {
        match self.item {
            Item::Fn(function) => Returns::of(&function.sig.output).value().clone(),
            Item::Static(item) => item.ty.clone(),
        }
    }

    /// The paths of all expressions, as in `std::process::exit`.
    pub(super) fn expression_paths(&self) -> impl Iterator<Item = &'a syn::ExprPath> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(Expr::Path(path), _) if path.qself.is_none() => Some(path),
            _ => None,
        })
    }

    fn inside(&mut self, is_unsafe: bool, walk: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.in_unsafe, is_unsafe);
        walk(self);
        self.in_unsafe = outside;
    }
}

/// Whether it is there only under a condition.
fn is_conditional(attrs: &[Attr]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}

fn attributes(stmt: &Stmt) -> &[Attr] {
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
        Stmt::Expr(Expr::Block(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Unsafe(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::If(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Match(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Call(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::MethodCall(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Assign(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Binary(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::ForLoop(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::While(expr), _) => &expr.attrs,
        Stmt::Expr(Expr::Loop(expr), _) => &expr.attrs,
        _ => &[],
    }
}

impl<'a> Visit<'a> for Subject<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if is_conditional(attributes(stmt)) {
            return;
        }
        match stmt {
            Stmt::Expr(expr, Some(_)) => self.parts.push(Part::Dropped(expr)),
            Stmt::Local(local) => {
                if let (Pat::Wild(_), Some(init)) = (&local.pat, &local.init) {
                    self.parts.push(Part::Dropped(&init.expr));
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

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.parts.push(Part::Expr(expr, InUnsafe(self.in_unsafe)));
        match expr {
            Expr::Assign(assign) if matches!(&*assign.left, Expr::Infer(_)) => {
                self.parts.push(Part::Dropped(&assign.right));
            }
            Expr::Call(call) => {
                if let (Expr::Path(path), Some(dropped)) = (&*call.func, call.args.first()) {
                    if path.path.segments.last().is_some_and(|it| it.ident == "drop") {
                        self.parts.push(Part::Dropped(dropped));
                    }
                }
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_unsafe(&mut self, expr: &'a syn::ExprUnsafe) {
        self.inside(true, |this| visit::visit_expr_unsafe(this, expr));
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.scope.declare(&item.sig.ident);
        let is_unsafe = matches!(item.sig.safety, syn::Safety::Unsafe(_));
        self.inside(is_unsafe, |this| visit::visit_item_fn(this, item));
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        self.parts.push(Part::Static(item));
        visit::visit_item_static(self, item);
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.parts.push(Part::Macro(mac));
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
