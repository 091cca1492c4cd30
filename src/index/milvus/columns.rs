//! Rows as Milvus takes and gives them: column by column.

use super::schema;
use super::wire::field_data::Field;
use super::wire::scalar_field::Data;
use super::wire::vector_field::Data as VectorData;
use super::wire::{self, FieldData, ScalarField, VectorField, data_type};
use crate::error::{Error, Result};

/// A column's values, one a row.
pub enum Column {
    /// 64-bit numbers.
    Longs(Vec<i64>),
    /// 32-bit numbers.
    Ints(Vec<i32>),
    /// Texts.
    Texts(Vec<String>),
    /// Lists of texts.
    TextLists(Vec<Vec<String>>),
    /// Lists of 32-bit numbers.
    IntLists(Vec<Vec<i32>>),
    /// Vectors of so many numbers, one after the other.
    Vectors(usize, Vec<f32>),
    /// Sparse vectors: `(place, value)`, places ascending and none twice.
    Sparse(Vec<Vec<(u32, f32)>>),
}

fn scalar(data: Data) -> ScalarField {
    ScalarField { data: Some(data) }
}

fn texts(data: Vec<String>) -> ScalarField {
    scalar(Data::StringData(wire::StringArray { data }))
}

fn ints(data: Vec<i32>) -> ScalarField {
    scalar(Data::IntData(wire::IntArray { data }))
}

fn lists(data: Vec<ScalarField>, element_type: i32) -> Field {
    Field::Scalars(scalar(Data::ArrayData(wire::ArrayArray { data, element_type })))
}

/// A sparse vector as Milvus takes it.
pub fn sparse_bytes(vector: &[(u32, f32)]) -> Vec<u8> {
    let pair = |(place, value): &(u32, f32)| [place.to_le_bytes(), value.to_le_bytes()].concat();
    vector.iter().flat_map(pair).collect()
}

impl Column {
    /// As the field of this name.
    pub fn named(self, name: &str) -> FieldData {
        let (kind, field) = match self {
            Column::Longs(data) => {
                let data = scalar(Data::LongData(wire::LongArray { data }));
                (data_type::INT64, Field::Scalars(data))
            }
            Column::Ints(data) => (data_type::INT32, Field::Scalars(ints(data))),
            Column::Texts(data) => (data_type::VARCHAR, Field::Scalars(texts(data))),
            Column::TextLists(data) => {
                let data = data.into_iter().map(texts).collect();
                (data_type::ARRAY, lists(data, data_type::VARCHAR))
            }
            Column::IntLists(data) => {
                let data = data.into_iter().map(ints).collect();
                (data_type::ARRAY, lists(data, data_type::INT32))
            }
            Column::Vectors(dimension, data) => {
                let data = VectorData::FloatVector(wire::FloatArray { data });
                let vectors = VectorField {
                    dim: dimension as i64,
                    data: Some(data),
                };
                (data_type::FLOAT_VECTOR, Field::Vectors(vectors))
            }
            Column::Sparse(rows) => {
                let last = rows.iter().filter_map(|row| row.last()).map(|(place, _)| *place).max();
                let dim = last.map_or(0, |last| i64::from(last) + 1);
                let contents = rows.iter().map(|row| sparse_bytes(row)).collect();
                let data = VectorData::SparseFloatVector(wire::SparseFloatArray { contents, dim });
                let vectors = VectorField { dim, data: Some(data) };
                (data_type::SPARSE_VECTOR, Field::Vectors(vectors))
            }
        };
        FieldData {
            r#type: kind,
            field_name: name.to_owned(),
            field: Some(field),
        }
    }
}

/// What a query gave.
#[derive(Debug, Default)]
pub struct Rows(pub Vec<FieldData>);

impl Rows {
    /// Takes a column out; none where there are no rows.
    fn take(&mut self, name: &str) -> Option<Field> {
        let at = self.0.iter().position(|field| field.field_name == name)?;
        self.0.swap_remove(at).field
    }

    fn scalars(&mut self, name: &str) -> Option<Data> {
        match self.take(name)? {
            Field::Scalars(scalars) => scalars.data,
            Field::Vectors(_) => None,
        }
    }

    /// A column of 64-bit numbers.
    pub fn longs(&mut self, name: &str) -> Vec<i64> {
        match self.scalars(name) {
            Some(Data::LongData(longs)) => longs.data,
            _ => Vec::new(),
        }
    }

    /// A column of 32-bit numbers.
    pub fn ints(&mut self, name: &str) -> Vec<i32> {
        match self.scalars(name) {
            Some(Data::IntData(ints)) => ints.data,
            _ => Vec::new(),
        }
    }

    /// A column of texts.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        match self.scalars(name) {
            Some(Data::StringData(texts)) => texts.data,
            _ => Vec::new(),
        }
    }

    /// A column of lists of texts.
    pub fn text_lists(&mut self, name: &str) -> Vec<Vec<String>> {
        let list = |list: ScalarField| match list.data {
            Some(Data::StringData(texts)) => texts.data,
            // Some servers give empty lists as nothing.
            _ => Vec::new(),
        };
        self.lists(name).into_iter().map(list).collect()
    }

    /// A column of lists of 32-bit numbers.
    pub fn int_lists(&mut self, name: &str) -> Vec<Vec<i32>> {
        let list = |list: ScalarField| match list.data {
            Some(Data::IntData(ints)) => ints.data,
            _ => Vec::new(),
        };
        self.lists(name).into_iter().map(list).collect()
    }

    fn lists(&mut self, name: &str) -> Vec<ScalarField> {
        match self.scalars(name) {
            Some(Data::ArrayData(lists)) => lists.data,
            _ => Vec::new(),
        }
    }

    /// A column of vectors, one after the other.
    pub fn vectors(&mut self, name: &str) -> Vec<f32> {
        match self.take(name) {
            Some(Field::Vectors(VectorField {
                data: Some(VectorData::FloatVector(vectors)),
                ..
            })) => vectors.data,
            _ => Vec::new(),
        }
    }

    /// The same rows without the columns not named, to be read while these are kept.
    pub fn only(&self, names: &[&str]) -> Rows {
        let wanted = self.0.iter().filter(|field| names.contains(&&*field.field_name));
        Rows(wanted.cloned().collect())
    }

    /// The same rows, ready to be written again, with these columns besides.
    pub fn with(mut self, columns: impl IntoIterator<Item = FieldData>) -> Vec<FieldData> {
        for field in &mut self.0 {
            if let Some(Field::Scalars(ScalarField {
                data: Some(Data::ArrayData(lists)),
            })) = &mut field.field
            {
                // What some servers give as nothing none takes as nothing.
                for list in lists.data.iter_mut().filter(|list| list.data.is_none()) {
                    *list = match lists.element_type {
                        data_type::VARCHAR => texts(Vec::new()),
                        _ => ints(Vec::new()),
                    };
                }
            }
        }
        self.0.extend(columns);
        self.0
    }
}

/// Refuses an answer whose columns are not of one length.
pub fn same_length(rows: usize, others: &[usize]) -> Result<()> {
    match others.iter().all(|other| *other == rows) {
        true => Ok(()),
        false => Err(Error::corrupt(format!(
            "Milvus gave columns of {rows} and {others:?} rows"
        ))),
    }
}

/// The vectors of a collection that needs none.
pub fn nothing(rows: usize) -> FieldData {
    let dimension = schema::NOTHING_DIMENSION;
    Column::Vectors(dimension, vec![0.0; rows * dimension]).named(schema::NOTHING)
}
