//! Who sent what was not asked for: remembered over restarts, for a while.
//!
//! The node's getter knows them as long as it runs. The table is for the next run.

use std::io;

use kith_core::content::swarm::config::{DISTRUSTED_FOR, LIARS_MAX};
use kith_core::content::swarm::getter::Who;
use kith_core::ids::{DeviceKey, PeerId};
use kith_core::time::Time;
use rusqlite::params;

use crate::content::shares::Shares;
use crate::content::store;

/// The room's fourth piece of schema.
pub const LIARS_SCHEMA: &str = "
    CREATE TABLE liar (
        device     BLOB NOT NULL PRIMARY KEY,
        peer       BLOB,
        at_ms      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

impl Shares {
    /// Remembers somebody who lied. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn remember_liar(&self, who: Who, now: Time) -> io::Result<()> {
        store::run(self.database(), |connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO liar (device, peer, at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device) DO UPDATE SET peer = excluded.peer, at_ms = excluded.at_ms",
                params![who.device.0, who.peer.map(|peer| peer.0), milliseconds(now)],
            )?;
            transaction.execute(
                "DELETE FROM liar WHERE at_ms <= ?1 OR device NOT IN
                 (SELECT device FROM liar ORDER BY at_ms DESC LIMIT ?2)",
                params![milliseconds(now) - remembered_ms(), LIARS_MAX as i64],
            )?;
            transaction.commit()
        })
    }

    /// Those who are remembered, and when they lied, the first first. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn liars(&self, now: Time) -> io::Result<Vec<(Who, Time)>> {
        store::run(self.database(), |connection| {
            let mut statement = connection.prepare(
                "SELECT device, peer, at_ms FROM liar WHERE at_ms > ?1 ORDER BY at_ms LIMIT ?2",
            )?;
            let since = milliseconds(now) - remembered_ms();
            let rows = statement.query_map(params![since, LIARS_MAX as i64], |row| {
                let peer: Option<[u8; 32]> = row.get(1)?;
                let who = Who {
                    device: DeviceKey(row.get(0)?),
                    peer: peer.map(PeerId),
                };
                let at_ms: i64 = row.get(2)?;
                Ok((who, Time(at_ms.cast_unsigned())))
            })?;
            rows.collect()
        })
    }
}

fn milliseconds(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn remembered_ms() -> i64 {
    i64::try_from(DISTRUSTED_FOR.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::{NOW, World};

    fn who(device: u8, peer: Option<u8>) -> Who {
        Who {
            device: DeviceKey([device; 32]),
            peer: peer.map(|peer| PeerId([peer; 32])),
        }
    }

    #[test]
    fn liars_are_remembered_for_a_day() {
        let world = World::new();
        let shares = &world.shares;
        let later = NOW + DISTRUSTED_FOR / 2;
        shares.remember_liar(who(1, Some(9)), NOW).expect("written");
        shares.remember_liar(who(2, None), later).expect("written");
        let known = shares.liars(later).expect("read");
        assert_eq!(known, [(who(1, Some(9)), NOW), (who(2, None), later)]);
        let known = shares.liars(NOW + DISTRUSTED_FOR).expect("read");
        assert_eq!(known, [(who(2, None), later)]);
    }
}
