//! The shape of a type, as far as serde shows it: the names of its fields and variants, and the
//! types in them. Two versions of a type with different shapes do not read each other's entries.
//!
//! The type is deserialized from invented data, and every call of serde's is recorded. Enums are
//! deserialized once for each variant. A text that a type does not accept (a date, a URL) is
//! replaced by the next one of [`TEXTS`], and the type is deserialized again. Types that describe
//! nothing ahead, such as untagged enums, or accept none of the texts, cannot be traced.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Write};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// Texts of the formats that types of strings accept most.
const TEXTS: [&str; 7] = [
    "a",
    "1",
    "2000-01-01T00:00:00Z",
    "2000-01-01",
    "00000000-0000-4000-8000-000000000001",
    "127.0.0.1",
    "https://localhost/",
];
/// Deserializations of one type. A type that takes more is not traced.
const TRIES: usize = 1000;
const DEPTH: usize = 100;

/// Returns a hash of the shape of a type; `None` if it cannot be traced.
pub(crate) fn hash<T: DeserializeOwned>() -> Option<u64> {
    let mut tracer = Tracer::default();
    let mut shape = String::new();
    for _ in 0..TRIES {
        tracer.begin();
        match T::deserialize(&mut tracer) {
            Ok(_) => {
                shape.push_str(&tracer.shape);
                if !tracer.next_variants() {
                    return Some(fnv(shape.as_bytes()));
                }
            }
            Err(fault) if tracer.is_mended(&fault) => {}
            Err(_) => return None,
        }
    }
    None
}

/// The hash FNV-1a, which is the same in every build.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[derive(Default)]
struct Tracer {
    /// The record of this deserialization.
    shape: String,
    /// The structs and enums that are being deserialized.
    inside: Vec<&'static str>,
    /// The number of texts in this deserialization, and the text for each of them.
    texts: usize,
    text_of: Vec<usize>,
    /// The variant of each enum that is next, and those enums that this deserialization met.
    variants: BTreeMap<(&'static str, usize), usize>,
    met: BTreeSet<(&'static str, usize)>,
    /// Names of fields that are aliases of others.
    aliases: BTreeSet<(&'static str, &'static str)>,
    last_key: Option<(&'static str, &'static str)>,
}

#[derive(Debug)]
enum Fault {
    DuplicateField,
    TooDeep,
    /// Its names are not told ahead.
    Hidden,
    Other,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the type cannot be traced")
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(_: T) -> Self {
        Self::Other
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::DuplicateField
    }
}

impl Tracer {
    fn begin(&mut self) {
        self.shape.clear();
        self.inside.clear();
        self.texts = 0;
        self.last_key = None;
    }

    /// Moves the enums that were met to their next variant. Returns false once all variants of all
    /// enums were met: an enum may be in a variant of another, which then comes round again.
    fn next_variants(&mut self) -> bool {
        self.text_of.clear();
        for met in std::mem::take(&mut self.met) {
            *self.variants.entry(met).or_default() += 1;
        }
        self.variants.iter().any(|((_, variants), next)| next < variants)
    }

    /// True if another deserialization may go further.
    fn is_mended(&mut self, fault: &Fault) -> bool {
        match fault {
            Fault::DuplicateField => self.last_key.is_some_and(|key| self.aliases.insert(key)),
            Fault::TooDeep | Fault::Hidden => false,
            // The text that was read last is the one that was not accepted.
            Fault::Other => {
                let Some(last) = self.texts.checked_sub(1).and_then(|n| self.text_of.get_mut(n))
                else {
                    return false;
                };
                *last += 1;
                *last < TEXTS.len()
            }
        }
    }

    fn note(&mut self, kind: impl Display) {
        let _ = write!(self.shape, "{kind};");
    }

    fn text(&mut self) -> &'static str {
        if self.text_of.len() == self.texts {
            self.text_of.push(0);
        }
        let text = TEXTS[self.text_of[self.texts] % TEXTS.len()];
        self.texts += 1;
        text
    }

    /// True inside a type that contains itself: what ends it is taken wherever there is a choice.
    fn is_nested(&self) -> bool {
        self.inside.iter().enumerate().any(|(n, name)| self.inside[..n].contains(name))
    }

    /// Runs `work` inside a type of this name.
    fn within<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.inside.len() == DEPTH {
            return Err(Fault::TooDeep);
        }
        self.inside.push(name);
        let result = work(self);
        self.inside.pop();
        result
    }
}

/// Methods for types without parts.
macro_rules! plain {
    ($($method:ident $visit:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.note(&stringify!($method)["deserialize_".len()..]);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Tracer {
    type Error = Fault;

    plain! {
        deserialize_bool visit_bool false;
        deserialize_i8 visit_i8 1;
        deserialize_i16 visit_i16 1;
        deserialize_i32 visit_i32 1;
        deserialize_i64 visit_i64 1;
        deserialize_i128 visit_i128 1;
        deserialize_u8 visit_u8 1;
        deserialize_u16 visit_u16 1;
        deserialize_u32 visit_u32 1;
        deserialize_u64 visit_u64 1;
        deserialize_u128 visit_u128 1;
        deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0;
        deserialize_char visit_char 'a';
        deserialize_bytes visit_bytes b"a";
        deserialize_byte_buf visit_byte_buf b"a".to_vec();
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("any");
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("unit");
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("str");
        let text = self.text();
        visitor.visit_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    /// A struct asks a map for the names of its fields if one of them is flattened: it does not tell
    /// their names ahead.
    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::Hidden)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("option");
        match self.is_nested() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(name);
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(name);
        self.within(name, |tracer| visitor.visit_newtype_struct(tracer))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("seq");
        let left = usize::from(!self.is_nested());
        visitor.visit_seq(Parts { tracer: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(format_args!("tuple {left}"));
        visitor.visit_seq(Parts { tracer: self, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(format_args!("{name} {left}"));
        self.within(name, |tracer| visitor.visit_seq(Parts { tracer, left }))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.note("map");
        let left = usize::from(!self.is_nested());
        visitor.visit_map(Parts { tracer: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(format_args!("{name} {fields:?}"));
        self.within(name, |tracer| visitor.visit_map(Fields { tracer, name, fields }))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.note(format_args!("{name} {variants:?}"));
        let this = (name, variants.len());
        // Inside itself it takes the other variants, one of which ends it.
        let nested = self.inside.iter().filter(|inside| **inside == name).count();
        if nested == 0 {
            self.met.insert(this);
        }
        let next = self.variants.get(&this).copied().unwrap_or_default() + nested;
        let Some(variant) = variants.get(next % variants.len().max(1)) else {
            return Err(Fault::Other); // it has no value
        };
        self.note(variant);
        self.within(name, |tracer| visitor.visit_enum(Variant { tracer, variant }))
    }
}

/// So many elements, or entries.
struct Parts<'a> {
    tracer: &'a mut Tracer,
    left: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.tracer).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.tracer)
    }
}

/// The fields of a struct.
struct Fields<'a> {
    tracer: &'a mut Tracer,
    name: &'static str,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        while let Some((field, rest)) = self.fields.split_first() {
            self.fields = rest;
            let key = (self.name, *field);
            if !self.tracer.aliases.contains(&key) {
                self.tracer.last_key = Some(key);
                return seed.deserialize((*field).into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.tracer)
    }
}

struct Variant<'a> {
    tracer: &'a mut Tracer,
    variant: &'static str,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        Ok((seed.deserialize(self.variant.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.tracer)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.tracer.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.tracer.deserialize_struct(self.variant, fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    macro_rules! shapes {
        ($($name:ident { $($definition:item)* })*) => {
            vec![$({
                #[allow(dead_code, unused_imports)]
                mod $name {
                    use serde::Deserialize;
                    $($definition)*
                }
                (stringify!($name), hash::<$name::T>().expect(stringify!($name)))
            }),*]
        };
    }

    #[test]
    fn every_change_of_a_shape_is_another_hash() {
        let shapes = shapes! {
            plain { #[derive(Deserialize)] pub struct T { a: u32, b: Option<String> } }
            renamed { #[derive(Deserialize)] pub struct T { a: u32, c: Option<String> } }
            required { #[derive(Deserialize)] pub struct T { a: u32, b: String } }
            wider { #[derive(Deserialize)] pub struct T { a: u64, b: Option<String> } }
            added { #[derive(Deserialize)] pub struct T { a: u32, b: Option<String>, #[serde(default)] c: u8 } }
            helper { #[derive(Deserialize)] pub struct T { a: U } #[derive(Deserialize)] pub struct U { x: u8 } }
            helper_changed { #[derive(Deserialize)] pub struct T { a: U } #[derive(Deserialize)] pub struct U { y: u8 } }
            behind { #[derive(Deserialize)] pub struct T { a: Vec<Option<U>> } #[derive(Deserialize)] pub struct U { y: u8 } }
            choice { #[derive(Deserialize)] pub enum T { A, B(u8), C { x: u8 } } }
            reordered { #[derive(Deserialize)] pub enum T { B(u8), A, C { x: u8 } } }
            field_of_a_variant { #[derive(Deserialize)] pub enum T { A, B(u8), C { y: u8 } } }
            part_of_a_variant { #[derive(Deserialize)] pub enum T { A, B(u16), C { x: u8 } } }
            nested { #[derive(Deserialize)] pub struct T { a: U } #[derive(Deserialize)] pub enum U { A, B(V) } #[derive(Deserialize)] pub enum V { C, D(u8) } }
            nested_changed { #[derive(Deserialize)] pub struct T { a: U } #[derive(Deserialize)] pub enum U { A, B(V) } #[derive(Deserialize)] pub enum V { C, D(u16) } }
            tuple { pub type T = (u8, String); }
            map { pub type T = std::collections::HashMap<String, u8>; }
        };
        for (n, (name, shape)) in shapes.iter().enumerate() {
            for (other, other_shape) in &shapes[..n] {
                assert_ne!(shape, other_shape, "{name} and {other}");
            }
        }
    }

    #[derive(Deserialize)]
    #[expect(dead_code)]
    enum List {
        Cons(u8, Box<List>),
        Nil,
    }

    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Tree {
        children: Vec<Tree>,
        parent: Option<Box<Tree>>,
        by_name: BTreeMap<String, Tree>,
        #[serde(alias = "size", alias = "weight")]
        length: std::num::NonZeroU8,
    }

    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Texts {
        name: String,
        address: std::net::IpAddr,
        other: std::net::Ipv4Addr,
        json: serde_json::Value,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code)]
    enum Untagged {
        A(u8),
        B(String),
    }

    #[derive(Deserialize)]
    #[expect(dead_code)]
    struct Flattened {
        name: Option<String>,
        #[serde(flatten)]
        others: BTreeMap<String, serde_json::Value>,
    }

    #[derive(Deserialize)]
    enum Never {}

    #[test]
    fn types_that_contain_themselves_or_check_their_text_are_traced() {
        assert!(hash::<List>().is_some());
        assert!(hash::<Tree>().is_some());
        assert!(hash::<Texts>().is_some());
        assert_eq!(hash::<Texts>(), hash::<Texts>());
        assert!(hash::<(Vec<Tree>, Option<List>)>().is_some());
    }

    #[test]
    fn types_that_describe_nothing_are_not_traced() {
        assert_eq!(hash::<Untagged>(), None);
        assert_eq!(hash::<Flattened>(), None);
        assert_eq!(hash::<Option<Vec<Flattened>>>(), None);
        assert_eq!(hash::<Never>(), None);
        assert_eq!(hash::<std::net::SocketAddr>(), None);
    }
}
