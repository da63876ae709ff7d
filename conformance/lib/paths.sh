# Where things lie. Sourced first by every script of conformance/; defines
#   top     the repository
#   cache   what was built or fetched once, keyed by its inputs (MOLO_CACHE moves it)
#   dist    the built distribution (MOLO_DIST points at another one, such as an unpacked archive)
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${MOLO_CACHE:-$top/.cache}
dist=${MOLO_DIST:-$top/server/target/molo}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# paths_key FILE|TEXT ...: twelve hex digits that change with any of the inputs; the absolute path of a file counts by what is in it.
paths_key() {
  local input
  for input in "$@"; do
    if [[ $input = /* ]] && [ -f "$input" ]; then sha256sum < "$input"; else printf '%s\n' "$input"; fi
  done | sha256sum | cut -c 1-12
}

# fetched COMMAND ...: runs a command that fetches something from the network, and up to three times more, for a mirror or a proxy that is away
# for a moment comes back.
fetched() {
  local pause
  for pause in 5 15 40; do
    ! "$@" || return 0
    say "$1 failed: once more in $pause s"
    sleep $pause
  done
  "$@"
}

# paths_locked FILE COMMAND ...: runs the command while no other process holds FILE, so that two scripts do not build the same thing.
paths_locked() {
  local lock=$1 fd
  shift
  mkdir -p "$(dirname "$lock")"
  exec {fd}>"$lock"
  flock "$fd"
  "$@" {fd}>&-   # a daemon started by the command must not keep the lock
  local status=$?
  exec {fd}>&-
  return $status
}
