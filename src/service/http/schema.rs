//! The protocol as its descriptors describe it: what fields a message has, and what its comments say. Read once, at the
//! first use.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::service::wire;

/// The package of all that is ours, as it begins the names of types.
pub const PACKAGE: &str = ".baowen.v1.";

/// The protocol.
pub static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::read);

/// Messages and enums by their names in the package, with the comments above everything.
#[derive(Debug, Default)]
pub struct Schema {
    messages: HashMap<String, Message>,
    enums: HashMap<String, Enum>,
    /// Of calls, as `Service.Method`.
    calls: HashMap<String, String>,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// What it is.
    pub comment: String,
    /// Its fields, in their order.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// As the proto calls it.
    pub name: String,
    /// In `lowerCamelCase`.
    pub json_name: String,
    /// What it says.
    pub kind: Kind,
    /// Whether it may have many values.
    pub is_list: bool,
    /// Whether it may be unset, which is told from being empty.
    pub is_optional: bool,
    /// Its comment.
    pub comment: String,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A whole number of 32 bits; whether it may be below 0.
    Int32(bool),
    /// A whole number of 64 bits, in JSON a string.
    Int64,
    /// Any number.
    Float,
    /// One of the names of an enum.
    Enum(String),
    /// A message.
    Message(String),
    /// Texts by texts.
    Map,
}

/// An enum.
#[derive(Debug)]
pub struct Enum {
    /// What it says.
    pub comment: String,
    /// Its names with what they mean.
    pub values: Vec<(String, String)>,
}

impl Schema {
    fn read() -> Schema {
        let mut schema = Schema::default();
        // Ours, made by the build: if it could not be read, reflection would not have started either.
        let set = FileDescriptorSet::decode(wire::FILE_DESCRIPTOR_SET).unwrap_or_default();
        for file in set.file {
            let comments = file.source_code_info.unwrap_or_default().location;
            let comments: HashMap<Vec<i32>, String> = comments
                .into_iter()
                .map(|at| (at.path, tidy(at.leading_comments.as_deref().unwrap_or_default())))
                .collect();
            let comment = |path: &[i32]| comments.get(path).cloned().unwrap_or_default();
            for (at, message) in (0..).zip(&file.message_type) {
                let fields = (0..).zip(&message.field);
                let fields = fields.map(|(of, field)| read_field(message, field, comment(&[4, at, 2, of])));
                let (comment, fields) = (comment(&[4, at]), fields.collect());
                schema
                    .messages
                    .insert(message.name().to_owned(), Message { comment, fields });
            }
            for (at, of) in (0..).zip(&file.enum_type) {
                let read = read_enum(of, comment(&[5, at]), |value| comment(&[5, at, 2, value]));
                schema.enums.insert(of.name().to_owned(), read);
            }
            for (at, service) in (0..).zip(&file.service) {
                for (of, method) in (0..).zip(&service.method) {
                    let name = format!("{}.{}", service.name(), method.name());
                    schema.calls.insert(name, comment(&[6, at, 2, of]));
                }
            }
        }
        schema
    }

    /// A message by its name.
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.messages.get(name)
    }

    /// An enum by its name.
    pub fn enumeration(&self, name: &str) -> Option<&Enum> {
        self.enums.get(name)
    }

    /// All calls, as `Service.Method`, with what is said of them.
    #[cfg(test)]
    pub fn calls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.calls.iter().map(|(name, comment)| (&**name, &**comment))
    }

    /// What is said of a call, by `Service.Method`.
    pub fn call(&self, name: &str) -> &str {
        self.calls.get(name).map_or("", String::as_str)
    }
}

impl Message {
    /// A field by its name, in either spelling.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.name == name || field.json_name == name)
    }
}

fn read_field(of: &DescriptorProto, field: &FieldDescriptorProto, comment: String) -> Field {
    let of_ours = || field.type_name().trim_start_matches(PACKAGE).to_owned();
    let is_map = field.r#type() == Type::Message
        && of.nested_type.iter().any(|nested| {
            nested.options.as_ref().is_some_and(|options| options.map_entry())
                && field.type_name().ends_with(nested.name())
        });
    let kind = match field.r#type() {
        _ if is_map => Kind::Map,
        Type::Bool => Kind::Bool,
        Type::Int32 | Type::Sint32 | Type::Sfixed32 => Kind::Int32(true),
        Type::Uint32 | Type::Fixed32 => Kind::Int32(false),
        Type::Int64 | Type::Uint64 | Type::Sint64 | Type::Fixed64 | Type::Sfixed64 => Kind::Int64,
        Type::Float | Type::Double => Kind::Float,
        Type::Enum => Kind::Enum(of_ours()),
        Type::Message | Type::Group => Kind::Message(of_ours()),
        Type::String | Type::Bytes => Kind::Text,
    };
    let is_list = field.label() == Label::Repeated && !is_map;
    Field {
        name: field.name().to_owned(),
        json_name: field.json_name().to_owned(),
        is_optional: field.oneof_index.is_some() || matches!(kind, Kind::Message(_)) && !is_list,
        is_list,
        kind,
        comment,
    }
}

fn read_enum(of: &EnumDescriptorProto, comment: String, about: impl Fn(i32) -> String) -> Enum {
    let values = (0..).zip(&of.value);
    Enum {
        comment,
        values: values.map(|(at, value)| (value.name().to_owned(), about(at))).collect(),
    }
}

/// A comment as one paragraph.
fn tidy(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_read_with_its_comments() {
        let request = SCHEMA.message("SearchRequest").unwrap();
        let top_k = request.field("topK").unwrap();
        assert_eq!((&*top_k.name, &top_k.kind), ("top_k", &Kind::Int32(false)));
        assert!(top_k.is_optional && !request.field("query").unwrap().is_optional);
        assert!(top_k.comment.contains("10 if not set"), "{}", top_k.comment);
        let hit = SCHEMA.message("Hit").unwrap();
        assert_eq!(hit.field("attributes").unwrap().kind, Kind::Map);
        assert!(!hit.field("attributes").unwrap().is_optional && !hit.field("highlights").unwrap().is_optional);
        assert!(hit.field("best_sentence").unwrap().is_optional && hit.field("url").unwrap().is_optional);
        assert_eq!(hit.field("kind").unwrap().kind, Kind::Enum("ArticleKind".into()));
        let fit = SCHEMA.enumeration("Fit").unwrap();
        assert!(
            fit.values
                .iter()
                .any(|(name, about)| name == "FIT_SAME" && about.contains("same place"))
        );
        assert!(SCHEMA.call("SearchService.Search").contains("one question"));
    }
}
