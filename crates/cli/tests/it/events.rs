//! What a running node tells as it happens, read as any program could.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person};

/// The events of somebody's node since they are followed.
pub(crate) struct Events {
    stream: UnixStream,
    seen: String,
}

impl Events {
    /// Follows what happens from now on.
    pub(crate) async fn follow(person: &Person) -> Self {
        Self::follow_with(person, "").await
    }

    /// The same, with this behind the path.
    pub(crate) async fn follow_with(person: &Person, query: &str) -> Self {
        let stream = UnixStream::connect(person.file("kith.sock")).await;
        let mut stream = stream.expect("it is up");
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: kith.localhost\r\n\r\n");
        let asked = stream.write_all(request.as_bytes()).await;
        asked.expect("it listens");
        let mut events = Self {
            stream,
            seen: String::new(),
        };
        events.until_said("200 OK", "\r\n\r\n").await;
        events
    }

    /// Waits until there was an event of this name; the first such event's data.
    pub(crate) async fn until(&mut self, name: &str) -> String {
        self.until_said(&format!("event: {name}\ndata: "), "\n")
            .await
    }

    /// Waits until there is another event of this name than those that were asked for so far; its data.
    pub(crate) async fn next(&mut self, name: &str) -> String {
        let told = self.until(name).await;
        let end = format!("event: {name}\ndata: {told}\n");
        let (_, after) = self.seen.split_once(&end).expect("just seen");
        self.seen = after.to_owned();
        told
    }

    /// Waits until there was an event of this name that says this.
    pub(crate) async fn until_it_says(&mut self, name: &str, part: &str) {
        let start = format!("event: {name}\ndata: ");
        while !self.seen.split(&start).skip(1).any(|after| {
            let data = after.split_once('\n');
            data.is_some_and(|(data, _)| data.contains(part))
        }) {
            self.hear().await;
        }
    }

    /// Waits until this was said, and then that; what is between.
    async fn until_said(&mut self, start: &str, end: &str) -> String {
        loop {
            let after = self.seen.split_once(start).map(|(_, after)| after);
            if let Some((told, _)) = after.and_then(|after| after.split_once(end)) {
                return told.to_owned();
            }
            self.hear().await;
        }
    }

    /// Waits for more.
    async fn hear(&mut self) {
        let mut bytes = [0; 4096];
        let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await;
        let count = read.expect("in time").expect("open");
        assert_ne!(count, 0, "the events ended: {}", self.seen);
        self.seen
            .push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}
