//! `secret_forever`: a secret that is kept until the container ends. `secret_in_store`: one that
//! leaves the container.

use syn::{Type, TypePath};

use super::body::Body;
use super::paths::show;
use super::types;
use super::{Attribute, Found, Lint};

pub(super) const LINT: Lint = Lint { name: "secret_forever", can_be_allowed: true, find };

/// The types of the crate `secrecy` that are not called `…Secret`.
const SECRECY: &[&str] = &[
    "secrecy::SecretString",
    "secrecy::SecretBox",
    "secrecy::SecretSlice",
    "secrecy::SecretVec",
    "secrecy::SecretBytes",
    "secrecy::SecretBytesMut",
];

/// The words that end the name of a secret.
const ENDINGS: &[&[&str]] = &[
    &["secret"],
    &["password"],
    &["credential"],
    &["credentials"],
    &["api", "key"],
    &["apikey"],
    &["access", "token"],
];

/// Types of a secret that has no type of its own.
const TEXT: &[&str] =
    &["std::string::String", "bytes::Bytes", "bytes::BytesMut", "zeroize::Zeroizing"];

/// The same for a store, which outlives the container.
pub(super) const IN_STORE: Lint =
    Lint { name: "secret_in_store", can_be_allowed: true, find: find_in_store };

fn find(body: &Body<'_>, found: &mut Found<'_>) {
    if body.attribute == Attribute::Init {
        report(
            body,
            found,
            "`#[init]` keeps it until the container ends",
            "after a rotation this container still uses the old secret, often for hours",
            "make it a function with `#[cached(ttl = \"5m\")]`, which fetches the secret again and \
             drops the old value",
        );
    }
}

fn find_in_store(body: &Body<'_>, found: &mut Found<'_>) {
    if body.attribute == (Attribute::Cached { is_stored: true }) {
        report(
            body,
            found,
            "its store keeps it outside of the container",
            "every reader of the store can read the secret, and it stays there after a rotation",
            "remove `store`: each container then keeps its own copy, for `ttl`",
        );
    }
}

/// Reports a value that is a secret by its type, or by the name of its item.
fn report(body: &Body<'_>, found: &mut Found<'_>, kept: &str, why: &str, help: &str) {
    let value = body.value();
    let scope = &body.scope;
    let is_secret = |ty: &TypePath| {
        let path = &ty.path;
        let from_secrecy = path.segments.len() > 1 && path.segments[0].ident == "secrecy";
        let last = path.segments.last().map(|last| last.ident.to_string());
        from_secrecy
            || scope.is_one_of(path, SECRECY, 1)
            || last.is_some_and(|last| ends_as_a_secret(&words(&last)))
    };
    let descend = |ty: &TypePath| {
        types::is_wrapper(ty, scope) || types::is_lock(ty, scope) || types::is_growing(ty, scope)
    };
    let name = body.name();
    if let Some(ty) = types::find(&value, &is_secret, &descend) {
        let what = format!("`{name}` holds a secret (`{}`), and {kept}", show(&ty.path));
        found.add(ty, what, why, help);
    } else if ends_as_a_secret(&words(&crate::tokens::text(name))) && is_text(&value, body) {
        let what = format!("`{name}` looks like a secret, and {kept}");
        let help = format!("{help}; if it is not a secret, write `allow({})`", found.name);
        found.add(name, what, why, help);
    }
}

/// True for text and for bytes.
fn is_text(ty: &Type, body: &Body<'_>) -> bool {
    let scope = &body.scope;
    match ty {
        Type::Path(path) => {
            let is = |name: &str| path.path.is_ident(name);
            let parts_are_text = || types::parts(ty).into_iter().any(|part| is_text(part, body));
            is("str")
                || scope.is_one_of(&path.path, TEXT, 1)
                || types::is_wrapper(path, scope) && parts_are_text()
                || scope.is_one_of(&path.path, &["std::vec::Vec"], 1) && holds_bytes(ty)
        }
        Type::Array(_) | Type::Slice(_) => holds_bytes(ty),
        Type::Reference(_) => types::parts(ty).into_iter().any(|part| is_text(part, body)),
        _ => false,
    }
}

fn holds_bytes(ty: &Type) -> bool {
    let is_u8 = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("u8"));
    types::parts(ty).into_iter().any(is_u8)
}

/// True for a name such as `API_KEY` or `DbPassword`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    ends_as_a_secret(&words(name))
}

fn ends_as_a_secret(words: &[String]) -> bool {
    ENDINGS.iter().any(|ending| {
        words.len() >= ending.len()
            && words[words.len() - ending.len()..]
                .iter()
                .zip(*ending)
                .all(|(word, end)| word == end)
    })
}

/// The words of a name, in lower case: `api` and `key` for `ApiKey`, `api_key`, `API_KEY` and
/// `APIKey`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let small = |letter: Option<&char>| letter.is_some_and(|it| it.is_lowercase());
        let begins = letter.is_uppercase()
            && before.is_some_and(|it| it.is_alphanumeric())
            && (!before.is_some_and(|it| it.is_uppercase()) || small(letters.get(i + 1)));
        if begins || letter == '_' {
            words.push(String::new());
        }
        if let (Some(word), true) = (words.last_mut(), letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_word_by_word() {
        assert_eq!(words("ApiKey"), ["api", "key"]);
        assert_eq!(words("APIKey"), ["api", "key"]);
        assert_eq!(words("STRIPE_API_KEY"), ["stripe", "api", "key"]);
        for secret in ["db_password", "DbPassword", "AWSCredentials", "SECRET", "accessToken"] {
            assert!(ends_as_a_secret(&words(secret)), "{secret}");
        }
        for fine in [
            "Tokenizer",
            "TokenBucket",
            "CancellationToken",
            "secrets_client",
            "password_hasher",
            "CredentialsProvider",
            "Key",
            "monkey",
        ] {
            assert!(!ends_as_a_secret(&words(fine)), "{fine}");
        }
    }
}
