# A real registry (Debian's docker-registry) on loopback, at a port that is free, and the mirror files that lead to it. Needs paths.sh.

# registry_start FOLDER: serves FOLDER/storage; sets registry_address and registry_pid. It outlives the script if `detached` is set.
registry_start() {
  local folder=$1
  command -v docker-registry >/dev/null || { say "docker-registry not found: apt-get install docker-registry"; return 1; }
  mkdir -p "$folder/storage"
  cat > "$folder/registry.yml" <<END
version: 0.1
log: { level: info, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: $folder/storage }
  delete: { enabled: true }
http: { addr: "127.0.0.1:0", secret: loopback }
END
  ${detached:+setsid nohup} docker-registry serve "$folder/registry.yml" < /dev/null > "$folder/registry.log" 2>&1 &
  registry_pid=$!
  registry_address=$(registry_await "$folder/registry.log" "$registry_pid")
}

# registry_await LOG PID: prints the address that a registry just started says it listens on, once it does.
registry_await() {
  local address until=$((SECONDS + 60))
  while [ $SECONDS -le $until ]; do
    address=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$1" 2>/dev/null)
    [ -z "$address" ] || { printf '%s\n' "$address"; return 0; }
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  say "docker-registry did not start: $(tail -n 3 "$1")"
  return 1
}

# registry_guard FOLDER: serves the storage of registry_start's FOLDER a second time, to `user` with the password `secret` only; sets
# guarded_address and guarded_pid.
registry_guard() {
  local folder=$1
  # bcrypt, as htpasswd -B writes it
  echo 'user:$2y$04$DOV40o2GJ4vrXPxoF9cANOxDDjHEk86F/QakEYhveki86uPqDQyAC' > "$folder/htpasswd"
  sed "s|^http:.*|&\nauth: { htpasswd: { realm: guarded, path: $folder/htpasswd } }|" "$folder/registry.yml" > "$folder/guarded.yml"
  docker-registry serve "$folder/guarded.yml" < /dev/null > "$folder/guarded.log" 2>&1 &
  guarded_pid=$!
  guarded_address=$(registry_await "$folder/guarded.log" "$guarded_pid")
}

registry_unguard() {
  kill "$guarded_pid" 2>/dev/null
  wait "$guarded_pid" 2>/dev/null
  guarded_pid=
}

registry_stop() {
  [ -n "${registry_pid:-}" ] || return 0
  kill "$registry_pid" 2>/dev/null
  wait "$registry_pid" 2>/dev/null
  registry_pid=
}

# registry_fill SET ...: pushes the sets of images (see images/build) into the running registry.
registry_fill() {
  local set layout
  for set; do
    layout=$("$top/conformance/images/build" "$set") || return 1
    "$top/conformance/images/push" "$layout" "$registry_address" || return 1
  done
}

# registry_mirrors FOLDER: writes FOLDER/HOST/hosts.toml for the public registries that the suites name.
registry_mirrors() {
  local host server
  for host in registry.k8s.io k8s.gcr.io gcr.io docker.io; do
    server=$host
    [ $host != docker.io ] || server=registry-1.docker.io
    mkdir -p "$1/$host"
    cat > "$1/$host/hosts.toml" <<END
server = "https://$server"

[host."http://$registry_address"]
  capabilities = ["pull", "resolve"]
END
  done
}
