# A node without an API server: a kubelet, its folder of manifests, its API. Needs suite.sh; sourced by ./guest.

kubelet_read=http://127.0.0.1:10255 kubelet_api=https://127.0.0.1:10250
node_address=10.99.0.1
gates=false # PodAndContainerStatsFromCRI

# node_prepare: what a kubelet wants of the guest.
node_prepare() {
  kubelet=$("$here/build")/kubelet || return 1
  seen=/var/lib/molo/seen
  rm -rf "$seen"
  mkdir -p "$folder"/{manifests,logs,kubelet} "$seen/given"
  mkdir -m 777 "$seen/security"
  echo "given by the node" > "$seen/given/given"
  # User Mode Linux names no clock rate, without which the kubelet gives up
  sed 's/^bogomips.*/cpu MHz\t\t: 2000.000\n&/' /proc/cpuinfo > "$folder/cpuinfo" && mount --bind "$folder/cpuinfo" /proc/cpuinfo || return 1
  # the node's address must be that of a link other than loopback
  ip link add node0 type bridge && ip address add "$node_address/24" dev node0 && ip link set node0 up || return 1
  hostname node
}

# node_apply NAME ...: hands pods/NAME.yaml, or a file, to the kubelet.
node_apply() {
  local name file
  for name; do
    file=$name
    [[ $name = /* ]] || file=$here/pods/$name.yaml
    cp "$file" "$folder/.manifest" && mv "$folder/.manifest" "$folder/manifests/$(basename "$file")"
  done
}
node_withdraw() { rm "$folder/manifests/$1.yaml"; }

kubelet_configure() {
  cat > "$folder/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$runtime_socket
staticPodPath: $folder/manifests
podLogsDir: $folder/logs
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
readOnlyPort: 10255
failSwapOn: false
makeIPTablesUtilChains: false
registerNode: false
resolvConf: $folder/resolv.conf
containerLogMaxSize: 64Ki
containerLogMaxFiles: 4
containerLogMonitorInterval: 5s
imageMinimumGCAge: 1s
imageMaximumGCAge: 10s
syncFrequency: 5s
featureGates: { PodAndContainerStatsFromCRI: $gates }
END
  echo "nameserver 192.0.2.53" > "$folder/resolv.conf"
}

# kubelet_start: starts it, or starts it again, and waits until it is well.
kubelet_start() {
  kubelet_configure
  "$kubelet" --config "$folder/kubelet.yaml" --root-dir "$folder/kubelet" --cert-dir "$folder/kubelet/pki" \
    --hostname-override node --node-ip "$node_address" --minimum-container-ttl-duration 1s --v 2 >> "$folder/kubelet.log" 2>&1 &
  kubelet_pid=$!
  local until=$((SECONDS + 300))
  while [ $SECONDS -le $until ]; do
    ! curl -sf -o /dev/null http://127.0.0.1:10248/healthz || return 0
    kill -0 $kubelet_pid 2>/dev/null || break
    sleep 0.5
  done
  say "the kubelet did not start: $(grep -E '^[EF]' "$folder/kubelet.log" | tail -n 3)"
  return 1
}

kubelet_stop() {
  kill "$kubelet_pid" 2>/dev/null
  wait "$kubelet_pid" 2>/dev/null
  kubelet_pid=
}

# pod NAME FILTER: of what the kubelet tells of a pod.
pod() { curl -sf "$kubelet_read/pods" | jq -r --arg name "$1-node" "first(.items[] | select(.metadata.name == \$name)) | $2"; }

# container POD NAME FILTER: of its status.
container() { pod "$1" "(.status | (.containerStatuses // []) + (.initContainerStatuses // []))[] | select(.name == \"$2\") | $3"; }

pod_says() { [ "$(pod "$1" "$2")" = "$3" ]; }
container_says() { [ "$(container "$1" "$2" "$3")" = "$4" ]; }
holds() { grep -qE -- "$1" "$2"; }

# gone NAME: the kubelet knows no such pod, and none runs. (What is left of it the kubelet removes once a minute.)
gone() {
  ! curl -sf "$kubelet_read/pods" | jq -e --arg name "$1-node" 'any(.items[]?; .metadata.name == $name)' &&
    [ -z "$(crictl pods -q --state ready --label "io.kubernetes.pod.name=$1-node")" ]
}

# processes POD: container, id and restarts of those that run: what a restart of others must not change.
processes() { pod "$1" '.status.containerStatuses | sort_by(.name)[] | [.name, .containerID, .restartCount, (.state | keys[0])] | join(" ")'; }
