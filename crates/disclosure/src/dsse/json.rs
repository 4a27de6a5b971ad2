//! JSON as the envelope needs it: every field kept, also a second one of the same name, so that
//! each deviation can be refused by its own name.

use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::EnvelopeError;

/// A JSON value, as far as an envelope has any.
pub(super) enum Value {
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// Number, boolean or null: no place in an envelope.
    Other,
}

/// Reads one JSON text and nothing after it but white space.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, EnvelopeError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        Value::deserialize(&mut reader).map_err(|error| EnvelopeError::Json(error.to_string()))?;
    reader.end().map_err(|_| EnvelopeError::TrailingData)?;
    Ok(value)
}

impl Value {
    pub(super) fn into_text(self, what: &'static str) -> Result<String, EnvelopeError> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(EnvelopeError::WrongType(what)),
        }
    }

    pub(super) fn into_list(self, what: &'static str) -> Result<Vec<Self>, EnvelopeError> {
        match self {
            Self::List(values) => Ok(values),
            _ => Err(EnvelopeError::WrongType(what)),
        }
    }

    /// The values of exactly these fields, each of which must stand once.
    pub(super) fn into_fields<const N: usize>(
        self,
        what: &'static str,
        names: [&'static str; N],
    ) -> Result<[Self; N], EnvelopeError> {
        let Self::Object(fields) = self else {
            return Err(EnvelopeError::WrongType(what));
        };
        let mut values = [const { None }; N];
        for (name, value) in fields {
            let place = names.iter().zip(&mut values).find(|(known, _)| **known == name);
            match place {
                Some((_, slot @ None)) => *slot = Some(value),
                Some((known, Some(_))) => return Err(EnvelopeError::DuplicateField(known)),
                None => return Err(EnvelopeError::UnknownField(name)),
            }
        }
        for (name, value) in names.iter().zip(&values) {
            if value.is_none() {
                return Err(EnvelopeError::MissingField(name));
            }
        }
        Ok(values.map(|value| value.unwrap_or(Self::Other)))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Object(fields))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }
}
