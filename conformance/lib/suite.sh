# What every suite that drives a runtime begins and ends with: tools and images built, a stage, a registry filled, a folder,
# a runtime to start. Source this alone; it brings the rest.
#
#   suite_open NAME "$@"     understands --runtime molo|containerd; leaves the other arguments in suite_arguments;
#                            sets folder, tools, runtime, instance, limits (true where cgroups can hold them)
#   suite_start_runtime      starts it, or starts it again
#   suite_world FILE         writes down what a runtime could leave behind; a second time after its end
#   suite_nothing_left BEFORE
#                            a test: stops the runtime, and compares
#
# suite_images names the sets of images that are built and served; conformance, unless it is set before.
# Beside its rows, a suite leaves NAME.facts (what ran, when, where: a name, a tab, a value a line) and NAME.probes (see probes.sh) in
# MOLO_RESULTS. The registry and the runtime end with the script, and the folder goes.
. "$(dirname "${BASH_SOURCE[0]}")/paths.sh"
for suite_part in stage report registry instance peer leaks probes; do . "$top/conformance/lib/$suite_part.sh"; done

suite_open() {
  local name=$1
  shift
  local given=("$@")
  runtime=molo suite_arguments=()
  while [ $# -gt 0 ]; do
    if [ "$1" = --runtime ]; then runtime=${2:-}; shift; else suite_arguments+=("$1"); fi
    shift
  done
  [[ $runtime =~ ^(molo|containerd)$ ]] || die "--runtime is molo or containerd, not \"$runtime\""
  # built before the stage is entered, which has no network
  tools=$("$top/conformance/tools/build") || exit 1
  local set
  for set in ${suite_images:=conformance}; do "$top/conformance/images/build" "$set" > /dev/null || exit 1; done
  [ $runtime = molo ] || "$top/conformance/bench/peer/build" > /dev/null || exit 1
  stage_enter "${given[@]}"
  instance=$name$MOLO_STAGE
  limits=false
  ! grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null || limits=true
  folder=$(stage_folder "$instance") || exit 1
  trap suite_close EXIT
  trap 'exit 130' INT TERM
  instance_configure "$folder/molo"
  registry_start "$folder/registry" && registry_fill $suite_images > "$folder/pushed" || exit 1
  registry_mirrors "$folder/$runtime/config/certs.d"
  report_open "$name"
  suite_fact kernel "$(uname -r)"
  suite_fact where "$(if stage_in_guest; then echo guest; else echo host; fi)"
  suite_fact processors "$(nproc)"
  suite_fact began "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  [ -z "${MOLO_RESULTS:-}" ] || probes_run "$MOLO_RESULTS/$name.probes"
}

# suite_fact NAME VALUE: the last value of a name counts
suite_fact() { [ -z "${MOLO_RESULTS:-}" ] || printf '%s\t%s\n' "$1" "$2" >> "$MOLO_RESULTS/$report_suite.facts"; }

suite_start_runtime() {
  case $runtime in
    molo) instance_start "$instance" "$folder/molo" "$@" ;;
    containerd) peer_start "$folder/containerd" ;;
  esac || return 1
  suite_fact runtime "$(crictl version | awk '/^RuntimeName:/ { name = $2 } /^RuntimeVersion:/ { version = $2 } END { print name, version }')"
}

suite_world() {
  local kept=()
  [ $runtime != molo ] || kept=("$folder/molo/root/pods" "/run/molo-$instance/pods")
  leaks_snapshot "$instance\|crictl" ${kept[@]+"${kept[@]}"} > "$1"
}

suite_nothing_left() {
  local left allowed tries
  case $runtime in
    # what the daemon makes once for all pods stays, so that pods outlive it: its bridge, its nftables table, its cgroup
    molo) allowed="^(link|address) molo-|^nftables .* molo_|^cgroup .*/molo-$instance$" ;;
    containerd) allowed='^(link|address) peer0|^netns|k8s.io$|^nftables .* cni_hostport$' ;;
  esac
  runtime_stop || flunk "the runtime did not end on SIGTERM"
  # the kernel takes a link away with its namespace, a moment after the last process has ended
  for ((tries = 0; tries < 120; tries++)); do
    suite_world "$folder/after"
    ! left=$(leaks_compare "$1" "$folder/after" "$allowed") || return 0
    sleep 0.5
  done
  flunk "left behind:"$'\n'"$left"
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
  local parent tries
  [ -n "${MOLO_STAGE:-}" ] && ! stage_in_guest || return 0
  for parent in /sys/fs/cgroup/unified /sys/fs/cgroup; do
    find "$parent" -maxdepth 4 -depth -type d -name "*$instance*" 2>/dev/null | while read -r cgroup; do
      [ ! -e "$cgroup/cgroup.kill" ] || echo 1 > "$cgroup/cgroup.kill"
      # what was killed leaves its cgroup a moment later
      for ((tries = 0; tries < 100; tries++)); do
        find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
        [ -d "$cgroup" ] || break
        sleep 0.1
      done
    done
  done
}
