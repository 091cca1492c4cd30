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

/// How many rows a column has; none where it says nothing that can be counted.
fn height(column: &FieldData) -> Option<usize> {
    match column.field.as_ref()? {
        Field::Scalars(scalars) => Some(match scalars.data.as_ref()? {
            Data::IntData(ints) => ints.data.len(),
            Data::LongData(longs) => longs.data.len(),
            Data::StringData(texts) => texts.data.len(),
            Data::ArrayData(lists) => lists.data.len(),
        }),
        Field::Vectors(vectors) => match vectors.data.as_ref()? {
            VectorData::FloatVector(numbers) => {
                let dimension = usize::try_from(vectors.dim).ok().filter(|dimension| *dimension > 0)?;
                let is_whole = numbers.data.len().is_multiple_of(dimension);
                is_whole.then_some(numbers.data.len() / dimension)
            }
            VectorData::SparseFloatVector(rows) => Some(rows.contents.len()),
        },
    }
}

impl Rows {
    /// An answer, in which each of these columns has a value for each row.
    ///
    /// # Errors
    /// `Corrupt` if one is missing or not as long as the others.
    pub fn answered(columns: Vec<FieldData>, wanted: &[&str]) -> Result<Rows> {
        let rows = columns.iter().filter_map(height).max().unwrap_or_default();
        let of = |name: &&str| {
            let column = columns.iter().find(|column| column.field_name == *name);
            column.and_then(height).unwrap_or_default()
        };
        same_length(rows, &wanted.iter().map(of).collect::<Vec<_>>())?;
        Ok(Rows(columns))
    }

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
    if others.iter().all(|other| *other == rows) {
        Ok(())
    } else {
        Err(Error::corrupt(format!(
            "Milvus gave columns of {rows} and {others:?} rows"
        )))
    }
}

/// Parts columns after so many rows.
pub fn split(columns: Vec<FieldData>, at: usize) -> (Vec<FieldData>, Vec<FieldData>) {
    let mut first = columns;
    let rest = first.iter_mut().map(|column| split_off(column, at)).collect();
    (first, rest)
}

/// Takes off a column what stands behind so many rows.
fn split_off(column: &mut FieldData, at: usize) -> FieldData {
    let rest = column.field.as_mut().and_then(|field| match field {
        Field::Scalars(scalars) => {
            let rest = match scalars.data.as_mut()? {
                Data::IntData(ints) => Data::IntData(wire::IntArray {
                    data: ints.data.split_off(at),
                }),
                Data::LongData(longs) => Data::LongData(wire::LongArray {
                    data: longs.data.split_off(at),
                }),
                Data::StringData(texts) => Data::StringData(wire::StringArray {
                    data: texts.data.split_off(at),
                }),
                Data::ArrayData(lists) => Data::ArrayData(wire::ArrayArray {
                    data: lists.data.split_off(at),
                    element_type: lists.element_type,
                }),
            };
            Some(Field::Scalars(scalar(rest)))
        }
        Field::Vectors(vectors) => {
            let rest = match vectors.data.as_mut()? {
                VectorData::FloatVector(numbers) => VectorData::FloatVector(wire::FloatArray {
                    data: numbers.data.split_off(at * vectors.dim as usize),
                }),
                VectorData::SparseFloatVector(rows) => VectorData::SparseFloatVector(wire::SparseFloatArray {
                    contents: rows.contents.split_off(at),
                    dim: rows.dim,
                }),
            };
            Some(Field::Vectors(VectorField {
                dim: vectors.dim,
                data: Some(rest),
            }))
        }
    });
    FieldData {
        r#type: column.r#type,
        field_name: column.field_name.clone(),
        field: rest,
    }
}

/// The vectors of a collection that needs none.
pub fn dummies(rows: usize) -> FieldData {
    let dimension = schema::DUMMY_DIMENSION;
    Column::Vectors(dimension, vec![0.0; rows * dimension]).named(schema::DUMMY_VECTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_a_value_of_each_column_for_each_row() {
        let check = |columns: Vec<FieldData>, expected: bool| {
            let said = format!("{columns:?}");
            assert_eq!(Rows::answered(columns, &["a", "b"]).is_ok(), expected, "{said}");
        };
        let longs = |name: &str, rows: usize| Column::Longs(vec![7; rows]).named(name);
        let vectors = |dimension: i64, numbers: usize| {
            let mut column = Column::Vectors(2, vec![0.5; numbers]).named("b");
            if let Some(Field::Vectors(vectors)) = &mut column.field {
                vectors.dim = dimension;
            }
            column
        };
        check(vec![], true);
        check(vec![longs("a", 0), longs("b", 0)], true);
        check(vec![longs("b", 3), longs("more", 3), longs("a", 3)], true);
        check(vec![longs("a", 3)], false);
        check(vec![longs("a", 3), longs("b", 2)], false);
        check(vec![longs("a", 2), longs("b", 2), longs("more", 3)], false);
        check(vec![longs("a", 3), vectors(2, 6)], true);
        check(vec![longs("a", 3), vectors(2, 7)], false);
        check(vec![longs("a", 3), vectors(3, 6)], false);
        check(vec![longs("a", 3), vectors(0, 6)], false);
        check(vec![longs("a", 3), vectors(-2, 6)], false);
    }

    #[test]
    fn columns_are_parted_between_rows() {
        let columns = |rows: std::ops::Range<usize>| -> Vec<FieldData> {
            let each = |one: fn(usize) -> usize| rows.clone().map(one);
            vec![
                Column::Longs(each(|row| row).map(|row| row as i64).collect()).named("long"),
                Column::Ints(each(|row| row).map(|row| row as i32).collect()).named("int"),
                Column::Texts(each(|row| row).map(|row| row.to_string()).collect()).named("text"),
                Column::TextLists(each(|row| row).map(|row| vec!["a".to_owned(); row]).collect()).named("texts"),
                Column::IntLists(each(|row| row).map(|row| vec![7; row]).collect()).named("ints"),
                Column::Vectors(2, each(|row| row).flat_map(|row| [row as f32, 0.5]).collect()).named("vector"),
                // The last place stands in the first row, so that both parts have to be told of it.
                Column::Sparse(each(|row| 9 - row).map(|place| vec![(place as u32, 1.0)]).collect()).named("sparse"),
            ]
        };
        let without_dimensions = |mut columns: Vec<FieldData>| {
            for column in &mut columns {
                if let Some(Field::Vectors(vectors)) = &mut column.field {
                    vectors.dim = 0;
                    if let Some(VectorData::SparseFloatVector(rows)) = &mut vectors.data {
                        rows.dim = 0;
                    }
                }
            }
            columns
        };
        for at in 0..=5 {
            let (first, rest) = split(columns(0..5), at);
            assert_eq!(without_dimensions(first), without_dimensions(columns(0..at)), "{at}");
            assert_eq!(without_dimensions(rest), without_dimensions(columns(at..5)), "{at}");
        }
    }
}
