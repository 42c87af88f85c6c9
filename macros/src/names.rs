//! Parameters: which resource fills one, and how it is handed over. A parameter is filled by the
//! resource of its own name, or by the one that `#[from(path)]` names.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Pat, PatType, Path, Signature, Type};

use crate::diag::Diag;
use crate::item::peeled;

/// A parameter that a resource fills.
pub(crate) struct Injected {
    /// The type that `#[init]` or `#[cached]` made under the resource's name.
    pub(crate) resource: Path,
    ty: Type,
}

impl Injected {
    /// Reads a parameter; reports one that cannot be filled.
    pub(crate) fn read(param: &PatType, diag: &mut Diag) -> Option<Self> {
        let ty = peeled(&param.ty);
        if let Type::Reference(reference) = ty {
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
        Some(Self { resource, ty: ty.clone() })
    }

    /// The argument, made from what is held.
    pub(crate) fn argument(&self, private: &TokenStream, held: &TokenStream) -> TokenStream {
        let span = Span::call_site().located_at(self.ty.span());
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

/// Names the tuple of all resources that a function names, for which `ResourceSet` is implemented. One
/// that is no resource is reported on its name.
pub(crate) fn needs(injected: &[Injected], private: &TokenStream) -> TokenStream {
    if injected.is_empty() {
        return quote!(
            type __Needs = ();
        );
    }
    let are = injected.iter().map(|injected| {
        let resource = &injected.resource;
        quote_spanned!(resource.span()=> <#resource as #private::Resource>::IS)
    });
    let are = quote!(#(#are)&&*);
    let resources = injected.iter().map(|injected| &injected.resource);
    let set = fitting(&are, &quote!((#(#resources,)*)), private);
    quote!(type __Needs = #set;)
}

/// Waits for all of them, if there are any.
pub(crate) fn hold(injected: &[Injected], private: &TokenStream, held: &Ident) -> TokenStream {
    match injected.is_empty() {
        true => TokenStream::new(),
        false => quote!(let #held = #private::hold::<__Needs>().await?;),
    }
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

/// The parameters of a function; reports a `self`, which is none.
pub(crate) fn parameters<'a>(sig: &'a Signature, diag: &mut Diag) -> Vec<&'a PatType> {
    let mut params = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(param) => {
                check_attributes(param, diag);
                params.push(param);
            }
            FnArg::Receiver(receiver) => diag.error(
                receiver,
                "a method cannot stand for the whole container",
                "what is kept belongs to the container and not to one value of `Self`",
                "make it a free function, and call that from the method",
            ),
        }
    }
    params
}

/// The signature without lifetimes of its own: what they name is elided.
pub(crate) fn without_lifetimes(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    if sig.generics.params.is_empty() {
        return sig;
    }
    let own: Vec<Ident> = sig.generics.lifetimes().map(|it| it.lifetime.ident.clone()).collect();
    sig.generics = syn::Generics::default();
    syn::parse2(elided(sig.to_token_stream(), &own)).unwrap_or(sig)
}

fn elided(tokens: TokenStream, lifetimes: &[Ident]) -> TokenStream {
    let mut after_tick = false;
    let one = |token: TokenTree| {
        let is_lifetime = std::mem::replace(
            &mut after_tick,
            matches!(&token, TokenTree::Punct(tick) if tick.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(name) if is_lifetime && lifetimes.contains(&name) => {
                TokenTree::Ident(Ident::new("_", name.span()))
            }
            TokenTree::Group(group) => {
                let inner = elided(group.stream(), lifetimes);
                let mut new = proc_macro2::Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                TokenTree::Group(new)
            }
            token => token,
        }
    };
    tokens.into_iter().map(one).collect()
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

/// What is there, `__value`, or what `__later` gives that waits for it.
pub(crate) fn now_or_later(
    asked: &TokenStream,
    now: &TokenStream,
    later: &TokenStream,
) -> TokenStream {
    quote! {
        match #asked {
            ::core::result::Result::Ok(__value) => #now,
            ::core::result::Result::Err(__later) => #later,
        }
    }
}

/// `#[allow]` for what an expansion does that users are warned of in their own code.
pub(crate) fn allow() -> TokenStream {
    quote!(#[allow(dead_code, deprecated, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)])
}

/// What is allowed in a function as a user wrote it: that it is `async` may be our wish, and that it is
/// not `const` is. In one that others see, clippy does not ask for another signature; in our private copy
/// of it, it would.
pub(crate) fn allow_in_written(sig: &Signature, vis: &syn::Visibility) -> TokenStream {
    let allowed = match sig.asyncness {
        Some(_) => quote!(clippy::unused_async),
        None => quote!(clippy::missing_const_for_fn),
    };
    match vis {
        syn::Visibility::Inherited => allowed,
        _ => quote! {
            #allowed, clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref,
            clippy::unnecessary_wraps
        },
    }
}

/// Whether a type is a path that ends in this name.
pub(crate) fn ends_in(ty: &Type, name: &str) -> bool {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// Whether a type is written as one of Lambda's, and not as one of a module of the user's own.
pub(crate) fn is_lambdas(ty: &Type) -> bool {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.iter().rev().skip(1).all(|segment| {
            ["rewarm", "lambda_runtime", "lambda_http"].iter().any(|it| segment.ident == it)
        }),
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

/// A type, as far as it fits: if these checks of it, an expression, fail or report a fault, the compiler
/// asks nothing of what is made of it.
pub(crate) fn fitting(
    checks: &TokenStream,
    ty: &dyn ToTokens,
    private: &TokenStream,
) -> TokenStream {
    let ty = ty.to_token_stream();
    quote!(#private::Checked<#ty, { #checks }>)
}

/// Rejects a `Result` under a name that a macro cannot see through, by this function of the runtime.
pub(crate) fn is_no_result(by: &str, ty: &Type, private: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(ty.span());
    let by = ours(by);
    let check = at(&quote!(#private::#by), span);
    let is_result = quote!(#private::is_result!(#ty));
    quote_spanned!(span=> #check(#is_result))
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

/// Holds a type against a bound of the runtime, as an expression; a complaint is about the type.
pub(crate) fn require(bound: &str, ty: &dyn ToTokens, private: &TokenStream) -> TokenStream {
    let (ty, bound) = (ty.to_token_stream(), ours(bound));
    quote_spanned!(ty.span()=> #private::#bound::<#ty>())
}

/// The same of what an alias of ours stands for, where the user wrote it.
pub(crate) fn require_alias(
    bound: &str,
    alias: &str,
    written: &Type,
    private: &TokenStream,
) -> TokenStream {
    require(bound, &Ident::new(alias, written.span()), private)
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

/// Whether some reference in the type, at any depth, has no `'static` lifetime. What a function is
/// called with is not in its type: `fn(&str)` and `dyn Fn(&str)` borrow nothing.
pub(crate) fn borrows(ty: &Type) -> bool {
    #[derive(Default)]
    struct Find {
        found: bool,
        /// Those of a `for<'a>`.
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

/// The type of a static, where an elided lifetime is `'static`: the same with that written out, since
/// elsewhere an elided one is none.
pub(crate) fn of_a_static(mut ty: Type) -> Type {
    fn in_path(path: &mut Path) {
        for segment in &mut path.segments {
            let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments else {
                continue; // what a function is called with
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

/// Reports a signature that no attribute of ours can stand on; one of a handler in other words, since
/// nothing of it is kept.
pub(crate) fn check_signature(sig: &Signature, is_handler: bool, diag: &mut Diag) -> bool {
    let mut fine = sig.receiver().is_none();
    let mut fault = |at: &dyn ToTokens, what: &str, why: &str, help: &str| {
        diag.error(at, what, why, help);
        fine = false;
    };
    let (what, why) = match is_handler {
        true => (
            "a generic function cannot be a handler",
            "Lambda calls it, and cannot say for which types",
        ),
        false => (
            "a generic function cannot be kept in a container",
            "there is one container and one place in it for each name, not one for each type",
        ),
    };
    if let Some(at) = generics(sig) {
        fault(&at, what, why, "write the types out, one function for each");
    }
    for input in &sig.inputs {
        if let FnArg::Typed(param) = input {
            if let Some(ty) = hidden(&param.ty) {
                fault(ty, what, why, "write a type in the place of `impl Trait`");
            }
        }
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
        match (hidden(ty), is_handler) {
            (Some(ty), true) => fault(
                ty,
                "the answer of a handler has to have a type with a name",
                "`impl Trait` hides how it is written as JSON",
                "write the type",
            ),
            (Some(ty), false) => fault(
                ty,
                "the type of what is kept has to have a name",
                "`impl Trait` hides it, also from whoever is to hold the value",
                "write the type, or `Box<dyn Trait + Send + Sync>`",
            ),
            (None, _) if !borrows(ty) => {}
            (None, true) => fault(
                ty,
                "the answer of a handler cannot borrow",
                "what it could borrow from ends with the call that made it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
            (None, false) => fault(
                ty,
                "a kept value cannot borrow",
                "it outlives the call, and the invocation, that made it",
                "return an owned value: `String` for `&str`, `Vec<T>` for `&[T]`",
            ),
        }
    }
    fine
}

/// What makes a signature generic: more than lifetimes.
fn generics(sig: &Signature) -> Option<TokenStream> {
    let generics = &sig.generics;
    if generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_))) {
        return Some(generics.to_token_stream());
    }
    let clause = generics.where_clause.as_ref()?;
    let is_generic = |predicate| !matches!(predicate, &syn::WherePredicate::Lifetime(_));
    clause.predicates.iter().any(is_generic).then(|| clause.to_token_stream())
}
