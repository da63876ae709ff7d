# containerd with runc and CNI plugins, as the runtime to compare with; everything below one folder. Needs paths.sh, instance.sh.

# peer_start FOLDER: like instance_start; the command is in peer_command. The folder must be searchable by others, or pods in user namespaces fail.
peer_start() {
  local built restrict=true
  built=$("$top/conformance/bench/peer/build") || return 1
  runtime_folder=$1
  mkdir -p "$1"/{root,run,config/certs.d,cni/net.d,cni/data}
  chmod 711 "$1" "$1/root"
  runtime_socket=$1/run/peer.sock
  runtime_log=$1/containerd.log
  sed "s|@DATA@|$1/cni/data|" "$top/conformance/bench/peer/10-peer.conflist" > "$1/cni/net.d/10-peer.conflist"
  # only where the machine lets nobody lower the score: its pods would not start
  if sh -c 'echo -997 > /proc/self/oom_score_adj' 2>/dev/null; then restrict=false; fi
  sed -e "s|@FOLDER@|$1|g" -e "s|@BUILT@|$built|g" -e "s|@RESTRICT@|$restrict|" "$top/conformance/bench/peer/containerd.toml" > "$1/containerd.toml"
  PATH=$built/bin:$PATH # its shim is found there
  peer_command=("$built/bin/containerd" --config "$1/containerd.toml")
  "${peer_command[@]}" >> "$runtime_log" 2>&1 &
  runtime_pid=$!
  runtime_wait
}
