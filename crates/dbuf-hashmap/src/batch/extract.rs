use core::fmt;
use core::iter::FusedIterator;

use crate::batch::Batch;
use crate::owner::Owner;

/// The entries that [`Batch::extract_if`] removes, in arbitrary order. Each is removed and logged
/// when the iterator returns it.
///
/// # Examples
///
/// ```
/// let (mut writer, _reader) = dbuf_hashmap::new();
/// let mut batch = writer.write();
/// batch.extend((0..10).map(|n| (n, n)));
/// batch.extract_if(|_, _| true).take(3).for_each(drop);
/// assert_eq!(batch.len(), 7);
/// ```
#[must_use = "this iterator removes an entry only when `next` returns it"]
pub struct ExtractIf<'b, W: Owner, F> {
    batch: &'b mut Batch<W>,
    take: F,
    /// The next bucket to check. No entry moves while entries are removed.
    bucket: usize,
}

impl<'b, W: Owner, F> ExtractIf<'b, W, F> {
    pub(super) fn new(batch: &'b mut Batch<W>, take: F) -> Self {
        Self {
            batch,
            take,
            bucket: 0,
        }
    }
}

impl<W, F> Iterator for ExtractIf<'_, W, F>
where
    W: Owner,
    F: FnMut(&W::Key, &W::Value) -> bool,
{
    type Item = (W::Key, W::Value);

    fn next(&mut self) -> Option<Self::Item> {
        while self.bucket < self.batch.table().buckets() {
            let bucket = self.bucket;
            self.bucket += 1;
            if let Some((key, value)) = self.batch.table().get_at(bucket) {
                if (self.take)(key, value) {
                    let hash = self.batch.inner.extras().hash(key);
                    return Some(self.batch.remove_entry_at(hash, bucket, None));
                }
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.batch.len()))
    }
}

impl<W, F> FusedIterator for ExtractIf<'_, W, F>
where
    W: Owner,
    F: FnMut(&W::Key, &W::Value) -> bool,
{
}

impl<W: Owner, F> fmt::Debug for ExtractIf<'_, W, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractIf").finish_non_exhaustive()
    }
}
