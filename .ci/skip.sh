# Sourced by the scripts beside it.

# Ends a script that lacks something. Under CI_REQUIRE=1 that is a failure.
skip() { # what is missing
    echo "SKIPPED: $*"
    [ "${CI_REQUIRE:-}" != 1 ] || exit 1
    exit 0
}
