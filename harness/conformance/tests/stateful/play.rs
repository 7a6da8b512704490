//! Plays a saga on a driver and on the model, act by act.

use anyhow::bail;
use conformance::driver::{Driver, DriverKind, Fate, OracleDriver, open};
use conformance::generate::{Act, Saga};
use conformance::packet::Packet;
use manifest::IpBlockMode;

/// Plays all of it; the error says where driver and model part.
pub(crate) fn play(kind: DriverKind, mode: IpBlockMode, saga: &Saga) -> Result<(), String> {
    let mut driver = open(kind, mode).map_err(|error| error.to_string())?;
    let mut model = OracleDriver::new(mode);
    let in_words = |error: anyhow::Error| format!("{error:#}");
    driver.apply(&saga.cluster).map_err(in_words)?;
    model.apply(&saga.cluster).map_err(in_words)?;
    for (number, act) in saga.acts.iter().enumerate() {
        let parting = play_act(driver.as_mut(), &mut model, act).map_err(in_words)?;
        if let Some(parting) = parting {
            return Err(format!(
                "act {}: {kind} and the model part on {parting}",
                number + 1
            ));
        }
    }
    Ok(())
}

/// What they part on, if they do.
fn play_act(
    driver: &mut dyn Driver,
    model: &mut OracleDriver,
    act: &Act,
) -> anyhow::Result<Option<String>> {
    match act {
        Act::Change(cluster) => {
            driver.apply(cluster)?;
            model.apply(cluster)?;
            Ok(None)
        }
        Act::Pass(time) => {
            driver.pass_time(*time)?;
            model.pass_time(*time)?;
            Ok(None)
        }
        Act::Send(packet) => send(driver, model, packet),
    }
}

fn send(
    driver: &mut dyn Driver,
    model: &mut OracleDriver,
    packet: &Packet,
) -> anyhow::Result<Option<String>> {
    let frames = [packet.to_frame()?];
    let seen = driver.send(&frames)?.pop().flatten().unwrap_or_default();
    let before = model.connection_count();
    let Some(expected) = model.send(&frames)?.pop().flatten() else {
        bail!("the model has no opinion of {packet:?}");
    };
    let opens = model.connection_count() > before;
    let agree = seen.is_like(&expected, &packet.from)
        && is_explained(&seen)
        && is_asked_rightly(&seen, &expected, opens);
    Ok((!agree).then(|| {
        let (seen, expected) = (say(&seen), say(&expected));
        format!("{packet:?}\n  seen: {seen}\n  model: {expected}")
    }))
}

/// A packet that arrives nowhere is dropped with a reason; one that arrives is not.
fn is_explained(fate: &Fate) -> bool {
    fate.arrivals.is_empty() == fate.reason().is_some()
}

/// The policies are asked only where the model asks them, and about every new connection.
fn is_asked_rightly(seen: &Fate, expected: &Fate, opens: bool) -> bool {
    if seen.decision().is_some() {
        expected.decision().is_some()
    } else {
        !opens
    }
}

fn say(fate: &Fate) -> String {
    let places = fate.arrivals.iter().map(|arrival| arrival.at.to_string());
    let places: Vec<String> = places.collect();
    format!("arrives at [{}], {:?}", places.join(", "), fate.events)
}
