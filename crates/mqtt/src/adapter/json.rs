//! JSON (RFC 8259) as it came: values are looked up by pointer (RFC 6901) and kept as text, so that no number passes
//! through a binary fraction.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::decimal::{Decimal, MAX_NUMBER_DIGITS, NumberError};
use super::{AdapterError, MAX_MESSAGE_ID_CHARS};

/// How deep arrays and objects may lie in each other.
pub const MAX_JSON_DEPTH: usize = 32;
/// The longest pointer, in bytes.
pub const MAX_POINTER_BYTES: usize = 256;

/// Where in a message something stands: a JSON pointer such as `/object/volume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    keys: Vec<String>,
}

impl Pointer {
    /// Reads a pointer; `None` if it is none, too long, or deeper than [`MAX_JSON_DEPTH`].
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_POINTER_BYTES {
            return None;
        }
        let mut keys = Vec::new();
        if !text.is_empty() {
            for key in text.strip_prefix('/')?.split('/') {
                let escapes = key.matches("~0").count() + key.matches("~1").count();
                if key.matches('~').count() != escapes {
                    return None;
                }
                keys.push(key.replace("~1", "/").replace("~0", "~"));
            }
        }
        (keys.len() <= MAX_JSON_DEPTH).then(|| Self { text: text.to_owned(), keys })
    }

    /// The pointer as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A value in a message.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(&'a RawValue);

impl<'a> Json<'a> {
    /// Reads a whole message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, AdapterError> {
        let text = std::str::from_utf8(bytes).map_err(|_| AdapterError::NotJson)?;
        if depth(text) > MAX_JSON_DEPTH {
            return Err(AdapterError::TooDeep);
        }
        serde_json::from_str(text).map(Self).map_err(|_| AdapterError::NotJson)
    }

    /// The value that a pointer names; none where nothing or null stands.
    pub fn find(self, pointer: &Pointer) -> Result<Option<Self>, AdapterError> {
        let mut at = self;
        for key in &pointer.keys {
            match at.child(key, pointer)? {
                Some(child) => at = child,
                None => return Ok(None),
            }
        }
        Ok((at.0.get() != "null").then_some(at))
    }

    /// The value that a pointer names and that must be there.
    pub fn need(self, pointer: &Pointer) -> Result<Self, AdapterError> {
        self.find(pointer)?.ok_or_else(|| AdapterError::MissingPointer(pointer.text.clone()))
    }

    /// A number, or a text that holds one.
    pub fn number(self, pointer: &Pointer) -> Result<Decimal, AdapterError> {
        let text = match self.kind() {
            "number" => Cow::Borrowed(self.0.get()),
            "text" => self.text(pointer)?,
            _ => return Err(self.wrong_type(pointer, "number")),
        };
        Decimal::parse(&text, MAX_NUMBER_DIGITS)
            .map_err(|error| AdapterError::number(error, pointer, &text))
    }

    /// A text.
    pub fn text(self, pointer: &Pointer) -> Result<Cow<'a, str>, AdapterError> {
        if self.kind() != "text" {
            return Err(self.wrong_type(pointer, "text"));
        }
        let raw = self.0.get();
        match raw.get(1..raw.len() - 1) {
            Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            _ => serde_json::from_str(raw).map(Cow::Owned).map_err(|_| AdapterError::NotJson),
        }
    }

    /// A name: a text, or a number as it is written.
    pub fn name(self, pointer: &Pointer) -> Result<Cow<'a, str>, AdapterError> {
        let name = match self.kind() {
            "number" => Cow::Borrowed(self.0.get()),
            _ => self.text(pointer)?,
        };
        if name.chars().count() > MAX_MESSAGE_ID_CHARS {
            return Err(self.wrong_type(pointer, "a shorter text"));
        }
        Ok(name)
    }

    /// The value's own text.
    pub fn as_written(self) -> &'a str {
        self.0.get()
    }

    /// True or false, or the numbers 1 and 0.
    pub fn truth(self, pointer: &Pointer) -> Result<bool, AdapterError> {
        match self.0.get() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(self.wrong_type(pointer, "true or false")),
        }
    }

    /// The elements of an array; one more than `most` is refused.
    pub fn elements(self, pointer: &Pointer, most: usize) -> Result<Vec<Self>, AdapterError> {
        if self.kind() != "array" {
            return Err(self.wrong_type(pointer, "array"));
        }
        let visitor = Elements { most };
        let elements = deserializer(self.0).deserialize_seq(visitor);
        let elements = elements.map_err(|_| AdapterError::NotJson)?;
        if elements.len() > most {
            return Err(AdapterError::TooManySamples);
        }
        Ok(elements.into_iter().map(Self).collect())
    }

    fn child(self, key: &str, pointer: &Pointer) -> Result<Option<Self>, AdapterError> {
        let found = match self.kind() {
            "object" => deserializer(self.0).deserialize_map(Member { key }),
            "array" => match index(key) {
                Some(index) => deserializer(self.0).deserialize_seq(Element { index }),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        match found.map_err(|_| AdapterError::NotJson)? {
            Found::Once(value) => Ok(Some(Self(value))),
            Found::Not => Ok(None),
            Found::Again => Err(AdapterError::DuplicateKey(pointer.text.clone())),
        }
    }

    fn wrong_type(self, pointer: &Pointer, expected: &'static str) -> AdapterError {
        AdapterError::WrongType { pointer: pointer.text.clone(), found: self.kind(), expected }
    }

    fn kind(self) -> &'static str {
        match self.0.get().as_bytes().first() {
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b'"') => "text",
            Some(b't' | b'f') => "truth value",
            Some(b'n') => "null",
            _ => "number",
        }
    }
}

impl AdapterError {
    pub(super) fn number(error: NumberError, pointer: &Pointer, text: &str) -> Self {
        let (pointer, text) = (pointer.text.clone(), text.chars().take(40).collect());
        match error {
            NumberError::Format => Self::NotANumber { pointer, text },
            NumberError::Range => Self::OutOfRange { pointer, text },
            NumberError::Fraction => Self::Fraction { pointer, text },
        }
    }
}

fn deserializer(raw: &RawValue) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    serde_json::Deserializer::from_str(raw.get())
}

/// How deep brackets lie in each other, outside texts.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// An array index as RFC 6901 §4 writes it: without leading zeros.
fn index(key: &str) -> Option<usize> {
    if key.len() > 1 && key.starts_with('0') || key.starts_with('+') {
        return None;
    }
    key.parse().ok()
}

enum Found<'a> {
    Not,
    Once(&'a RawValue),
    Again,
}

/// One member of an object; two of the same name are no answer.
struct Member<'k> {
    key: &'k str,
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Found::Not;
        while let Some(key) = map.next_key::<Key<'de>>()? {
            if key.0 == self.key {
                let value = map.next_value()?;
                found = if matches!(found, Found::Not) { Found::Once(value) } else { Found::Again };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

struct Element {
    index: usize,
}

impl<'de> Visitor<'de> for Element {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = Found::Not;
        let mut at = 0;
        while let Some(value) = seq.next_element()? {
            if at == self.index {
                found = Found::Once(value);
            }
            at += 1;
        }
        Ok(found)
    }
}

struct Elements {
    most: usize,
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        // One too many is kept as the sign of it; the rest is passed over.
        while let Some(value) = seq.next_element()? {
            if elements.len() <= self.most {
                elements.push(value);
            }
        }
        Ok(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::decimal::Rounding;

    fn pointer(text: &str) -> Pointer {
        Pointer::parse(text).unwrap()
    }

    fn at<'a>(message: &'a str, path: &str) -> Result<Option<&'a str>, AdapterError> {
        let found = Json::parse(message.as_bytes())?.find(&pointer(path))?;
        Ok(found.map(|value| value.0.get()))
    }

    #[test]
    fn finds_what_rfc_6901_says() {
        let message = r#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"k\"l":6, "\u0061":7}"#;
        for (path, value) in [
            ("", Some(message)),
            ("/foo", Some(r#"["bar","baz"]"#)),
            ("/foo/0", Some("\"bar\"")),
            ("/foo/01", None),
            ("/foo/+1", None),
            ("/foo/2", None),
            ("/foo/-", None),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/m~0n", Some("8")),
            ("/k\"l", Some("6")),
            ("/a", Some("7")),
            ("/nothing/deeper", None),
            ("/a~1b/deeper", None),
        ] {
            assert_eq!(at(message, path).unwrap(), value, "{path}");
        }
    }

    #[test]
    fn null_is_nothing() {
        assert_eq!(at(r#"{"a":null}"#, "/a").unwrap(), None);
    }

    #[test]
    fn keeps_a_number_as_it_was_written() {
        let message = r#"{"v": 838860.70000000001, "t": "12.50"}"#;
        let json = Json::parse(message.as_bytes()).unwrap();
        let path = pointer("/v");
        let number = json.need(&path).unwrap().number(&path).unwrap();
        assert!(number.to_integer(Rounding::Refuse).is_err());
        let path = pointer("/t");
        let text = json.need(&path).unwrap().number(&path).unwrap();
        assert_eq!(text, Decimal::parse("12.5", 3).unwrap());
    }

    #[test]
    fn rejects_what_is_no_json() {
        for bytes in [&b""[..], b"{", b"{}{}", b"\xff", b"{\"a\":01}", b"nul", b"{\"a\" 1}", b"'a'"]
        {
            assert_eq!(Json::parse(bytes).err(), Some(AdapterError::NotJson), "{bytes:?}");
        }
    }

    #[test]
    fn rejects_what_lies_too_deep() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(nested(MAX_JSON_DEPTH).as_bytes()).is_ok());
        assert_eq!(
            Json::parse(nested(MAX_JSON_DEPTH + 1).as_bytes()).err(),
            Some(AdapterError::TooDeep)
        );
        let in_text = format!("{{\"a\": \"\\\"{}\"}}", "[".repeat(99));
        assert!(Json::parse(in_text.as_bytes()).is_ok());
    }

    #[test]
    fn rejects_a_key_that_stands_twice_where_it_is_looked_for() {
        let twice = r#"{"a":1,"b":{"v":1,"\u0076":2}}"#;
        assert_eq!(at(twice, "/b/v"), Err(AdapterError::DuplicateKey("/b/v".into())));
        assert_eq!(at(twice, "/a").unwrap(), Some("1"));
    }

    #[test]
    fn rejects_pointers_that_are_none() {
        for text in ["a", "a/b", "/a~", "/a~2", &format!("/{}", "a".repeat(MAX_POINTER_BYTES))] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
        assert_eq!(Pointer::parse(&"/a".repeat(MAX_JSON_DEPTH + 1)), None);
    }
}
