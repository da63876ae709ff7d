# A stage: namespaces of its own for a suite that starts runtimes, so that addresses, ports and links cannot clash with
# anything on the machine, whatever is left behind is visible, and nothing outlives an interrupted run.
# Cgroups are shared with the machine; they are told apart by name. Needs paths.sh.

# stage_enter "$@": called first by a script; runs it again, with its arguments, on the stage. In the guest, which is a stage already, does nothing.
stage_enter() {
  [ -z "${MOLO_STAGE:-}" ] || return 0
  [ "$(id -u)" = 0 ] || die "root is needed: this starts a container runtime"
  export MOLO_STAGE=$$ # tells this stage from others where names are shared with the machine
  if stage_in_guest; then stage_prepare; return 0; fi
  # process 1 of the stage is a shell that stays: it must reap what runtimes leave to it
  exec unshare --mount --net --ipc --pid --fork --kill-child=KILL --mount-proc bash -c '. "$1"; stage_prepare; shift; "$@"; exit $?' stage "${BASH_SOURCE[0]}" "$0" "$@"
}

stage_prepare() {
  mount --make-rshared / && mount -t tmpfs -o mode=755 tmpfs /run && ip link set lo up ||
    { echo "stage: preparing the namespaces failed" >&2; exit 1; }
}

stage_in_guest() { grep -q 'User Mode Linux' /proc/cpuinfo; }

# stage_folder NAME: a new folder for a runtime's data, on a file system that overlays can have their upper layer on.
stage_folder() {
  local below=${MOLO_STAGE_FOLDER:-$cache/stage}
  if mountpoint -q /var/lib/molo; then below=/var/lib/molo; fi
  local folder
  mkdir -p "$below"
  folder=$(mktemp -d "$below/$1.XXXXXX") || return 1
  chmod 711 "$folder" # what a pod in a user namespace runs as must get through
  printf '%s\n' "$folder"
}
