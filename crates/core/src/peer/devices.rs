//! The node's own keys: what each presents, what binds it to the identity, where its face is.

use std::collections::BTreeMap;

use super::config::{BINDING_RENEWAL, CONTACT_FACE_LIFE};
use crate::address::Route;
use crate::crypto::SecretKey;
use crate::ids::{DeviceKey, Face};
use crate::time::Time;

/// The role of a node's first and only device.
pub(super) const ROLE: u8 = 0;

/// One key of this node.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) face: Face,
    pub(super) secret: SecretKey,
    pub(super) since: Time,
    /// The signed binding; none for the visitor's key, which is nobody's.
    pub(super) binding: Option<Binding>,
}

#[derive(Debug)]
pub(super) struct Binding {
    pub(super) bytes: Vec<u8>,
    pub(super) until: Time,
}

/// The keys of this node, old ones that still carry sessions among them.
#[derive(Debug, Default)]
pub(super) struct Faces {
    pub(super) devices: BTreeMap<DeviceKey, Device>,
    pub(super) current: BTreeMap<Face, DeviceKey>,
    pub(super) routes: BTreeMap<Face, Route>,
}

impl Faces {
    /// The key a face presents now.
    pub(super) fn device(&self, face: Face) -> Option<DeviceKey> {
        self.current.get(&face).copied()
    }

    /// All keys presented now.
    pub(super) fn devices(&self) -> Vec<(Face, DeviceKey)> {
        self.current
            .iter()
            .map(|(face, device)| (*face, *device))
            .collect()
    }

    /// The binding of one of this node's keys.
    pub(super) fn binding(&self, device: DeviceKey) -> Option<&[u8]> {
        let binding = self.devices.get(&device)?.binding.as_ref()?;
        Some(&binding.bytes)
    }

    /// Where a face is, when it is anywhere.
    pub(super) fn route(&self, face: Face) -> Option<&Route> {
        self.routes.get(&face).filter(|route| !route.is_empty())
    }

    /// When the next binding is to be renewed, or the contact face to be given another key.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.current
            .values()
            .filter_map(|device| self.devices.get(device))
            .filter_map(Device::due)
            .min()
    }
}

impl Device {
    /// When its binding is to be renewed, or the key to be replaced.
    pub(super) fn due(&self) -> Option<Time> {
        let renewal = self.binding.as_ref()?.until - BINDING_RENEWAL;
        Some(match self.face {
            Face::Contact => renewal.min(self.since + CONTACT_FACE_LIFE),
            Face::Public | Face::Visitor => renewal,
        })
    }
}
