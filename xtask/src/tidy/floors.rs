//! The floor table: imports run down only, never sideways, never up.

use super::Fault;
use crate::workspace::{Kind, Package, Workspace};

/// A crate, its floor, and which of ours it may import.
struct Room {
    name: &'static str,
    floor: u8,
    /// `None`: everything below.
    may_import: Option<&'static [&'static str]>,
}

const fn room(name: &'static str, floor: u8, may_import: &'static [&'static str]) -> Room {
    Room {
        name,
        floor,
        may_import: Some(may_import),
    }
}

/// The house. A new edge here is the rarest kind of change: argue for it in its commit.
#[rustfmt::skip]
const HOUSE: &[Room] = &[
    room("pelton-sync", 0, &[]),
    room("pelton-simd", 0, &[]),
    room("pelton-queue", 1, &["pelton-sync"]),
    room("pelton-pool", 1, &["pelton-sync"]),
    room("pelton-metrics", 1, &["pelton-sync"]),
    room("pelton-sched", 2, &["pelton-sync", "pelton-queue", "pelton-metrics"]),
    room("pelton-record", 2, &["pelton-pool", "pelton-simd"]),
    room("pelton-format", 3, &["pelton-record", "pelton-simd", "pelton-pool"]),
    room("pelton-stage", 3, &["pelton-record", "pelton-simd", "pelton-pool", "pelton-metrics", "pelton-queue"]),
    room("pelton-connect", 4, &["pelton-format", "pelton-record", "pelton-pool", "pelton-queue", "pelton-metrics", "pelton-sync"]),
    Room { name: "pelton", floor: 5, may_import: None },
    room("pelton-cli", 6, &["pelton"]),
];

/// What tests of any crate may import, and what itself may import the shim alone.
const TESTKIT: &str = "pelton-testkit";

pub(super) fn check(workspace: &Workspace) -> Vec<Fault> {
    let mut faults: Vec<Fault> = workspace.crates().flat_map(check_crate).collect();
    let asides = workspace
        .packages
        .iter()
        .filter(|package| package.name == "xtask");
    faults.extend(asides.flat_map(imports_nothing));
    faults
}

fn check_crate(package: &Package) -> Vec<Fault> {
    if package.name == TESTKIT {
        return Vec::new();
    }
    let Some(room) = find(&package.name) else {
        return vec![fault(
            package,
            "has no floor; give it one in xtask/src/tidy/floors.rs",
        )];
    };
    let forbidden = package
        .ours
        .iter()
        .filter(|(name, kind)| !room.allows(name, *kind));
    forbidden
        .map(|(name, _)| {
            let why = format!("may not import `{name}`: imports run down, by the floor table");
            fault(package, &why)
        })
        .collect()
}

fn imports_nothing(package: &Package) -> Vec<Fault> {
    let ours = package.ours.iter();
    ours.map(|(name, _)| {
        fault(
            package,
            &format!("may not import `{name}`: it must build alone"),
        )
    })
    .collect()
}

impl Room {
    /// Tests may reach any lower floor: they are nobody's interface.
    fn allows(&self, name: &str, kind: Kind) -> bool {
        let below = find(name).is_some_and(|other| other.floor < self.floor);
        match (kind, self.may_import) {
            (Kind::Dev, _) => below || name == TESTKIT || name == self.name,
            (_, None) => below,
            (_, Some(names)) => below && names.contains(&name),
        }
    }
}

fn find(name: &str) -> Option<&'static Room> {
    HOUSE.iter().find(|room| room.name == name)
}

fn fault(package: &Package, why: &str) -> Fault {
    let manifest = package.folder.join("Cargo.toml");
    Fault::new(&manifest, 1, "floors", format!("`{}` {why}", package.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(importer: &str, imported: &str, kind: Kind) -> bool {
        find(importer).unwrap().allows(imported, kind)
    }

    #[test]
    fn down_by_the_table_only() {
        assert!(allows("pelton-queue", "pelton-sync", Kind::Normal));
        assert!(!allows("pelton-queue", "pelton-simd", Kind::Normal));
        assert!(!allows("pelton-queue", "pelton-pool", Kind::Normal));
        assert!(!allows("pelton-queue", "pelton", Kind::Normal));
        assert!(allows("pelton", "pelton-connect", Kind::Normal));
        assert!(!allows("pelton-cli", "pelton-format", Kind::Normal));
    }

    #[test]
    fn tests_may_reach_any_lower_floor() {
        assert!(allows("pelton-format", "pelton-queue", Kind::Dev));
        assert!(!allows("pelton-format", "pelton-stage", Kind::Dev));
        assert!(allows("pelton-queue", TESTKIT, Kind::Dev));
    }

    #[test]
    fn every_entry_of_the_table_lies_below() {
        for room in HOUSE {
            for name in room.may_import.unwrap_or_default() {
                assert!(room.allows(name, Kind::Normal), "{} {name}", room.name);
            }
        }
    }
}
