# A molo instance of its own: everything below one folder, ended by its process id. Needs paths.sh.
#
# The runtime under test, whichever it is, is described by
#   runtime_pid  runtime_socket  runtime_log  runtime_folder  runtime_run

# instance_configure FOLDER: what a test instance needs to know; a limit the machine cannot set is a warning.
instance_configure() {
  mkdir -p "$1/config/certs.d"
  cat > "$1/config/config.yaml" <<'END'
cgroup:
  missingControllers: warn
END
}

# instance_start NAME FOLDER [ARGUMENT ...]: starts the daemon with FOLDER/{root,run,config} and waits for its first answer.
# It outlives the script if `detached` is set.
instance_start() {
  local name=$1
  runtime_folder=$2
  shift 2
  [ -x "$dist/bin/molo" ] || { say "$dist/bin/molo not found: build it with ./mvnw package"; return 1; }
  runtime_run=$runtime_folder/run
  # a socket's path may have 107 bytes, and the folder's may be long; /run on a stage is the stage's
  [ -z "${MOLO_STAGE:-}" ] || runtime_run=/run/molo-$name
  mkdir -p "$runtime_folder"/{root,config} "$runtime_run"
  runtime_socket=$runtime_run/molo.sock
  runtime_log=$runtime_folder/molo.log
  instance_command=("$dist/bin/molo" serve --instance "$name" --root "$runtime_folder/root" --run "$runtime_run" --config "$runtime_folder/config" "$@")
  ${detached:+setsid nohup} "${instance_command[@]}" < /dev/null >> "$runtime_log" 2>&1 &
  runtime_pid=$!
  runtime_wait
}

# runtime_wait: until the runtime answers, or has ended.
runtime_wait() {
  local until=$((SECONDS + 180))
  while [ $SECONDS -le $until ]; do
    if [ -S "$runtime_socket" ] && runtime_answers; then return 0; fi
    kill -0 "$runtime_pid" 2>/dev/null || { say "the runtime ended while starting: $(tail -n 20 "$runtime_log")"; return 1; }
    sleep 0.05
  done
  say "the runtime did not answer on $runtime_socket within 180 s: $(tail -n 20 "$runtime_log")"
  return 1
}

runtime_answers() {
  if [ -n "${tools:-}" ]; then crictl_timeout=10s crictl version; else "$dist/bin/molo" pods --endpoint "$runtime_socket"; fi >/dev/null 2>&1
}

# runtime_stop: ends the daemon as systemd would. Pods stay: remove them first.
runtime_stop() {
  local until=$((SECONDS + 120))
  [ -n "${runtime_pid:-}" ] || return 0
  kill -TERM "$runtime_pid" 2>/dev/null
  while [ $SECONDS -le $until ]; do
    kill -0 "$runtime_pid" 2>/dev/null || { wait "$runtime_pid" 2>/dev/null; runtime_pid=; return 0; }
    sleep 0.05
  done
  say "the runtime did not end within 120 s of SIGTERM; killed"
  kill -KILL "$runtime_pid"
  wait "$runtime_pid" 2>/dev/null
  runtime_pid=
  return 1
}

# crictl ARGUMENT ...: the real crictl, spoken to the runtime under test; tools is the folder that tools/build printed.
crictl() {
  "$tools/crictl" --config /dev/null --runtime-endpoint "unix://$runtime_socket" --image-endpoint "unix://$runtime_socket" --timeout "${crictl_timeout:-300s}" "$@"
}
