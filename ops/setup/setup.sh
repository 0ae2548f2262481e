#!/usr/bin/env bash
# Makes .venv from the lock file and fetches the Java artifacts. Only what a bare machine has may be used here:
# bash and a Python. Everything is pinned with checksums, build tools included.
set -euo pipefail
cd "$(dirname "$0")/../.."

fits='import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'

find_python() {
    local name
    # Each candidate is run, not only looked up: a pyenv shim may exist for a version that is not switched on, and
    # Debian ships a Python whose venv module cannot make a working environment (no ensurepip).
    for name in ${PYTHON:-} python3.12 python3.11 python3; do
        if "$name" -c "$fits" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    echo "loyalty needs Python 3.11 or 3.12 with its venv module (on Debian and Ubuntu: apt install python3-venv);" \
        "none of python3.12, python3.11, python3 is one; set PYTHON=/path/to/python to name another." >&2
    return 1
}

# One line that rewrites itself on a terminal, a line for every tenth package elsewhere.
show_progress() {
    local total=$1 count=0 line word name
    while IFS= read -r line; do
        read -r word name _ <<<"$line" || true
        case "$word" in
        Collecting)
            count=$((count + 1))
            if [ -t 1 ]; then
                printf '\r\033[K  %d of about %d: %s' "$count" "$total" "${name%%=*}"
            elif [ $((count % 10)) = 0 ]; then
                echo "  $count of about $total packages"
            fi
            ;;
        Installing)
            if [ -t 1 ]; then printf '\r\033[K'; fi
            echo "  unpacking them (under a minute)"
            ;;
        ERROR:) echo "$line" >&2 ;;
        esac
    done
}

if ! .venv/bin/python -c "$fits" >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
python=.venv/bin/python

# A few dependencies come as source only. pip would fetch whatever build tools are newest for them; instead the
# locked ones go in first and are used for every build.
tools=.venv/build-tools.txt
awk '/^[^ ]/ { keep = /^(pip|setuptools)==/ } keep' requirements.lock >"$tools"
# The pip that Python brings checks certificates against a list of its own, the locked one against the system's store, where
# a company has put the authority of its proxy. What is configured for pip goes first.
store=
if [ -z "${PIP_CERT:-}" ] && ! "$python" -m pip config get global.cert >/dev/null 2>&1; then
    store=$("$python" -c 'import ssl; paths = ssl.get_default_verify_paths(); print(paths.cafile or paths.capath or "")')
fi
env ${store:+PIP_CERT="$store"} "$python" -m pip install --quiet --require-hashes --no-deps -r "$tools"

echo "Installing the Python packages (apache-flink alone is most of 850 MB; two to three minutes the first time)"
"$python" -m pip install --no-input --progress-bar off --no-build-isolation --require-hashes -r requirements.lock 2>&1 |
    show_progress "$(grep -c '^[a-z].*==' requirements.lock)"
"$python" -m pip install --quiet --no-deps --no-build-isolation -e .
"$python" -m ops.java.artifacts
