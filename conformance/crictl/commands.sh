# The rest of crictl's command set, beside the life of a pod that ./run follows: forms of output, filters, prefixes of ids, limits of
# time, refusals, and what needs streams, events or metrics. Sourced by run; each function is one test.

# formed FORM PATTERN COMMAND [ARGUMENT ...]: COMMAND -o FORM ARGUMENT ... succeeds and prints that form; JSON is laid out by jq before it is matched
formed() {
  local form=$1 pattern=$2 command=$3
  shift 3
  try crictl "$command" -o "$form" "$@" || return 1
  case $form in
    json) out=$(jq . <<< "$out" 2>&1) || flunk "$command -o json: not JSON: ${out:0:200}" ;;
    yaml) [[ $out != "{"* && $out =~ (^|$'\n')[a-zA-Z]+: ]] || flunk "$command -o yaml: not YAML: ${out:0:200}" ;;
  esac
  match "$command -o $form" "$pattern" "$out"
}

# ---- forms of output ----

test_info_forms() {
  formed json '"type": "RuntimeReady"' info
  formed yaml 'type: RuntimeReady' info
  try crictl info -o go-template --template '{{range .status.conditions}}{{.type}}={{.status}} {{end}}'
  match "conditions by a template" "RuntimeReady=true NetworkReady=true" "$out"
  match "what else it tells" "config|cgroup|features" "$(crictl info -o json | jq -r 'keys | join(" ")')"
  try crictl info -q
  match "quiet: less of it" "^(features |runtimeHandlers |status ?)+$" "$(field 'keys | join(" ")')"
  match "a handler" '"recursive_read_only_mounts": ?true' "$(crictl info -o json | jq -c '.runtimeHandlers')"
  try crictl runtime-config
  match "the cgroup driver" "CGROUPFS" "$out"
  try crictl --version
  match "crictl's own version" "1\.36\.0" "$out"
}

test_image_forms() {
  formed json '"repoTags"' images
  formed yaml 'repoTags:' images
  formed table '^IMAGE +TAG +IMAGE ID +SIZE' images
  match "the table's line" 'registry.k8s.io/e2e-test-images/nginx +1\.14-2 +[0-9a-f]{13} +[0-9.]+MB' "$out"
  try crictl images -q
  match "only ids" '^(sha256:[0-9a-f]{64}'$'\n''?)+$' "$out"
  try crictl images --digests --no-trunc --pinned
  match "digest, whole id, pinned" "nginx +1\.14-2 +sha256:[0-9a-f]{64} +sha256:[0-9a-f]{64} .*false" "$out"
  try crictl images -v
  match "verbose" "RepoDigests: registry.k8s.io/e2e-test-images/nginx@sha256:" "$out"
  formed json '"repoDigests"' inspecti "$nginx"
  formed yaml 'repoDigests:' inspecti "$nginx"
  formed table 'ID: sha256:[0-9a-f]{64}' inspecti "$nginx"
  try crictl inspecti -o go-template --template '{{index .status.repoTags 0}}' "$nginx"
  same "a tag by a template" "$nginx" "$out"
  formed json '"usedBytes"' imagefsinfo
  formed yaml 'usedBytes:' imagefsinfo
  formed table 'Image Filesystem' imagefsinfo
}

test_pod_forms() {
  formed json '"state": "SANDBOX_READY"' pods
  formed yaml 'state: SANDBOX_READY' pods
  formed table '^POD ID +CREATED +STATE +NAME +NAMESPACE +ATTEMPT +RUNTIME' pods
  match "the table's line" "${pod:0:13} .* Ready +web +crictl +0" "$out"
  try crictl pods --no-trunc
  match "whole ids" "$pod" "$out"
  try crictl pods -v
  match "verbose" "ID: $pod" "$out"
  match "verbose" "note -> kept as given" "$out"
  formed json '"ip": "'"$address"'"' inspectp "$pod"
  formed yaml "ip: $address" inspectp "$pod"
  formed table "IP Addresses: $address" inspectp "$pod"
  try crictl inspectp -o go-template --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}' "$pod"
  same "by a template" crictl/web "$out"
  refuse 'unsupported output format .*xml' crictl pods -o xml
}

test_container_forms() {
  formed json '"state": "CONTAINER_RUNNING"' ps
  formed yaml 'state: CONTAINER_RUNNING' ps
  formed table '^CONTAINER +IMAGE +CREATED +STATE +NAME +ATTEMPT +POD ID +POD +NAMESPACE' ps
  match "the table's line" "${container:0:13} .* Running +server +0 +${pod:0:13} +web +crictl" "$out"
  try crictl ps --no-trunc
  match "whole ids" "$container .* $pod" "$out"
  try crictl ps -r
  match "image by name" "$nginx" "$out"
  try crictl ps -v
  match "verbose" "ID: $container" "$out"
  formed json '"exitCode": 0' inspect "$container"
  formed yaml 'logPath: ' inspect "$container"
  formed table "ID: $container" inspect "$container"
  try crictl inspect -o go-template --template '{{.status.metadata.name}} {{.status.state}}' "$container"
  same "by a template" "server CONTAINER_RUNNING" "$out"
  try crictl inspect -q "$container"
  same "quiet: no more than the status" "status" "$(field 'keys | join(" ")')"
  formed json '"writableLayer"' stats "$container"
  formed yaml 'writableLayer:' stats "$container"
  formed table 'CONTAINER +NAME +CPU %' stats "$container"
  match "the table's line" "${container:0:13} +server" "$out"
  refuse 'unsupported output format .*xml' crictl ps -o xml
}

# ---- filters, limits of number, prefixes ----

# three pods more: one ready with a container that runs and one that ended, one stopped
prepare_filters() {
  local name
  for name in first second; do
    pod_file "$name"
    jq '.metadata.namespace = "elsewhere" | .labels.order = "'$name'" | .labels.both = "yes"' "$folder/$name.pod.json" > "$folder/$name.json" && mv "$folder/$name.json" "$folder/$name.pod.json"
  done
  container_file runner $busybox '["sleep", "1000"]' first elsewhere
  container_file ended $busybox '["true"]' first elsewhere
  try crictl runp "$folder/first.pod.json" && first=$out
  try crictl runp "$folder/second.pod.json" && second=$out
  try crictl create "$first" "$folder/runner.container.json" "$folder/first.pod.json" && runner=$out && try crictl start "$runner"
  try crictl create "$first" "$folder/ended.container.json" "$folder/first.pod.json" && ended=$out && try crictl start "$ended"
  try crictl stopp "$second"
  eventually 10 test_run_exited "$ended"
}

test_pod_filters() {
  prepare_filters
  listed() { local wanted=$1; shift; try crictl pods -q "$@"; same "pods $*" "$(sort <<< "$wanted")" "$(sort <<< "$out")"; }
  listed "$first"$'\n'"$second"$'\n'"$pod"
  listed "$first"$'\n'"$second" --namespace elsewhere
  listed "$first"$'\n'"$second" --label both=yes
  listed "$second" --label both=yes --label order=second
  listed "" --label both=yes --label app=web
  listed "$first" --name '^fir'
  listed "$second" --state notready
  listed "$pod"$'\n'"$first" --state READY
  listed "$first" --state ready --namespace elsewhere
  listed "$first" --id "$first"
  listed "$second" --latest
  listed "$second"$'\n'"$first" --last 2
  refuse "state should be" crictl pods --state gone
}

test_container_filters() {
  listed() { local wanted=$1; shift; try crictl ps -q "$@"; same "ps $*" "$(sort <<< "$wanted")" "$(sort <<< "$out")"; }
  listed "$container"$'\n'"$runner"
  listed "$container"$'\n'"$runner"$'\n'"$ended" -a
  listed "$ended" --state exited
  listed "" --state created
  listed "$runner" --pod "$first"
  listed "$runner"$'\n'"$ended" -a --pod "$first"
  listed "" --pod "$second"
  listed "$ended" -a --name '^ended$'
  listed "$runner"$'\n'"$ended" -a --image "$busybox"
  listed "$runner" --label name=runner
  listed "$ended" -a --label name=ended --pod "$first"
  listed "" -a --label name=ended --pod "$pod"
  listed "$ended" -a --namespace elsewhere --state Exited
  listed "$ended" --latest
  listed "$ended"$'\n'"$runner" --last 2
  listed "$runner" --id "$runner"
  refuse "state should be one of" crictl ps --state gone
  try crictl stats -o json --pod "$first"
  match "statistics of a pod's containers" "$runner" "$(field '[.stats[].attributes.id] | join(" ")')"
  [[ $out != *"$container"* ]] || flunk "statistics of a pod tell of another pod's container"
  try crictl stats -o json --label name=server
  same "statistics by label" "$container" "$(field '[.stats[].attributes.id] | join(" ")')"
  try crictl stats -o json --id "$runner"
  same "statistics by id" "$runner" "$(field '[.stats[].attributes.id] | join(" ")')"
}

test_image_filters() {
  try crictl images -q "$busybox"
  match "images by name" '^sha256:[0-9a-f]{64}$' "$out"
  try crictl images -o json -f reference='/busy.ox$'
  same "images by a pattern" "$busybox" "$(field '.images[].repoTags[]')"
  try crictl images -q -f dangling=true
  same "images without a tag" "" "$out"
}

test_prefixes() {
  local shortened=${container:0:10}
  try crictl inspectp -q "${pod:0:10}"
  same "inspectp" "$pod" "$(field .status.id)"
  try crictl inspect -q "$shortened"
  same "inspect" "$container" "$(field .status.id)"
  try crictl exec -s "$shortened" hostname
  same "exec" web "$out"
  try crictl logs --tail 1 "$shortened"
  try crictl stats -o json "$shortened"
  same "stats" "$container" "$(field '.stats[].attributes.id')"
  try crictl update --cpu-share 600 "$shortened"
  try crictl ps -q --pod "${pod:0:10}"
  same "ps of a pod" "$container" "$out"
  try crictl ps -q --id "$shortened"
  same "ps" "$container" "$out"
  try crictl stop "${runner:0:10}"
  try crictl inspect -q "$runner"
  same "stopped by the beginning of its id" CONTAINER_EXITED "$(field .status.state)"
  try crictl rm "${ended:0:10}"
  try crictl stopp "${first:0:10}"
  try crictl rmp "${first:0:10}" "${second:0:10}"
  try crictl pods -q
  same "pods that are left" "$pod" "$out"
  local id=${image_id#sha256:}
  try crictl inspecti "${id:0:12}"
  same "an image by the beginning of its id" "$image_id" "$(field .status.id)"
}

# ---- logs ----

test_log_options() {
  local talker since
  container_file talker $busybox '["sh", "-c", "echo one; echo two >&2; echo three; echo four >&2"]'
  try crictl create "$pod" "$folder/talker.container.json" "$folder/web.pod.json" && talker=$out && try crictl start "$talker" || return 1
  eventually 10 test_run_exited "$talker"
  same "standard output" "one three" "$(crictl logs "$talker" 2>/dev/null | xargs)"
  same "standard error" "two four" "$(crictl logs "$talker" 2>&1 >/dev/null | xargs)"
  same "only one stream" "two four" "$(crictl logs --stream stderr "$talker" 2>&1 | xargs)"
  # which stream's line is the last, or the first, two pipes cannot tell
  match "the last of them" "^(three|four)$" "$(crictl logs --tail 1 "$talker" 2>&1)"
  match "bytes" "^(one|two)$" "$(crictl logs --limit-bytes 3 "$talker" 2>&1)"
  match "with times" "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}[^ ]* one" "$(crictl logs -t "$talker" 2>/dev/null)"
  since=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
  same "since an hour from now" "" "$(crictl logs --since "$since" "$talker" 2>&1)"
  same "since an hour ago" "one three" "$(crictl logs --since 1h "$talker" 2>/dev/null | xargs)"
  try crictl rm "$talker"
}

# ---- limits of time ----

test_timeouts() {
  refuse "[Dd]eadline" crictl_within 1ns ps
  crictl_within 30s ps > /dev/null || flunk "ps within 30 s failed"
  refuse "[Dd]eadline" crictl pull --pull-timeout 1us "$busybox"
  local began=$SECONDS
  refuse "[Dd]eadline|timed out|timeout" crictl exec -s --timeout 1 "$container" sleep 1000
  [ $((SECONDS - began)) -lt $((10 * report_patience)) ] || flunk "exec --timeout 1 took $((SECONDS - began)) s"
  refuse "connection|connect|no such file" "$tools/crictl" --config /dev/null -r "unix://$folder/nobody.sock" --timeout 10s ps
}
crictl_within() { local crictl_timeout=$1; shift; crictl "$@"; }

# ---- refusals: the words that people search for ----

test_refusals() {
  local unknown=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef spare created
  for command in inspect start "exec -s" "update --cpu-share 600" "logs" "logs --reopen"; do
    # shellcheck disable=SC2086 # a command with its flags
    refuse "not ?found|NotFound|no such|not exist" crictl $command $unknown $([ "$command" != "exec -s" ] || echo true)
  done
  refuse "NotFound|not found" crictl rm $unknown
  refuse "NotFound|not found" crictl rmp $unknown
  refuse "NotFound|not found" crictl inspectp $unknown
  # what is gone is stopped
  try crictl stop $unknown
  try crictl stopp $unknown
  refuse "NotFound|not found" crictl create $unknown "$folder/sleeper.container.json" "$folder/web.pod.json"
  refuse "no such image" crictl inspecti registry.k8s.io/nothing:1
  refuse "no such image" crictl rmi registry.k8s.io/nothing:1
  refuse "image name cannot be empty" crictl pull ""
  refuse "InvalidArgument|invalid reference|parse" crictl pull "UPPER CASE"
  refuse "is running, please stop it first" crictl rm "$container"
  refuse "is running, please stop it first" crictl rmp "$pod"
  refuse "executable file not found|[Nn]o such file" crictl exec -s "$container" /nothing/here
  refuse "handler|runtime" crictl runp --runtime nothing "$folder/other.pod.json"
  refuse "not found" crictl runp "$folder/nothing.json"
  jq 'del(.metadata)' "$folder/other.pod.json" > "$folder/nameless.pod.json"
  refuse "metadata is not set" crictl runp "$folder/nameless.pod.json"
  jq '.image.image = "registry.k8s.io/nothing:1"' "$folder/sleeper.container.json" > "$folder/imageless.container.json"
  refuse "NotFound|not found|no such image|not present" crictl create --no-pull "$pod" "$folder/imageless.container.json" "$folder/web.pod.json"
  # the name of another
  jq '.command = ["sleep", "1"]' "$folder/server.container.json" > "$folder/twin.container.json"
  refuse "FailedPrecondition|reserved|name|exists" crictl create "$pod" "$folder/twin.container.json" "$folder/web.pod.json"
  # a program that is not there
  container_file spare $busybox '["/nothing/here"]'
  try crictl create "$pod" "$folder/spare.container.json" "$folder/web.pod.json" && created=$out
  refuse "/nothing/here.*(no such file|not found|ENOENT)" crictl start "$created"
  try crictl inspect -q "$created"
  same "its state" CONTAINER_EXITED "$(field .status.state)"
  same "its reason" StartError "$(field .status.reason)"
  same "its exit code" 128 "$(field .status.exitCode)"
  refuse "state|exited|FailedPrecondition|not.*CREATED" crictl start "$created"
  refuse "not running|state|FailedPrecondition|exited" crictl exec -s "$created" true
  try crictl rm "$created"
}

# ---- what changes more than one, forced ----

test_all_at_once() {
  local name ids=()
  for name in one two; do
    pod_file $name
    container_file in-$name $busybox '["sleep", "1000"]'
    try crictl runp "$folder/$name.pod.json" && ids+=("$out")
    try crictl create "$out" "$folder/in-$name.container.json" "$folder/$name.pod.json" && try crictl start "$out" && ids+=("$out")
  done
  try crictl stop --timeout 0 "${ids[1]}" "${ids[3]}"
  try crictl ps -q --name '^in-'
  same "stopped together" "" "$out"
  try crictl rm -f "${ids[1]}"
  try crictl rmp -f "${ids[0]}" "${ids[2]}"
  try crictl pods -q
  same "removed together, with what was in them" "$pod" "$out"
  # YAML does as well as JSON, and a pull on the way
  printf 'metadata: { name: yaml, namespace: crictl, uid: u1, attempt: 2 }\nlog_directory: %s\nlinux: {}\n' "$folder/logs/yaml" > "$folder/yaml.pod.yaml"
  printf 'metadata: { name: in-yaml }\nimage: { image: "%s" }\ncommand: [ "sleep", "1000" ]\nlinux: {}\n' "$busybox" > "$folder/yaml.container.yaml"
  try crictl run --with-pull "$folder/yaml.container.yaml" "$folder/yaml.pod.yaml"
  try crictl inspectp -q "$(crictl pods -q --name '^yaml$')"
  same "the attempt" 2 "$(field .status.metadata.attempt)"
  try crictl rmp -f "$(crictl pods -q --name '^yaml$')"
}

test_own_business() {
  printf 'timeout: 3\n' > "$folder/crictl.yaml"
  try "$tools/crictl" --config "$folder/crictl.yaml" config --set runtime-endpoint="unix://$runtime_socket" --set image-endpoint="unix://$runtime_socket"
  try "$tools/crictl" --config "$folder/crictl.yaml" config --get runtime-endpoint
  same "config --get" "unix://$runtime_socket" "$out"
  try "$tools/crictl" --config "$folder/crictl.yaml" pods -q
  same "with the configured socket" "$pod" "$out"
  try crictl completion bash
  match "completion" "complete .*crictl" "$out"
  try crictl update-runtime-config --pod-cidr 10.99.0.0/24
}

# ---- streams, events, metrics, checkpoints ----

test_exec_stream() {
  same "what it prints" "hello" "$(crictl exec "$container" echo hello 2>&1)"
  same "what it reads" "some input" "$(printf 'some input' | crictl exec -i "$container" cat 2>&1)"
  refuse "exit code 7" crictl exec "$container" sh -c 'exit 7'
}

test_attach() {
  local reader
  container_file reader $busybox '["sh", "-c", "while read line; do echo got $line; done"]'
  jq '.stdin = true' "$folder/reader.container.json" > "$folder/reader.json" && mv "$folder/reader.json" "$folder/reader.container.json"
  try crictl create "$pod" "$folder/reader.container.json" "$folder/web.pod.json" && reader=$out && try crictl start "$reader"
  if printf 'a line\n' | timeout 120 "$tools/crictl" --config /dev/null -r "unix://$runtime_socket" attach -i "$reader" > "$folder/attached" 2>&1; then
    eventually 5 grep -q 'got a line' "$folder/logs/web/reader/0.log"
  else
    flunk "attach: $(tail -n 1 "$folder/attached")"
  fi
  try crictl rm -f "$reader"
}

test_port_forward() {
  local forwarder
  "$tools/crictl" --config /dev/null -r "unix://$runtime_socket" port-forward "$pod" 18080:80 > "$folder/forwarded" 2>&1 &
  forwarder=$!
  eventually 10 served_or_over $forwarder
  try curl -sf http://127.0.0.1:18080/ || flunk "port-forward: $(tail -n 1 "$folder/forwarded")"
  kill $forwarder 2>/dev/null
  wait $forwarder 2>/dev/null
}
served_or_over() { curl -sf http://127.0.0.1:18080/ || ! kill -0 "$1"; }

test_events() {
  local listener subject
  "$tools/crictl" --config /dev/null -r "unix://$runtime_socket" events > "$folder/events" 2> "$folder/events.errors" &
  listener=$!
  # the stream itself has no sign that it is open
  eventually 10 connected_or_over $listener
  container_file subject $busybox '["true"]'
  try crictl create "$pod" "$folder/subject.container.json" "$folder/web.pod.json" && subject=$out && try crictl start "$subject"
  eventually 10 told_or_over $listener "$subject" CONTAINER_STOPPED_EVENT
  told_of "$subject" CONTAINER_STOPPED_EVENT || flunk "$(tail -n 1 "$folder/events.errors")"
  kill $listener 2>/dev/null
  wait $listener 2>/dev/null
  same "events" "CONTAINER_CREATED_EVENT CONTAINER_STARTED_EVENT CONTAINER_STOPPED_EVENT" "$(events_of "$subject" | xargs)"
  try crictl rm "$subject"
}

events_of() { jq -r --arg id "$1" 'select(.containerId == $id) | .containerEventType' "$folder/events"; }
told_of() { events_of "$1" | grep -q "$2"; }
told_or_over() { told_of "$2" "$3" || ! kill -0 "$1"; }
connected_or_over() { ss -xpH state established | grep -q "pid=$1," || ! kill -0 "$1"; }

test_pod_statistics() {
  try crictl statsp -o json "$pod" || return 1
  same "the pod" "$pod" "$(field '.stats[0].attributes.id')"
  match "its containers" "$container" "$(field '[.stats[0].linux.containers[].attributes.id] | join(" ")')"
}

test_metrics() {
  try crictl metricdescs || return 1
  match "descriptors" "^[a-z_]+$" "$(field '.descriptors[0].name')"
  try crictl metricsp
  match "the pod's" "$pod" "$out"
}

test_checkpoint() {
  try crictl checkpoint --export "$folder/checkpoint.tar" "$container" || return 1
  [ -s "$folder/checkpoint.tar" ] || flunk "nothing was written"
}
