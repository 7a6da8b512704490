//! Plays a saga on a driver and on the model, act by act.

use super::model::{Model, say};
use conformance::driver::{Driver, DriverKind, Mode, open};
use conformance::generate::{Act, Saga};
use conformance::packet::Packet;

/// Plays all of it; the error says where driver and model part.
pub(crate) fn play(kind: DriverKind, mode: Mode, saga: &Saga) -> Result<(), String> {
    let mut driver = open(kind, mode).map_err(|error| error.to_string())?;
    let mut model = Model::new(mode);
    let in_words = |error: anyhow::Error| format!("{error:#}");
    driver.apply(&saga.cluster).map_err(in_words)?;
    model.apply(&saga.cluster);
    for (number, act) in (1..).zip(&saga.acts) {
        let parting = play_act(driver.as_mut(), &mut model, act).map_err(in_words)?;
        if let Some(parting) = parting {
            return Err(format!("act {number}: {kind} and model part on {parting}"));
        }
    }
    Ok(())
}

/// What they part on, if they do.
fn play_act(
    driver: &mut dyn Driver,
    model: &mut Model,
    act: &Act,
) -> anyhow::Result<Option<String>> {
    match act {
        Act::Change(cluster) => {
            driver.apply(cluster)?;
            model.apply(cluster);
            Ok(None)
        }
        Act::Pass(time) => {
            driver.pass_time(*time)?;
            model.pass_time(*time);
            Ok(None)
        }
        Act::Send(packet) => send(driver, model, packet),
    }
}

fn send(
    driver: &mut dyn Driver,
    model: &mut Model,
    packet: &Packet,
) -> anyhow::Result<Option<String>> {
    if model.is_undecided(packet)? {
        return Ok(None);
    }
    let fates = driver.send(&[packet.to_frame()?])?;
    let seen = fates.into_iter().next().flatten().unwrap_or_default();
    let expected = model.expect(packet)?;
    Ok((!expected.is_met(&seen)).then(|| {
        let (seen, expected) = (say(&seen), expected.say());
        format!("{packet}\n  seen: {seen}\n  model: {expected}")
    }))
}
