# What every suite that drives a runtime begins and ends with: tools and images built, a stage, a registry filled, a folder,
# a runtime to start. Source this alone; it brings the rest.
#
#   suite_open NAME "$@"     understands --peer (containerd instead of molo); leaves the other arguments in suite_arguments;
#                            sets folder, tools, runtime (molo or peer), instance, limits (true where cgroups can hold them)
#   suite_start_runtime      starts it, or starts it again
#
# The registry and the runtime end with the script, and the folder goes.
. "$(dirname "${BASH_SOURCE[0]}")/paths.sh"
for suite_part in stage report registry instance peer leaks; do . "$top/conformance/lib/$suite_part.sh"; done

suite_open() {
  local name=$1
  shift
  runtime=molo suite_arguments=()
  local argument
  for argument; do
    if [ "$argument" = --peer ]; then runtime=peer; else suite_arguments+=("$argument"); fi
  done
  # built before the stage is entered, which has no network
  tools=$("$top/conformance/tools/build") || exit 1
  "$top/conformance/images/build" conformance > /dev/null || exit 1
  [ $runtime = molo ] || "$top/conformance/bench/peer/build" > /dev/null || exit 1
  stage_enter "$@"
  instance=$name$MOLO_STAGE
  limits=false
  ! grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || limits=true
  folder=$(stage_folder "$name") || exit 1
  trap suite_close EXIT
  trap 'exit 130' INT TERM
  instance_configure "$folder/molo"
  registry_start "$folder/registry" && registry_fill conformance > "$folder/pushed" || exit 1
  registry_mirrors "$folder/$runtime/config/certs.d"
  report_open "$name"
}

suite_start_runtime() {
  case $runtime in
    molo) instance_start "$instance" "$folder/molo" "$@" ;;
    peer) peer_start "$folder/peer" ;;
  esac
}

suite_close() {
  local status=$?
  [ -z "${runtime_pid:-}" ] || runtime_stop
  registry_stop
  if [ $status -ne 0 ] && [ -s "${runtime_log:-}" ]; then
    say "the runtime's log, last lines of ${MOLO_RESULTS:-$cache}/$report_suite-runtime.log:"
    tail -n 15 "$runtime_log" >&2
    cp "$runtime_log" "${MOLO_RESULTS:-$cache}/$report_suite-runtime.log"
  fi
  suite_end_processes
  rm -rf "$folder"
  exit $status
}

# what a failed run leaves would keep its cgroups; on the stage all processes but its first and this script are the run's own
suite_end_processes() {
  local parent
  [ -n "${MOLO_STAGE:-}" ] && ! stage_in_guest || return 0
  for parent in /sys/fs/cgroup/unified /sys/fs/cgroup; do
    find "$parent" -maxdepth 4 -depth -type d -name "*$instance*" 2>/dev/null | while read -r cgroup; do
      [ ! -e "$cgroup/cgroup.kill" ] || echo 1 > "$cgroup/cgroup.kill"
      find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
    done
  done
}
