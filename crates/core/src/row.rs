//! Durable facts: what a machine asks its shell to keep, and gets back when it starts again.

/// One keyed value of a machine's durable state. The shell writes rows in the order they are asked for, and tells nobody
/// of their consequences before they are durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which collection it belongs to, such as `contact`.
    pub kind: &'static str,
    /// Its key within the collection.
    pub key: Vec<u8>,
    /// Its canonical bytes; `None` deletes it.
    pub value: Option<Vec<u8>>,
}
