//! The name under which an enum's variant is stored. It is the name that serde gives it, so it is
//! written in one place only.

use std::fmt;

use serde::Serialize;
use serde::de::value::{Error as UnknownName, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::ser::{self, Impossible};

/// The stored name of a variant, such as `order.placed` or `PARTIALLY_CAPTURED`.
///
/// Only enums in serde's default representation have one; for anything else it is empty.
pub fn stored_name<T: Serialize>(variant: &T) -> &'static str {
    match variant.serialize(NameReader) {
        Ok(name) | Err(NameFound(name)) => name,
    }
}

/// The variant without data that has this stored name.
pub fn from_stored_name<T: DeserializeOwned>(name: &str) -> Option<T> {
    let name: StrDeserializer<'_, UnknownName> = name.into_deserializer();
    T::deserialize(name).ok()
}

/// Reads the name of a variant and serializes nothing.
struct NameReader;

/// Stops the serialization before the variant's data, since only the name is needed.
#[derive(Debug)]
struct NameFound(&'static str);

impl fmt::Display for NameFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NameFound {}

impl ser::Error for NameFound {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        NameFound("")
    }
}

/// Values that are not variants of an enum have no name.
macro_rules! nameless {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$answer, NameFound> {
            Err(NameFound(""))
        })*
    };
}

impl ser::Serializer for NameReader {
    type Ok = &'static str;
    type Error = NameFound;
    type SerializeSeq = Impossible<&'static str, NameFound>;
    type SerializeTuple = Impossible<&'static str, NameFound>;
    type SerializeTupleStruct = Impossible<&'static str, NameFound>;
    type SerializeTupleVariant = Impossible<&'static str, NameFound>;
    type SerializeMap = Impossible<&'static str, NameFound>;
    type SerializeStruct = Impossible<&'static str, NameFound>;
    type SerializeStructVariant = Impossible<&'static str, NameFound>;

    fn serialize_unit_variant(
        self,
        _enum_name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<&'static str, NameFound> {
        Ok(variant)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _enum_name: &'static str,
        _index: u32,
        variant: &'static str,
        _data: &T,
    ) -> Result<&'static str, NameFound> {
        Ok(variant)
    }

    fn serialize_tuple_variant(
        self,
        _enum_name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant, NameFound> {
        Err(NameFound(variant))
    }

    fn serialize_struct_variant(
        self,
        _enum_name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant, NameFound> {
        Err(NameFound(variant))
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<&'static str, NameFound> {
        Err(NameFound(""))
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        _data: &T,
    ) -> Result<&'static str, NameFound> {
        Err(NameFound(""))
    }

    nameless! {
        serialize_bool(bool) -> &'static str;
        serialize_i8(i8) -> &'static str;
        serialize_i16(i16) -> &'static str;
        serialize_i32(i32) -> &'static str;
        serialize_i64(i64) -> &'static str;
        serialize_u8(u8) -> &'static str;
        serialize_u16(u16) -> &'static str;
        serialize_u32(u32) -> &'static str;
        serialize_u64(u64) -> &'static str;
        serialize_f32(f32) -> &'static str;
        serialize_f64(f64) -> &'static str;
        serialize_char(char) -> &'static str;
        serialize_str(&str) -> &'static str;
        serialize_bytes(&[u8]) -> &'static str;
        serialize_none() -> &'static str;
        serialize_unit() -> &'static str;
        serialize_unit_struct(&'static str) -> &'static str;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
}
