//! `config.toml`, as a person writes it.
#![no_main]

use kith::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err((line, mistake)) = Config::parse(text) {
        let lines = 1 + text.bytes().filter(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
        assert!(!mistake.to_string().is_empty(), "nothing is said of it");
    }
});
