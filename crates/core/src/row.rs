//! Durable facts: what a machine asks its shell to keep, and gets back when it starts again.

/// One keyed value of a machine's durable state. The shell writes rows in the order they are asked for, and tells nobody
/// of their consequences before they are durable.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Which collection it belongs to, such as `contact`.
    pub kind: &'static str,
    /// Its key within the collection.
    pub key: Vec<u8>,
    /// Its canonical bytes; `None` deletes it.
    pub value: Option<Vec<u8>>,
}

/// Without the value, which may hold secrets.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.value.as_ref().map(Vec::len);
        write!(
            f,
            "Row({}, key of {} bytes, {bytes:?} bytes)",
            self.kind,
            self.key.len()
        )
    }
}
