# Go programs, built once for each set of inputs. Needs paths.sh.

# go_find: sets `go` to a Go that can build the modules here, or says what is missing.
# Any Go since 1.21 will do: it fetches the toolchain that go.mod names by itself.
go_find() {
  local candidate minor
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go; do
    [ -x "$candidate" ] || continue
    minor=$("$candidate" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge 21 ] || continue
    go=$candidate
    return 0
  done
  say "no Go 1.21 or newer found on PATH or in /usr/local/go: crictl, critest and the benchmark's client and peer are Go programs. Install one from https://go.dev/dl or Debian's backports."
  return 1
}

# go_cached NAME MODULE-FOLDER FUNCTION [EXTRA-INPUT ...]: prints a folder that holds what FUNCTION built.
# FUNCTION runs in the module's folder with the output folder as its argument. The key is made of go.mod, go.sum,
# the Go sources, the function's text and the extra inputs.
go_cached() {
  local name=$1 module=$2 build=$3 out sources
  shift 3
  go_find || return 1
  # a module need not have any; what matches nothing would put the checkout's path into the key
  mapfile -t sources < <(compgen -G "$module/*.go" | sort)
  out=$cache/go/$name-$(paths_key "$module"/go.mod "$module"/go.sum ${sources[@]+"${sources[@]}"} "$(declare -f "$build")" "$("$go" env GOVERSION)" "$@")
  if [ ! -e "$out/.complete" ]; then
    paths_locked "$cache/go/$name.lock" go_build "$out" "$module" "$build" >&2 || return 1
  fi
  printf '%s\n' "$out"
}

go_build() {
  local out=$1 module=$2 build=$3
  [ ! -e "$out/.complete" ] || return 0
  rm -rf "$out"
  mkdir -p "$out"
  say "building $(basename "$module") with $("$go" env GOVERSION) (the first time takes minutes)"
  # it fetches the modules too
  fetched go_make "$out" "$module" "$build" || { say "building in $module failed"; return 1; }
  touch "$out/.complete"
}

go_make() { (cd "$2" && export GOFLAGS=-mod=mod GOWORK=off && "$3" "$1"); }
