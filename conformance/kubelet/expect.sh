# What each pod of the suite has to come to. Sourced by ./guest; $seen is what the workloads have written.

expect_node() {
  eventually 20 curl -sf "$kubelet_read/pods"
  match "the driver" "cgroupfs" "$(grep -m 1 -i 'cgroup driver' "$folder/kubelet.log")"
}

expect_first_pod() { eventually 30 pod_says steady .status.phase Running; }

expect_order() {
  eventually 60 holds '^main$' "$seen/order/order" || return 1
  same "order" "first sidecar second main" "$(xargs < "$seen/order/order")"
  eventually 10 pod_says order .status.phase Running
  same "init containers that ended well" "0 0" "$(pod order '[.status.initContainerStatuses[] | select(.state.terminated) | .state.terminated.exitCode] | join(" ")')"
  eventually 10 container_says order sidecar .started true
  node_withdraw order
  eventually 30 gone order
  same "the way down" "main ends sidecar ends" "$(tail -n 2 "$seen/order/order" | xargs)"
}

all_ready() { pod_says probes '[.status.containerStatuses[].ready] | join(" ")' "$1"; }
expect_probes() {
  eventually 60 all_ready "true true true true" || return 1
  match "what HTTP saw" "http kube-probe/[0-9.]+ readiness" "$(cat "$seen/probes/http.probes")"
  match "what TCP saw" "tcp connected" "$(cat "$seen/probes/http.probes")"
  match "what gRPC saw" "grpc readiness" "$(cat "$seen/probes/http.probes")"
  touch "$seen/probes/http.unready"
  eventually 20 all_ready "false false false false"
  rm "$seen/probes/http.unready"
  eventually 20 all_ready "true true true true"
  same "restarts" "0 0 0 0" "$(pod probes '[.status.containerStatuses[].restartCount] | join(" ")')"
}

expect_liveness() {
  touch "$seen/probes/dead"
  eventually 30 container_says probes exec .restartCount 1 || return 1
  eventually 20 container_says probes exec .ready true
  same "starts" 2 "$(wc -l < "$seen/probes/exec.starts")"
  same "restarts of the others" "0 0 0" "$(pod probes '[.status.containerStatuses[] | select(.name != "exec") | .restartCount] | join(" ")')"
}

mount_of() { awk -v path="$2" '$2 == path { print $3 " " $4 }' "$seen/$1/mounts"; }
expect_volumes() {
  eventually 60 test -e "$seen/volumes/read.done" || return 1
  match "emptyDir" "^ext4 " "$(mount_of volumes /disk)"
  match "emptyDir in memory" "^tmpfs .*size=16384k" "$(mount_of volumes /memory)"
  match "read-only" "^ext4 ro" "$(mount_of volumes /readonly)"
  same "written to memory" written "$(cat "$seen/volumes/memory")"
  same "more than the limit" refused "$(cat "$seen/volumes/memory.limit")"
  same "writing to what is read-only" refused "$(cat "$seen/volumes/readonly")"
  same "hostPath, a folder" "given by the node" "$(cat "$seen/volumes/given")"
  same "hostPath, a file" "given by the node" "$(cat "$seen/volumes/one")"
  same "subPath" "" "$(cat "$seen/volumes/sub")"
  same "the other container's view" "from the writer" "$(cat "$seen/volumes/read")"
  same "the other container's view of memory" 1000000 "$(stat -c %s "$seen/volumes/read.memory")"
  same "hostname" volumes-node "$(cat "$seen/volumes/hostname")"
  match "hosts" "$(pod volumes .status.podIP).*volumes-node" "$(cat "$seen/volumes/hosts")"
}

expect_downward() {
  variable() { sed -n "s/^$1=//p" "$seen/volumes/env"; }
  same "name" volumes-node "$(variable POD_NAME)"
  same "namespace" default "$(variable POD_NAMESPACE)"
  same "uid" "$(pod volumes .metadata.uid)" "$(variable POD_UID)"
  same "address" "$(pod volumes .status.podIP)" "$(variable POD_IP)"
  same "the node's address" "$node_address" "$(variable HOST_IP)"
  same "node" node "$(variable NODE)"
  same "label" volumes "$(variable APP)"
  same "limit" 67108864 "$(variable MEMORY)"
  same "expanded" "volumes-node in default" "$(variable EXPANDED)"
  same "labels, a file" 'app="volumes"' "$(cat "$seen/volumes/facts/labels")"
  same "annotation, a file" "kept as given" "$(cat "$seen/volumes/facts/note")"
  same "cpu limit, a file" 500 "$(cat "$seen/volumes/facts/cpu")"
}

cgroup_of() { sed -n "s/^$2 //p" "$seen/$1/cgroup"; }
quality() {
  eventually 60 test -s "$seen/$1/oom" || return 1
  same "quality of service" "$2" "$(pod "$1" .status.qosClass)"
  same "memory.max" "$3" "$(cgroup_of "$1" memory.max)"
  same "cpu.max" "$4" "$(cgroup_of "$1" cpu.max)"
  same "cpu.weight" "$5" "$(cgroup_of "$1" cpu.weight)"
  same "memory.oom.group" 1 "$(cgroup_of "$1" memory.oom.group)"
}
expect_guaranteed() {
  quality guaranteed Guaranteed 50331648 "20000 100000" 29
  same "oom_score_adj" -997 "$(cat "$seen/guaranteed/oom")"
  local cgroup
  cgroup=/sys/fs/cgroup/kubepods/pod$(pod guaranteed .metadata.uid)
  same "the pod's own limit, which is the kubelet's to set" 50331648 "$(cat "$cgroup/memory.max")"
}
expect_burstable() {
  quality burstable Burstable 67108864 "30000 100000" 17
  local total
  total=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
  same "oom_score_adj" "$((1000 - 1000 * 33554432 / (total * 1024)))" "$(cat "$seen/burstable/oom")"
}
expect_besteffort() {
  quality besteffort BestEffort max "max 100000" 1
  same "oom_score_adj" 1000 "$(cat "$seen/besteffort/oom")"
}

status_of() { awk -v key="$2:" '$1 == key { print $2 }' "$seen/security/$1.status"; }
expect_security() {
  local each
  for each in narrow wide plain; do eventually 60 test -e "$seen/security/$each.done" || return 1; done
  same "user and groups" "uid=1000 gid=2000 groups=2000,3000,4000" "$(sed 's/([^)]*)//g' "$seen/security/narrow.id")"
  same "capabilities that it may have" 0000000000000400 "$(status_of narrow CapBnd)"
  same "no_new_privs" 1 "$(status_of narrow NoNewPrivs)"
  same "seccomp" 2 "$(status_of narrow Seccomp)"
  same "writing to the root" refused "$(cat "$seen/security/narrow.root")"
  same "the owner of a file in a volume with fsGroup" "1000 3000" "$(cat "$seen/security/narrow.group")"
  same "sysctl" 80 "$(cat "$seen/security/narrow.sysctl")"
  match "kcore is masked" "1, +3" "$(cat "$seen/security/narrow.kcore")"
  same "privileged: capabilities" "$(awk '/^CapEff/ { print $2 }' /proc/self/status)" "$(status_of wide CapEff)"
  same "privileged: seccomp" 0 "$(status_of wide Seccomp)"
  same "privileged: writing to the root" written "$(cat "$seen/security/wide.root")"
  same "plain: capabilities" 00000000a80425fb "$(status_of plain CapEff)"
  same "plain: seccomp" 2 "$(status_of plain Seccomp)"
  match "plain: /proc/sys is read-only" "[Rr]ead-only" "$(cat "$seen/security/plain.proc")"
  eventually 20 container_says security refused .state.waiting.reason CreateContainerConfigError
  [ ! -e "$seen/security/refused.ran" ] || flunk "a container that must not be root ran as root"
}

# (its address is the node's, which the kubelet only tells with an API server)
expect_hostnet() {
  eventually 60 test -s "$seen/hostnet/addresses" || return 1
  local each
  for each in net pid ipc uts; do same "$each" "$each $(readlink /proc/self/ns/$each)" "$(grep "^$each" "$seen/hostnet/namespaces")"; done
  [ "mnt $(readlink /proc/self/ns/mnt)" != "$(grep ^mnt "$seen/hostnet/namespaces")" ] || flunk "it shares the node's mounts"
  same "hostname" "$(hostname)" "$(cat "$seen/hostnet/hostname")"
  match "addresses" "node0 .*$node_address" "$(cat "$seen/hostnet/addresses")"
}

expect_processes() {
  eventually 60 test -e "$seen/processes/told" || return 1
  match "the other container's processes" "marker-of-one" "$(cat "$seen/processes/ps")"
  same "shared memory" "in memory" "$(cat "$seen/processes/shm")"
  [[ "$(cat "$seen/processes/first")" != *sleep* ]] || flunk "process 1 is a container's: $(cat "$seen/processes/first")"
}

expect_messages() {
  eventually 60 pod_says messages .status.phase Failed || return 1
  same "file" "4 Error the last word" "$(container messages file '.state.terminated | "\(.exitCode) \(.reason) \(.message)"')"
  same "another file" "0 Completed elsewhere" "$(container messages elsewhere '.state.terminated | "\(.exitCode) \(.reason) \(.message)"')"
  same "log" "5 Error from the log" "$(container messages log '.state.terminated | "\(.exitCode) \(.reason) \(.message)"')"
}

expect_oom() {
  eventually 60 container_says oom main .state.terminated.reason OOMKilled || return 1
  same "exit code" 137 "$(container oom main .state.terminated.exitCode)"
  # it may come up later than its neighbour ends
  begun() { [ "$(container oom neighbour '.state | keys[0]')" != waiting ]; }
  eventually 30 begun
  same "the neighbour" running "$(container oom neighbour '.state | keys[0]')"
}

expect_nopull() {
  eventually 30 container_says nopull never .state.waiting.reason ErrImageNeverPull
  eventually 60 container_says nopull absent .state.waiting.reason ImagePullBackOff
  match "message" "nothing-of-this-name" "$(container nopull absent .state.waiting.message)"
}

expect_twice() {
  eventually 90 pod_says twice .status.phase Succeeded || return 1
  same "runs" 2 "$(wc -l < "$seen/twice/runs")"
  same "restarts" 1 "$(container twice main .restartCount)"
}

expect_crash() {
  restarted_twice() { [ "$(container crash main .restartCount)" -ge 2 ]; }
  eventually 60 restarted_twice || return 1
  eventually 30 container_says crash main .state.waiting.reason CrashLoopBackOff
  same "how it ended" "3 Error" "$(container crash main '.lastState.terminated | "\(.exitCode) \(.reason)"')"
  local starts
  mapfile -t starts < "$seen/crash/starts"
  [ $((starts[2] - starts[1])) -ge 10 ] || flunk "the second restart came $((starts[2] - starts[1])) s after the first"
}

# log_through_kubelet POD?QUERY: what its container has logged, as the kubelet's own API tells it
log_through_kubelet() { curl -skf "$kubelet_api/containerLogs/default/${1%%\?*}-node/main?${1#*\?}"; }
expect_logs() {
  local file lines
  file=$(log_file chatty)
  eventually 30 test -s "$file"
  # a file that was just rotated holds fewer: the kubelet does not look back into those before it
  three_lines() { lines=$(log_through_kubelet "chatty?tailLines=3") && [ "$(wc -l <<< "$lines")" = 3 ]; }
  eventually 10 three_lines
  match "line" "^number [0-9]+ of a line" "$lines"
  with_time() { log_through_kubelet "chatty?tailLines=1&timestamps=true" | grep -qE "^20[0-9-]+T[0-9:.]+Z number"; }
  eventually 10 with_time
  run_before() { [ "$(log_through_kubelet "crash?previous=true")" = "about to fail" ]; }
  eventually 20 run_before
}

expect_run() {
  same "what it prints" steady-node "$(curl -skf -X POST "$kubelet_api/run/default/steady-node/main?cmd=hostname")"
}

# log_file POD: the path of its container's log; the file itself is away for a moment whenever it is rotated
log_file() { printf '%s/0.log\n' "$(find "$folder/logs" -type d -path "*_$1-node_*/main")"; }

# the numbers of all its log files, in order
chatty_numbers() {
  local file
  for file in $(ls "$(dirname "$1")"/0.log.20* 2>/dev/null | sort) "$1"; do
    # for a moment the kubelet keeps a file beside what it has compressed it to
    [ ! -e "$file.gz" ] || continue
    case $file in *.gz) zcat "$file" ;; *.tmp) ;; *) cat "$file" ;; esac
  done | sed -n 's/.* F number \([0-9]*\) of .*/\1/p'
}
expect_rotation() {
  local file gaps
  file=$(log_file chatty)
  rotated() { [ "$(ls "$(dirname "$file")"/0.log.20*.gz 2>/dev/null | wc -l)" -ge 2 ]; }
  eventually 60 rotated || return 1
  # so that no file is rotated while they are read; a rotation that the kubelet has asked for is let come to its end
  kill -STOP "$kubelet_pid"
  as_they_were() {
    local before
    before=$(ls -i "$(dirname "$file")")
    gaps=$(chatty_numbers "$file" | awk 'NR > 1 && $1 != last + 1 { print last " then " $1 } { last = $1 }' | head -n 3)
    [ "$before" = "$(ls -i "$(dirname "$file")")" ]
  }
  eventually 10 as_they_were
  kill -CONT "$kubelet_pid"
  same "numbers that are missing" "" "$gaps"
}

summary() { curl -sf "$kubelet_read/stats/summary" | jq -r "$1"; }
of_pod() { summary "first(.pods[] | select(.podRef.name == \"$1-node\")) | $2"; }
expect_statistics() {
  counted() { [ "$(of_pod chatty '.containers[0].cpu.usageCoreNanoSeconds // 0')" -gt 1000000 ] && [ "$(of_pod chatty '.cpu.usageNanoCores // 0')" -gt 0 ]; }
  eventually 60 counted || return 1
  # the kubelet measures volumes once a minute
  measured() { [ "$(of_pod volumes '.volume[]? | select(.name == "memory") | .usedBytes')" -ge 1000000 ]; }
  eventually 30 measured
  match "memory" "^[1-9][0-9]+$" "$(of_pod chatty '.containers[0].memory.workingSetBytes')"
  match "memory of the pod" "^[1-9][0-9]+$" "$(of_pod chatty .memory.workingSetBytes)"
  match "memory that is free below the limit" "^[1-9][0-9]+$" "$(of_pod guaranteed '.containers[0].memory.availableBytes')"
  match "its own file system" "^[3-9][0-9]{5}$" "$(of_pod chatty '.containers[0].rootfs.usedBytes')"
  # the kubelet tells nothing of them where it met a file that was being rotated
  logs_measured() { [[ $(of_pod chatty '.containers[0].logs.usedBytes') =~ ^[1-9][0-9]+$ ]]; }
  eventually 10 logs_measured
  match "capacity" "^[1-9][0-9]+$" "$(of_pod chatty '.containers[0].rootfs.capacityBytes')"
  match "images" "^[1-9][0-9]+$" "$(summary .node.runtime.imageFs.usedBytes)"
  match "the node" "^[1-9][0-9]+$" "$(summary .node.memory.workingSetBytes)"
  local metrics
  metrics=$(curl -sf "$kubelet_read/metrics/resource")
  match "metrics-server's source" 'container_memory_working_set_bytes\{container="main",namespace="default",pod="chatty-node"\}' "$metrics"
  expect_gaps "$1"
}

# what docs/kubernetes.md says is missing
expect_gaps() {
  same "network of a pod" null "$(of_pod chatty .network)"
  same "processes of a pod" null "$(of_pod chatty .process_stats)"
  metrics=$(curl -sf "$kubelet_read/metrics/cadvisor")
  case $1 in
    off)
      match "series of a pod in /metrics/cadvisor" 'container_memory_working_set_bytes\{container="",id="/kubepods/besteffort/pod[^/"]*",[^}]*pod="chatty-node"\}' "$metrics"
      match "series of a container, without its name" 'container_memory_working_set_bytes\{container="",id="/kubepods/besteffort/pod[^/"]*/molo-[^/"]*/[^"]*",[^}]*pod=""\}' "$metrics"
      same "series of what is exec'd in containers" 0 "$(grep -c 'id="[^"]*/exec-' <<< "$metrics")"
      same "series that name a container" 0 "$(grep -c '^container_[a-z_]*{container="[^"]' <<< "$metrics")"
      ;;
    on) same "series of pods and containers in /metrics/cadvisor" 0 "$(grep -c '^container_memory_working_set_bytes{' <<< "$metrics")" ;;
  esac
}

watched="steady guaranteed probes processes hostnet"
running_now() { for each in $watched; do echo "$each"; processes "$each"; done; }
expect_restart() {
  local before after beats
  before=$(running_now)
  case $1 in
    kubelet) kubelet_stop; kubelet_start || { flunk "the kubelet did not come back"; return 1; } ;;
    runtime) runtime_stop; suite_start_runtime || { flunk "the runtime did not come back"; return 1; } ;;
    both) kubelet_stop; runtime_stop; suite_start_runtime && kubelet_start || { flunk "they did not come back"; return 1; } ;;
  esac
  still_the_same() { after=$(running_now); [ "$after" = "$before" ]; }
  eventually 40 still_the_same || same "containers" "$before" "$after"
  eventually 20 all_ready "true true true true"
  same "starts" "main sleeper" "$(sort "$seen/steady/starts" | xargs)"
  beats=$(wc -l < "$seen/steady/beats")
  beats_on() { [ "$(wc -l < "$seen/steady/beats")" -gt "$beats" ]; }
  eventually 10 beats_on
}

expect_kill() {
  local before pid
  eventually 30 pod_says late .status.phase Running
  before=$(running_now)
  pid=$(crictl inspect "$(container late main .containerID | sed 's|.*//||')" | jq -r .info.pid)
  kill -KILL "$runtime_pid"
  wait "$runtime_pid" 2>/dev/null
  touch "$seen/late/go"
  ended() { ! kill -0 "$pid"; }
  eventually 20 ended
  suite_start_runtime || { flunk "the runtime did not come back"; return 1; }
  eventually 40 pod_says late .status.phase Failed
  same "how it ended" "7 Error" "$(container late main '.state.terminated | "\(.exitCode) \(.reason)"')"
  still_the_same() { after=$(running_now); [ "$after" = "$before" ]; }
  eventually 40 still_the_same || same "containers" "$before" "$after"
}

# expect_example NAME: a file of docs/examples, as it is
expect_example() {
  node_apply "$examples/$1.yaml"
  "check_$1"
}

# the kubelet restarts it, on the same data
expect_database_restart() {
  database_kill
  eventually 60 container_says mariadb mariadb .restartCount 1
  check_database_kept
}

expect_hooks() {
  eventually 60 test -s "$seen/hooks/started"
  eventually 10 test -s "$seen/hooks/events"
  same "before the end" main "$(cat "$seen/hooks/events")"
  node_withdraw hooks
  eventually 60 gone hooks
  same "events" "main,preStop,preStop ends,term,end" "$(paste -s -d, "$seen/hooks/events")"
  match "preStop over HTTP" "http .*preStop" "$(cat "$seen/hooks/web.probes")"
}

expect_stubborn() {
  eventually 60 test -e "$seen/stubborn/runs"
  node_withdraw stubborn
  eventually 30 gone stubborn
  local gone asked
  gone=$(date +%s)
  test -s "$seen/stubborn/term" || flunk "it got no SIGTERM"
  asked=$(date +%Y)-$(sed -nE 's/^I([0-9]{2})([0-9]{2} [0-9:]+).*"Killing container with a grace period" pod="default\/stubborn-node".*/\1-\2/p' "$folder/kubelet.log" | head -n 1)
  [ $((gone - $(date -d "$asked" +%s))) -ge 3 ] || flunk "with a grace of 3 s it was gone after $((gone - $(date -d "$asked" +%s))) s"
}

expect_container_gc() {
  few_dead() { [ "$(crictl ps -a -q --state exited --label io.kubernetes.pod.name=crash-node | wc -l)" -le 2 ]; }
  eventually 60 few_dead
  [ "$(container crash main .restartCount)" -ge 3 ] || flunk "it restarted $(container crash main .restartCount) times only: too few to tell"
}

expect_image_gc() {
  crictl pull docker.io/conformance/unused:1 > /dev/null || flunk "pulling an image that no pod uses failed"
  unused_gone() { ! crictl images -o json | grep -q conformance/unused; }
  eventually 130 unused_gone
  match "an image in use stays" "library/busybox" "$(crictl images -o json)"
}

expect_nothing_left() {
  rm -f "$folder"/manifests/*.yaml
  nothing() { [ "$(curl -sf "$kubelet_read/pods" | jq '.items | length')" = 0 ] && [ -z "$(crictl pods -q)$(crictl ps -a -q)" ]; }
  eventually 60 nothing || return 1
  volumes_gone() { [ -z "$(ls "$folder/kubelet/pods")" ]; }
  eventually 60 volumes_gone
  no_leaks() {
    leaks_snapshot kubepods > "$folder/world.after"
    leaks_compare "$folder/world.before" "$folder/world.after" "^(cgroup /sys/fs/cgroup/kubepods(/besteffort|/burstable)?\$|address molo-|(address|link) peer0|process [0-9]+ (kubelet|java|molo-mounter|containerd|guest):|socket )"
  }
  eventually 20 no_leaks || step_failures=("left: $(no_leaks)")
}

# what it logs as an error, but for what complaints.tsv explains
expect_quiet() {
  local known
  known=$(sed -nE 's/^([^#\t]+)\t.*/\1/p' "$here/complaints.tsv" | paste -s -d'|')
  grep -E '^E' "$folder/kubelet.log" | cut -d']' -f2- | sort | uniq -c | sort -rn > "${MOLO_RESULTS:-$folder}/complaints.log"
  cp "$folder/kubelet.log" "${MOLO_RESULTS:-$folder}/kubelet.log"
  same "complaints" "" "$(grep -vE -- "$known" "${MOLO_RESULTS:-$folder}/complaints.log" | cut -c 1-400 | head -n 20)"
}
