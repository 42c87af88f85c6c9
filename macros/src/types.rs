//! Properties of a type as it is written.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{Path, Type};

use crate::item::peeled;

/// True if a type is a path that ends in this name.
pub(crate) fn ends_in(ty: &Type, name: &str) -> bool {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// True if a type is written as one of Lambda's, not with the path of a module of the user's.
pub(crate) fn is_lambdas(ty: &Type) -> bool {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.iter().rev().skip(1).all(|segment| {
            ["rewarm", "lambda_runtime", "lambda_http"].iter().any(|it| segment.ident == it)
        }),
        _ => false,
    }
}

/// True if a reference in the type, at any depth, is not `'static`. The parameters of a function
/// type do not count: `fn(&str)` and `dyn Fn(&str)` borrow nothing.
pub(crate) fn borrows(ty: &Type) -> bool {
    #[derive(Default)]
    struct Find {
        found: bool,
        /// The lifetimes of a `for<'a>`.
        bound: Vec<Ident>,
    }
    impl<'a> syn::visit::Visit<'a> for Find {
        fn visit_type_reference(&mut self, reference: &'a syn::TypeReference) {
            self.found |= reference.lifetime.is_none();
            syn::visit::visit_type_reference(self, reference);
        }
        fn visit_lifetime(&mut self, lifetime: &'a syn::Lifetime) {
            self.found |= lifetime.ident != "static" && !self.bound.contains(&lifetime.ident);
        }
        fn visit_trait_bound(&mut self, bound: &'a syn::TraitBound) {
            let own = bound.lifetimes.iter().flat_map(|bound| &bound.lifetimes);
            let own = own.filter_map(|param| match param {
                syn::GenericParam::Lifetime(param) => Some(param.lifetime.ident.clone()),
                _ => None,
            });
            self.bound.extend(own);
            self.visit_path(&bound.path);
        }
        fn visit_parenthesized_generic_arguments(
            &mut self,
            _: &'a syn::ParenthesizedGenericArguments,
        ) {
        }
        fn visit_type_fn_ptr(&mut self, _: &'a syn::TypeFnPtr) {}
    }
    let mut find = Find::default();
    syn::visit::Visit::visit_type(&mut find, ty);
    find.found
}

/// The type of a static with its elided lifetimes written as `'static`, which they mean in a static
/// only.
pub(crate) fn of_a_static(mut ty: Type) -> Type {
    fn in_path(path: &mut Path) {
        for segment in &mut path.segments {
            let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments else {
                continue; // the parameters of a function type
            };
            for argument in &mut arguments.args {
                match argument {
                    syn::GenericArgument::Type(ty) => in_type(ty),
                    syn::GenericArgument::AssocType(assoc) => in_type(&mut assoc.ty),
                    syn::GenericArgument::Lifetime(lifetime) if lifetime.ident == "_" => {
                        *lifetime = syn::Lifetime::new("'static", lifetime.span());
                    }
                    _ => {}
                }
            }
        }
    }
    fn in_type(ty: &mut Type) {
        match ty {
            Type::Reference(reference) => {
                let elided = reference.lifetime.as_ref().is_none_or(|it| it.ident == "_");
                if elided {
                    let at = reference.and_token.span();
                    reference.lifetime = Some(syn::Lifetime::new("'static", at));
                }
                in_type(&mut reference.elem);
            }
            Type::Path(path) => in_path(&mut path.path),
            Type::TraitObject(object) => {
                for bound in &mut object.bounds {
                    if let syn::TypeParamBound::Trait(bound) = bound {
                        in_path(&mut bound.path);
                    }
                }
            }
            Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(in_type),
            Type::Array(array) => in_type(&mut array.elem),
            Type::Slice(slice) => in_type(&mut slice.elem),
            Type::Ptr(pointer) => in_type(&mut pointer.elem),
            Type::Paren(paren) => in_type(&mut paren.elem),
            Type::Group(group) => in_type(&mut group.elem),
            _ => {}
        }
    }
    in_type(&mut ty);
    ty
}

/// The first `impl Trait` in a type.
pub(crate) fn hidden(ty: &Type) -> Option<&syn::TypeImplTrait> {
    struct Find<'a>(Option<&'a syn::TypeImplTrait>);
    impl<'a> syn::visit::Visit<'a> for Find<'a> {
        fn visit_type_impl_trait(&mut self, ty: &'a syn::TypeImplTrait) {
            self.0 = self.0.or(Some(ty));
        }
    }
    let mut find = Find(None);
    syn::visit::Visit::visit_type(&mut find, ty);
    find.0
}
