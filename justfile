# What a contributor does. Without `just`, each line works by itself.

# List the recipes
default:
    @just --list

# Test one crate
test crate="dbuf-strategies":
    cargo test -p {{ crate }} --all-features

# Format, and fail on any warning of clippy
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Check the models of atomics: all interleavings, or those of models that match
loom filter="":
    .ci/loom {{ filter }}

# Weaken each ordering in files whose path contains this; a model must notice
weaken file:
    .ci/weaken --only {{ file }}

# Compare with other maps, cells and locks: `just bench --quick`
bench *arguments:
    cargo run --release -p dbuf-bench -- {{ arguments }}

# Run the gate, before handing in
gate:
    .ci/run
