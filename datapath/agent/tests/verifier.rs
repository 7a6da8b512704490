//! What the verifier says of each program, against what is recorded in `ci/bench/verifier.json`. Needs root.
//!
//! `PLUMBLINE_RECORD=1 cargo test -p agent --test verifier` writes the record anew.

use agent::{Agent, BPF_OBJECT, Config};
use aya_obj::Object;
use aya_obj::generated::bpf_insn;
use serde_json::{Value, json};
use std::path::PathBuf;

/// How much a number may grow before it is worth a look: two compilers differ by a few percent.
const TOLERANCE: f64 = 1.15;
const FRAME_POINTER: u8 = 10;

fn record() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ci/bench/verifier.json")
}

/// The deepest byte below the frame pointer that any instruction of the object's programs names.
///
/// Everything is inlined, so a program is one function with one frame.
fn stack_use(name: &str) -> i64 {
    let object = Object::parse(BPF_OBJECT).unwrap();
    let program = &object.programs[name];
    let function = &object.functions[&program.function_key()];
    let instructions = &function.instructions;
    let depths = instructions.windows(2).map(|pair| depth(pair[0], pair[1]));
    depths.max().unwrap_or(0)
}

/// How deep an access through the frame pointer, or an address taken from it, reaches.
fn depth(instruction: bpf_insn, next: bpf_insn) -> i64 {
    const LOAD: u8 = 0x61 & 0x07;
    const STORE_IMMEDIATE: u8 = 0x02;
    const STORE: u8 = 0x03;
    const MOVE: u8 = 0xbf;
    const ADD_IMMEDIATE: u8 = 0x07;
    let base = match instruction.code & 0x07 {
        LOAD => instruction.src_reg(),
        STORE | STORE_IMMEDIATE => instruction.dst_reg(),
        _ => 0,
    };
    let access = if base == FRAME_POINTER {
        -i64::from(instruction.off)
    } else {
        0
    };
    let takes_address = instruction.code == MOVE
        && instruction.src_reg() == FRAME_POINTER
        && next.code == ADD_IMMEDIATE
        && next.dst_reg() == instruction.dst_reg();
    let address = if takes_address {
        -i64::from(next.imm)
    } else {
        0
    };
    access.max(address)
}

fn measure() -> Value {
    let mut agent = Agent::load(&Config::default()).unwrap();
    let programs = agent.statistics().unwrap();
    let rows = programs.iter().map(|program| {
        let row = json!({
            "verified_instructions": program.verified_instructions,
            "translated_bytes": program.translated_bytes,
            "stack_bytes": stack_use(program.name),
        });
        (program.name.to_owned(), row)
    });
    Value::Object(rows.collect())
}

#[test]
fn no_program_outgrows_what_is_recorded() {
    let measured = measure();
    if std::env::var_os("PLUMBLINE_RECORD").is_some() {
        let text = format!("{measured:#}\n");
        std::fs::write(record(), text).unwrap();
    }
    let recorded: Value =
        serde_json::from_str(&std::fs::read_to_string(record()).unwrap()).unwrap();
    for (program, numbers) in measured.as_object().unwrap() {
        for (what, number) in numbers.as_object().unwrap() {
            let limit = recorded[program][what].as_f64().unwrap() * TOLERANCE;
            let number = number.as_f64().unwrap();
            assert!(number > 0.0, "{program}: {what} is not known");
            assert!(
                number <= limit,
                "{program}: {what} is {number}, recorded {recorded:#}"
            );
        }
        assert!(
            numbers["stack_bytes"].as_i64().unwrap() <= 512,
            "{program}: {numbers}"
        );
    }
}
