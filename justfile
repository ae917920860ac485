# The commands of this repository; `just` lists them.

# List the recipes.
default:
    @just --list

# All tests: the README's test command.
test:
    cargo test --workspace

# What the compiler and the linters say, without running anything.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Only the laboratory of network namespaces; it fails, and does not skip, where it cannot run.
lab *FILTER:
    KITH_LAB=required cargo test -p kith-cli --test lab -- {{FILTER}}

# Print which pairs of NATs end up with a direct path, and how soon.
lab-matrix:
    KITH_LAB=required cargo test -p kith-cli --test lab -- --ignored nat_matrix

# Compare with other people's programs; bench/README.md explains the table.
bench *ARGS:
    cargo run --release -p kith-bench -- {{ARGS}}

# An introducer and two nodes on this machine hand a folder over.
demo *ARGS:
    cargo run --release -p kith-cli -- demo {{ARGS}}

# Fuzz one decoder for a minute; `cargo fuzz list` names them.
fuzz TARGET SECONDS="60":
    cargo +nightly fuzz run --all-features {{TARGET}} -- -max_total_time={{SECONDS}}

# Everything a change must pass, as the workflow runs it.
ci:
    .ci/run
