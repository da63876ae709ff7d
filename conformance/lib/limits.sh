# Limits of time, for what could stand still. Needs paths.sh.

# limits_within SECONDS COMMAND ...: runs the command, a function for instance, in a process group of its own. When its time is over, it says where its
# processes and the threads of its JVMs are, ends them, and gives 124.
limits_within() {
  local limit=$1 began=$SECONDS group status=0 one
  shift
  set -m
  "$@" < /dev/null &
  group=$!
  set +m
  trap "kill -INT -- -$group; exit 130" INT TERM
  while kill -0 "$group" 2>/dev/null; do
    if [ $((SECONDS - began)) -ge "$limit" ]; then
      local family=($(limits_family "$group"))
      printf '%s: not done after %d s; its processes:\n' "$*" "$limit"
      ps -o pid,ppid,etimes,stat,wchan:24,args -p "$(IFS=,; echo "${family[*]}")" | cut -c 1-300
      for one in "${family[@]}"; do limits_threads "$one"; done
      kill -KILL "${family[@]}" 2>/dev/null
      status=124
    fi
    sleep 1
  done
  wait "$group" 2>/dev/null || [ $status -ne 0 ] || status=$?
  trap - INT TERM
  return $status
}

# limits_family PID: the process and all that descend from it, one a line
limits_family() {
  ps -e -o pid=,ppid= | awk -v root="$1" '
    { parent[$1] = $2 }
    END { for (pid in parent) { for (p = pid; p in parent && p != root; p = parent[p]); if (p == root) print pid } }'
}

# limits_threads PID: where a JVM's threads are that are in molo's code; nothing of a process that is none
limits_threads() {
  local stacks=${TMPDIR:-/tmp}/molo-threads.$$
  [[ $(readlink "/proc/$1/exe") = */java ]] || return 0
  printf 'threads of %d that are in molo'\''s code:\n' "$1"
  timeout -k 5 20 "$JAVA_HOME/bin/jcmd" "$1" Thread.dump_to_file -overwrite "$stacks" > /dev/null 2>&1 &&
    awk 'BEGIN { RS = ""; ORS = "\n\n" } /dev\.molo\./' "$stacks" || printf 'it does not say\n'
  rm -f "$stacks"
}
