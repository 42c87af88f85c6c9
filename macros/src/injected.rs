//! Parameters that resources fill. A parameter is filled by the resource of its own name, or by the
//! one that `#[from(path)]` names.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::{Pat, PatType, Path, Type};

use crate::diag::Diag;
use crate::item::peeled;
use crate::signature::from_attribute;
use crate::tokens::{at, fitting, ours, ours_at, quote};

/// A parameter that a resource fills.
pub(crate) struct Injected {
    /// The generated type that has the name of the resource.
    pub(crate) resource: Path,
    ty: Type,
}

impl Injected {
    /// Reads a parameter, and reports one that cannot be filled.
    pub(crate) fn read(param: &PatType, diag: &mut Diag) -> Option<Self> {
        let ty = peeled(&param.ty);
        if let Type::Reference(reference) = ty {
            if let Some(mutable) = &reference.mutability {
                diag.error(
                    mutable,
                    "a resource cannot be borrowed mutably",
                    "all invocations of the container share it",
                    "take `&T`, and put only what invocations are meant to share into a `Mutex` or \
                     an atomic",
                );
                return None;
            }
        }
        let resource = match from_attribute(param) {
            Some(attr) if !matches!(attr.meta, syn::Meta::Path(_)) => {
                let Ok(path) = attr.parse_args_with(Path::parse_mod_style) else {
                    let what = "the argument of `#[from]` must be a path";
                    diag.error(attr, what, "", "write `#[from(path::to::resource)]`");
                    return None;
                };
                path
            }
            _ => named(param, diag)?,
        };
        Some(Self { resource, ty: ty.clone() })
    }

    /// The argument of the call, from the resource's handle.
    pub(crate) fn argument(&self, private: &TokenStream, held: &TokenStream) -> TokenStream {
        let span = ours_at(self.ty.span());
        let (held, private) = (at(held, span), at(private, span));
        match &self.ty {
            Type::Reference(reference) => match peeled(&reference.elem) {
                object @ Type::TraitObject(_) => quote_spanned! {span=> {
                    #[allow(unused_imports)]
                    use #private::LendsItself as _;
                    #private::Lender::<_, #object>::of(&*#held).lend()
                }},
                _ => quote_spanned!(span=> &*#held),
            },
            ty => quote_spanned!(span=> <#ty as #private::FromRef<_, _>>::from_ref(&#held)),
        }
    }
}

/// The alias `__Needs`: the tuple of all resources in a signature, which implements `ResourceSet`.
/// A name that is not a resource is reported where it stands.
pub(crate) fn needs(injected: &[Injected], private: &TokenStream) -> TokenStream {
    set("__Needs", &resources(injected), private)
}

/// The resources that fill these parameters.
pub(crate) fn resources(injected: &[Injected]) -> Vec<&Path> {
    injected.iter().map(|injected| &injected.resource).collect()
}

/// An alias for the set of these resources. A name that is not a resource is reported where it
/// stands.
pub(crate) fn set(alias: &str, resources: &[&Path], private: &TokenStream) -> TokenStream {
    let alias = ours(alias);
    if resources.is_empty() {
        return quote!(type #alias = (););
    }
    let are = resources
        .iter()
        .map(|resource| quote_spanned!(resource.span()=> <#resource as #private::Resource>::IS));
    let are = quote!(#(#are)&&*);
    let set = fitting(&are, &quote!((#(#resources,)*)), private);
    quote!(type #alias = #set;)
}

/// Takes all resources that are ready, or do not await, and binds their handles to `held`.
pub(crate) fn hold_now(injected: &[Injected], private: &TokenStream, held: &Ident) -> TokenStream {
    match injected.is_empty() {
        true => TokenStream::new(),
        false => quote!(let #held = #private::hold_now::<__Needs>()?;),
    }
}

/// Awaits all resources, and binds their handles to `held`.
pub(crate) fn hold(injected: &[Injected], private: &TokenStream, held: &Ident) -> TokenStream {
    match injected.is_empty() {
        true => TokenStream::new(),
        false => quote!(let #held = #private::hold::<__Needs>().await?;),
    }
}

/// The arguments for all resources, from the tuple `held`.
pub(crate) fn arguments(
    injected: &[Injected],
    private: &TokenStream,
    held: &Ident,
) -> Vec<TokenStream> {
    let one = |(n, injected): (usize, &Injected)| {
        let n = syn::Index::from(n);
        injected.argument(private, &quote!(#held.#n))
    };
    injected.iter().enumerate().map(one).collect()
}

/// The depth of an item above these resources. The compiler shows this expression in its error
/// about a circle, so each resource keeps its span.
pub(crate) fn depth(resources: &[&Path], private: &TokenStream) -> TokenStream {
    if resources.is_empty() {
        return quote!(0);
    }
    let depths = resources.iter().map(|resource| {
        quote_spanned!(resource.span()=> <#resource as #private::Resource>::A_RESOURCE_NEEDS_ITSELF)
    });
    quote!(#private::depth([#(#depths),*]))
}

/// The implementation of `Resource` for the type of this name.
pub(crate) fn resource(
    name: &Ident,
    private: &TokenStream,
    storage_type: &TokenStream,
    storage: &TokenStream,
    depth: &TokenStream,
) -> TokenStream {
    // With the span of the name, since the compiler shows it in its error about a circle.
    let at = ours_at(name.span());
    let depth =
        quote_spanned!(at=> const A_RESOURCE_NEEDS_ITSELF: ::core::primitive::usize = #depth;);
    quote! {
        impl #private::Resource for #name {
            type Storage = #storage_type;
            #depth
            fn storage() -> &'static Self::Storage {
                #storage
            }
        }
    }
}

/// The resource of the parameter's own name; reports a pattern.
fn named(param: &PatType, diag: &mut Diag) -> Option<Path> {
    match &*param.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            Some(pat.ident.clone().into())
        }
        other => {
            diag.error(
                other,
                "this parameter does not name a resource",
                "a parameter is filled by the resource of its name",
                "name it after a resource, or name one with `#[from(path::to::resource)]`",
            );
            None
        }
    }
}
