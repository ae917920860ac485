//! The NATs of the lab are what they say, measured from inside. What kith does behind them means something only then.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::probe::{Behaviour, Mirror, filtering, hole_punches, mapping, remembers};
use crate::trial;
use crate::world::{NatKind, World};

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nat_kinds::each_nat_maps_and_filters_as_it_says",
            each_nat_maps_and_filters_as_it_says,
        ),
        trial(
            "nat_kinds::a_hole_is_punched_unless_a_symmetric_nat_is_there",
            a_hole_is_punched_unless_a_symmetric_nat_is_there,
        ),
        trial(
            "nat_kinds::a_router_that_forgets_lets_nothing_in",
            a_router_that_forgets_lets_nothing_in,
        ),
    ]
}

async fn each_nat_maps_and_filters_as_it_says() -> Result<()> {
    let world = World::new().await?;
    let near = Mirror::run(&world.public_host("near").await?).await?;
    let far = Mirror::run(&world.public_host("far").await?).await?;
    let all = Behaviour::EndpointIndependent;
    let one = Behaviour::AddressAndPortDependent;
    for (name, kind, maps, filters) in [
        ("cone", NatKind::FullCone, all, all),
        ("restricted", NatKind::PortRestricted, all, one),
        ("symmetric", NatKind::Symmetric, one, one),
    ] {
        let home = world.home(name, kind).await?;
        let host = world.host(&format!("{name}-host"), &home).await?;
        let found = (
            mapping(&host, near, far).await?,
            filtering(&host, near, far).await?,
        );
        ensure!(
            found == (maps, filters),
            "{kind:?} maps and filters {found:?}"
        );
    }
    Ok(())
}

async fn a_hole_is_punched_unless_a_symmetric_nat_is_there() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::run(&world.public_host("mirror").await?).await?;
    let mut hosts = Vec::new();
    for (name, kind) in [
        ("ann", NatKind::PortRestricted),
        ("bob", NatKind::PortRestricted),
        ("cat", NatKind::Symmetric),
        ("dan", NatKind::Symmetric),
    ] {
        let home = world.home(&format!("{name}-home"), kind).await?;
        hosts.push(world.host(name, &home).await?);
    }
    for (left, right, expected) in [(0, 1, true), (0, 2, false), (2, 3, false)] {
        let found = hole_punches(&hosts[left], &hosts[right], mirror).await?;
        ensure!(
            found == expected,
            "{} and {}: punched {found}",
            hosts[left].name(),
            hosts[right].name()
        );
    }
    Ok(())
}

async fn a_router_that_forgets_lets_nothing_in() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::run(&world.public_host("mirror").await?).await?;
    for (name, kind) in [
        ("restricted", NatKind::PortRestricted),
        ("symmetric", NatKind::Symmetric),
    ] {
        let home = world.home(name, kind).await?;
        let host = world.host(&format!("{name}-host"), &home).await?;
        let found = remembers(&host, mirror, || World::forget_mappings(&home, kind)).await?;
        ensure!(
            found == (true, false),
            "{kind:?}: before and after {found:?}"
        );
    }
    Ok(())
}
