//! The items that attributes apply to: functions and statics. Bodies stay unparsed, so that editors
//! still complete in a half-written one, and the compiler's errors point into the user's code.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, ReturnType, Signature, Token, Type, Visibility};

use crate::audit;
use crate::diag::Diag;

/// The item under an attribute.
#[derive(Clone)]
pub(crate) enum Item {
    Fn(Function),
    Static(Static),
}

/// A function, with its body unparsed.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// A static, with its initialiser unparsed.
#[derive(Clone)]
pub(crate) struct Static {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) init: TokenStream,
}

impl Item {
    pub(crate) fn name(&self) -> &Ident {
        match self {
            Self::Fn(function) => &function.sig.ident,
            Self::Static(item) => &item.ident,
        }
    }

    /// The body of a function, or the initialiser of a static.
    pub(crate) fn body(&self) -> TokenStream {
        match self {
            Self::Fn(function) => function.body.stream(),
            Self::Static(item) => item.init.clone(),
        }
    }

    /// Reads an item. Reports an item that is neither a function nor a static, and an item with a
    /// second attribute of this crate, which is removed.
    pub(crate) fn read(tokens: TokenStream, diag: &mut Diag) -> Option<Self> {
        match syn::parse2::<Self>(tokens) {
            Ok(mut item) => {
                item.only_once(diag);
                Some(item)
            }
            Err(error) => {
                diag.syntax(error);
                None
            }
        }
    }

    fn only_once(&mut self, diag: &mut Diag) {
        let attrs = match self {
            Self::Fn(Function { attrs, .. }) | Self::Static(Static { attrs, .. }) => attrs,
        };
        let (ours, others) = std::mem::take(attrs).into_iter().partition(is_ours);
        let ours: Vec<Attribute> = ours;
        *attrs = others;
        for again in ours {
            diag.error(
                &again,
                "an item can have only one of rewarm's attributes",
                "each of them gives the item another lifetime",
                "keep one of them",
            );
        }
    }
}

impl Function {
    /// Reads a function from its text, also one with a receiver.
    pub(crate) fn read(text: &str) -> syn::Result<Self> {
        let function = |input: ParseStream<'_>| {
            let (attrs, vis, sig) =
                (input.call(Attribute::parse_outer)?, input.parse()?, input.parse()?);
            match input.parse()? {
                TokenTree::Group(body) => Ok(Self { attrs, vis, sig, body }),
                other => Err(syn::Error::new_spanned(other, "a function without a body")),
            }
        };
        function.parse_str(text)
    }
}

/// True if the attribute is one of this crate, by its usual names.
fn is_ours(attr: &Attribute) -> bool {
    let mut path = attr.path().segments.iter().rev();
    let last = path
        .next()
        .is_some_and(|last| ["init", "cached", "handler"].iter().any(|name| last.ident == name));
    last && path.all(|segment| segment.ident == "rewarm")
}

/// A type without the parentheses and invisible groups around it.
pub(crate) fn peeled(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Paren(paren) => &paren.elem,
            Type::Group(group) => &group.elem,
            ty => return ty,
        }
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if input.peek(Token![static]) {
            return Static::parse(attrs, vis, input).map(Self::Static);
        }
        if let Some((first, what)) = no_target(input) {
            return Err(syn::Error::new(
                first.span(),
                format_args!(
                    "this attribute cannot be used on {what}\n\
                     the attributes of rewarm apply to functions and statics\n\
                     help: put it on an `async fn`, a `fn` or a `static` outside of an `impl`"
                ),
            ));
        }
        let sig: Signature = input.parse()?;
        let body = match input.parse::<TokenTree>()? {
            TokenTree::Group(body) => body,
            other => {
                let text = "this function has no body\nhelp: write one between `{` and `}`";
                return Err(syn::Error::new_spanned(other, text));
            }
        };
        let written = [sig.to_token_stream(), body.stream()];
        // A method is reported with the other faults of its signature.
        let is_associated = || {
            let is = sig.receiver().is_none() && audit::is_associated(&sig.ident);
            is.then(|| sig.ident.clone())
        };
        if let Some(at) = written.into_iter().find_map(names_self).or_else(is_associated) {
            return Err(syn::Error::new(
                at.span(),
                "this attribute cannot be used on an associated function\n\
                 a container has one of each resource, cached function and handler, not one per type\n\
                 help: make it a free function, and call that from the associated one",
            ));
        }
        Ok(Self::Fn(Function { attrs, vis, sig, body }))
    }
}

/// The kind of an item that our attributes do not apply to.
fn no_target(input: ParseStream<'_>) -> Option<(Ident, &'static str)> {
    let (first, rest) = input.cursor().ident()?;
    let what = match first.to_string().as_str() {
        "struct" => "a struct",
        "enum" => "an enum",
        "union" => "a union",
        "mod" => "a module",
        "impl" => "an `impl` block",
        "trait" => "a trait",
        "type" => "a type alias",
        "use" => "an import",
        "let" => "a local variable",
        "macro_rules" => "a macro",
        "const" if rest.ident().is_some_and(|(next, _)| is_function(&next)) => return None,
        "const" => "a `const`, which is copied to each of its uses",
        _ => return None,
    };
    Some((first, what))
}

/// The first `Self` outside of nested items. It proves that the item is in an `impl` block, also
/// where the source file cannot be read.
fn names_self(tokens: TokenStream) -> Option<Ident> {
    let mut inside_item = false;
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => (!inside_item).then_some(ident),
        TokenTree::Ident(ident) => {
            inside_item |=
                ["impl", "trait", "struct", "enum", "union"].iter().any(|it| ident == it);
            None
        }
        TokenTree::Punct(punct) => {
            inside_item &= punct.as_char() != ';';
            None
        }
        TokenTree::Group(group) if inside_item => {
            inside_item = group.delimiter() != proc_macro2::Delimiter::Brace;
            None
        }
        TokenTree::Group(group) => names_self(group.stream()),
        TokenTree::Literal(_) => None,
    })
}

fn is_function(word: &Ident) -> bool {
    ["fn", "async", "unsafe", "extern"].iter().any(|keyword| word == keyword)
}

impl Static {
    fn parse(attrs: Vec<Attribute>, vis: Visibility, input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Token![static]>()?;
        let mutability = input.parse()?;
        let ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        input.parse::<Token![=]>()?;
        let mut init: Vec<TokenTree> = input.parse::<TokenStream>()?.into_iter().collect();
        init.pop(); // the semicolon
        Ok(Self { attrs, vis, mutability, ident, ty, init: init.into_iter().collect() })
    }

    /// True if the initialiser compiles in a plain static, as far as its tokens tell.
    pub(crate) fn is_plain(&self) -> bool {
        fn is_plain(tokens: TokenStream) -> bool {
            tokens.into_iter().all(|token| match token {
                TokenTree::Group(group) => is_plain(group.stream()),
                TokenTree::Punct(punct) => punct.as_char() != '?' && punct.as_char() != '!',
                _ => true,
            })
        }
        !self.awaits() && is_plain(self.init.clone())
    }

    /// True if the initialiser awaits.
    pub(crate) fn awaits(&self) -> bool {
        fn awaits(tokens: TokenStream) -> bool {
            let mut after_dot = false;
            tokens.into_iter().any(|token| {
                let found = match &token {
                    TokenTree::Group(group) => awaits(group.stream()),
                    TokenTree::Ident(ident) => after_dot && ident == "await",
                    _ => false,
                };
                after_dot = matches!(&token, TokenTree::Punct(p) if p.as_char() == '.');
                found
            })
        }
        awaits(self.init.clone())
    }
}

/// The return type of a function.
pub(crate) enum Returns {
    /// A type with the name `Result`.
    Result { whole: Box<Type>, ok: Type },
    /// Any other type.
    Plain(Type),
}

impl Returns {
    /// Reads the return type of a signature.
    pub(crate) fn of(output: &ReturnType) -> Self {
        match output {
            ReturnType::Default => Self::Plain(syn::parse_quote!(())),
            ReturnType::Type(_, ty) => Self::in_type(ty),
        }
    }

    /// Reads a type by the last segment of its path. `Result` may be an alias with one parameter.
    pub(crate) fn in_type(ty: &Type) -> Self {
        let whole = peeled(ty).clone();
        match argument_of(&whole, "Result") {
            Some(ok) => Self::Result { ok: ok.clone(), whole: Box::new(whole) },
            None => Self::Plain(whole),
        }
    }

    /// The span of the error type, or of the whole type if an alias hides it.
    pub(crate) fn error_span(&self) -> Span {
        let whole = match self {
            Self::Result { whole, .. } => whole,
            Self::Plain(whole) => return whole.span(),
        };
        let written = match &**whole {
            Type::Path(path) => path.path.segments.last().and_then(|last| match &last.arguments {
                syn::PathArguments::AngleBracketed(args) => args.args.get(1),
                _ => None,
            }),
            _ => None,
        };
        written.map_or_else(|| whole.span(), Spanned::span)
    }

    /// The type of the value, without the `Result`.
    pub(crate) fn value(&self) -> &Type {
        match self {
            Self::Result { ok, .. } | Self::Plain(ok) => ok,
        }
    }
}

/// The first type in the angle brackets of a path that ends in `name`.
pub(crate) fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = peeled(ty) else {
        return None;
    };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(syn::GenericArgument::Type(ty)) => Some(peeled(ty)),
            _ => None,
        },
        _ => None,
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.attrs.iter().map(ToTokens::to_token_stream));
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}
