//! Parameters: which resource fills one, and how it is handed over. A parameter is filled by the
//! resource of its own name, or by the one that `#[from(path)]` names.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Pat, PatType, Path, Signature, Type};

use crate::diag::Diag;

/// A parameter that a resource fills.
pub(crate) struct Injected {
    /// The type that `#[init]` or `#[cached]` made under the resource's name.
    pub(crate) resource: Path,
    ty: Type,
}

impl Injected {
    /// Reads a parameter; reports one that cannot be filled.
    pub(crate) fn read(param: &PatType, diag: &mut Diag) -> Option<Self> {
        if let Type::Reference(reference) = &*param.ty {
            if let Some(mutable) = &reference.mutability {
                diag.error(
                    mutable,
                    "a resource cannot be borrowed mutably",
                    "it is shared with every other invocation that runs at the time",
                    "take `&T`, and change what is in it through a `Mutex` or an atomic",
                );
                return None;
            }
        }
        let resource = match from_attribute(param) {
            Some(attr) => match &attr.meta {
                syn::Meta::Path(_) => named(param, diag)?,
                _ => match attr.parse_args_with(Path::parse_mod_style) {
                    Ok(path) => path,
                    Err(_) => {
                        diag.error(
                            attr,
                            "`#[from]` wants a path",
                            "",
                            "write `#[from(path::to::resource)]`",
                        );
                        return None;
                    }
                },
            },
            None => named(param, diag)?,
        };
        Some(Self { resource, ty: (*param.ty).clone() })
    }

    /// The argument, made from what is held.
    pub(crate) fn argument(&self, private: &TokenStream, held: &TokenStream) -> TokenStream {
        let span = Span::call_site().located_at(self.ty.span());
        let held = at(held, span);
        match &self.ty {
            Type::Reference(_) => quote_spanned!(span=> &*#held),
            ty => quote_spanned!(span=> <#ty as #private::FromHeld<_, _>>::from_held(&#held)),
        }
    }
}

/// The same tokens at another place.
pub(crate) fn at(tokens: &TokenStream, span: Span) -> TokenStream {
    let one = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.clone().into_iter().map(one).collect()
}

/// The tuple type of all resources that a function names: what `ResourceSet` is implemented for.
pub(crate) fn resource_set(injected: &[Injected]) -> TokenStream {
    let resources = injected.iter().map(|injected| &injected.resource);
    quote!((#(#resources,)*))
}

/// The arguments for all of them, from the tuple `held`.
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

/// The depth of something made from these resources. Each resource stands in it under its own span,
/// since this is what the compiler shows of a circle.
pub(crate) fn depth(injected: &[Injected], private: &TokenStream) -> TokenStream {
    if injected.is_empty() {
        return quote!(0);
    }
    let depths = injected.iter().map(|injected| {
        let resource = &injected.resource;
        quote_spanned!(resource.span()=> <#resource as #private::Resource>::DEPTH_UNLESS_CIRCULAR)
    });
    quote!(#private::depth([#(#depths),*]))
}

/// What makes the type of this name a resource.
pub(crate) fn resource(
    name: &Ident,
    private: &TokenStream,
    place_type: &TokenStream,
    place: &TokenStream,
    depth: &TokenStream,
) -> TokenStream {
    // At the place of the name, since this too is what the compiler shows of a circle.
    let at = Span::call_site().located_at(name.span());
    let depth = quote_spanned!(at=> const DEPTH_UNLESS_CIRCULAR: usize = #depth;);
    quote! {
        impl #private::Resource for #name {
            type Place = #place_type;
            #depth
            fn place() -> &'static Self::Place {
                #place
            }
        }
    }
}

/// The name that a parameter has, or a fault.
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
                "give it a name, or say which one with `#[from(path::to::resource)]`",
            );
            None
        }
    }
}

/// The `#[from]` on a parameter.
pub(crate) fn from_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("from"))
}

/// The `#[skip]` on a parameter.
pub(crate) fn skip_attribute(param: &PatType) -> Option<&Attribute> {
    param.attrs.iter().find(|attr| attr.path().is_ident("skip"))
}

/// The signature as the user would write it without us.
pub(crate) fn plain_signature(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(param) = input {
            param
                .attrs
                .retain(|attr| !attr.path().is_ident("from") && !attr.path().is_ident("skip"));
        }
    }
    sig
}

/// The parameters of a function; reports a `self`.
pub(crate) fn parameters<'a>(sig: &'a Signature, diag: &mut Diag) -> Option<Vec<&'a PatType>> {
    let mut params = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(param) => {
                check_attributes(param, diag);
                params.push(param);
            }
            FnArg::Receiver(receiver) => {
                diag.error(
                    receiver,
                    "a method cannot stand for the whole container",
                    "what is kept belongs to the container and not to one value of `Self`",
                    "make it a free function, and call that from the method",
                );
                return None;
            }
        }
    }
    Some(params)
}

/// Reports attributes of ours that contradict each other.
fn check_attributes(param: &PatType, diag: &mut Diag) {
    for name in ["from", "skip"] {
        let mut ours = param.attrs.iter().filter(|attr| attr.path().is_ident(name));
        if let (Some(_), Some(again)) = (ours.next(), ours.next()) {
            diag.error(again, format_args!("`#[{name}]` is given twice"), "", "keep one of them");
        }
    }
    let Some(skip) = skip_attribute(param) else {
        return;
    };
    if from_attribute(param).is_some() {
        diag.error(
            skip,
            "`#[skip]` has no meaning beside `#[from]`",
            "a resource is no part of the key",
            "remove it",
        );
    } else if !matches!(skip.meta, syn::Meta::Path(_)) {
        diag.error(skip, "`#[skip]` takes no value", "", "write `#[skip]`");
    }
}

/// Reports each `#[skip]` of a function that has no key.
pub(crate) fn no_skip(params: &[&PatType], diag: &mut Diag) {
    for param in params.iter().filter(|param| from_attribute(param).is_none()) {
        if let Some(attr) = skip_attribute(param) {
            diag.error(attr, "`#[skip]` has no meaning here", "there is no key", "remove it");
        }
    }
}

/// Any item without the parameter attributes that only we understand.
pub(crate) fn without_parameter_attributes(tokens: TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let ours = match (&token, rest.peek()) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group))) if hash.as_char() == '#' => {
                let first = group.stream().into_iter().next();
                matches!(first, Some(TokenTree::Ident(name)) if name == "from" || name == "skip")
            }
            _ => false,
        };
        if ours {
            rest.next();
            continue;
        }
        out.extend([match token {
            TokenTree::Group(group) => {
                let inner = without_parameter_attributes(group.stream());
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            other => other,
        }]);
    }
    out
}

/// The text of a name: without `r#`.
pub(crate) fn text(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// A name that the expansion gives and no user will meet.
pub(crate) fn ours(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// `#[allow]` for what an expansion does that users are warned of in their own code.
pub(crate) fn allow() -> TokenStream {
    quote!(#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)])
}

/// Whether a type is a path that ends in this name.
pub(crate) fn ends_in(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// Where the expansion finds what it names, from inside of a block that has [`import`].
pub(crate) fn private() -> TokenStream {
    quote!(__rewarm)
}

/// The import behind [`private`].
pub(crate) fn import(krate: &Path) -> TokenStream {
    let name = private();
    quote!(use #krate::private as #name;)
}

/// What is kept of a type that is to be `what`: a stand-in if it is not, so that it is reported once.
pub(crate) fn kept(ty: &dyn ToTokens, what: &str, private: &TokenStream) -> TokenStream {
    let (ty, what) = (ty.to_token_stream(), ours(what));
    quote!(#private::keeps!(#ty, #what))
}

/// Rejects a `Result` under a name that a macro cannot see through.
pub(crate) fn not_a_result(ty: &Type, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(ty.span());
    let check = at(&quote!(#private::not_a_result), span);
    let is_result = quote!(#private::is_result!(#ty));
    quote_spanned!(span=> const _: () = #check(#is_result);)
}

/// Holds a future against what lets it wait. One that is not `Send` is reported on the function's name.
pub(crate) fn guarded(name: &Ident, future: &TokenStream, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(name.span());
    let mut future: Vec<TokenTree> = future.clone().into_iter().collect();
    for token in &mut future {
        token.set_span(span);
    }
    let private = at(private, span);
    quote_spanned!(span=> #private::guard_across_await(#(#future)*))
}

/// Holds a type against a bound of the runtime; a complaint is about the type.
pub(crate) fn require(bound: &str, ty: &dyn ToTokens, private: &TokenStream) -> TokenStream {
    let ty = ty.to_token_stream();
    let bound = Ident::new(bound, Span::call_site());
    quote_spanned!(ty.span()=> const _: () = #private::#bound::<#ty>();)
}

/// A duration in the expansion.
pub(crate) fn duration(duration: std::time::Duration, private: &TokenStream) -> TokenStream {
    let nanos = duration.as_nanos() as u64;
    let (unit, count) = match (nanos % 1_000_000_000, nanos % 1_000_000) {
        (0, _) => ("from_secs", nanos / 1_000_000_000),
        _ => ("from_millis", nanos / 1_000_000),
    };
    let (unit, count) = (ours(unit), proc_macro2::Literal::u64_unsuffixed(count));
    quote!(#private::Duration::#unit(#count))
}

/// Whether some reference in the type, at any depth, has no `'static` lifetime.
pub(crate) fn borrows(ty: &Type) -> bool {
    struct Find(bool);
    impl<'a> syn::visit::Visit<'a> for Find {
        fn visit_type_reference(&mut self, reference: &'a syn::TypeReference) {
            let fixed =
                reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            self.0 |= !fixed;
            syn::visit::visit_type_reference(self, reference);
        }
        fn visit_lifetime(&mut self, lifetime: &'a syn::Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
    }
    let mut find = Find(false);
    syn::visit::Visit::visit_type(&mut find, ty);
    find.0
}

/// An `impl Trait` in a type.
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

/// Reports a signature that no attribute of ours can stand on.
pub(crate) fn check_signature(sig: &Signature, diag: &mut Diag) -> bool {
    let mut fine = true;
    let mut fault = |at: &dyn ToTokens, what: &str, why: &str, help: &str| {
        diag.error(at, what, why, help);
        fine = false;
    };
    if !sig.generics.params.is_empty() || sig.generics.where_clause.is_some() {
        let at: &dyn ToTokens = match &sig.generics.where_clause {
            Some(clause) if sig.generics.params.is_empty() => clause,
            _ => &sig.generics,
        };
        fault(
            at,
            "a generic function cannot be kept in a container",
            "there is one container and one place in it for each name, not one for each type",
            "write the types out, one function for each",
        );
    }
    if let Some(constness) = &sig.constness {
        fault(constness, "a `const fn` has nothing to keep", "", "remove the `const`");
    }
    if let syn::Safety::Unsafe(token) = &sig.safety {
        fault(token, "an unsafe function cannot be called for you", "", "remove the `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        fault(
            abi,
            "a function with a foreign ABI cannot be called for you",
            "",
            "remove the `extern`",
        );
    }
    if let syn::ReturnType::Type(_, ty) = &sig.output {
        if let Some(ty) = hidden(ty) {
            fault(
                ty,
                "the type of what is kept has to have a name",
                "`impl Trait` hides it, also from whoever is to hold the value",
                "write the type, or `Box<dyn Trait + Send + Sync>`",
            );
        } else if borrows(ty) {
            fault(
                ty,
                "a kept value cannot borrow",
                "it outlives the call, and the invocation, that made it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            );
        }
    }
    fine
}
