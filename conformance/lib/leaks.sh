# What a runtime can leave behind, written down before and after. Needs paths.sh.
# Meant for a stage or the guest, where nobody else makes or removes such things.

# leaks_snapshot NAME [FOLDER ...]: one line for each mount, link, address, named network namespace, nftables table, listening
# socket, process, and cgroup whose path holds NAME (all, where NAME is -), and each file in the folders.
leaks_snapshot() {
  local name=$1
  shift
  awk '{ print "mount " $5 }' /proc/self/mountinfo
  ip -o link | awk -F': ' '{ sub(/@.*/, "", $2); print "link " $2 }'
  ip -o address | awk '{ print "address " $2 " " $4 }'
  ls /run/netns /var/run/netns 2>/dev/null | sed '/:$/d; /^$/d; s/^/netns /'
  nft list tables 2>/dev/null | sed 's/^/nftables /'
  ss -HlntuxO 2>/dev/null | awk '{ print "socket " $1 " " $5 }'
  leaks_processes
  find /sys/fs/cgroup -type d \( -name proc -prune -o -print \) 2>/dev/null | { if [ "$name" = - ]; then cat; else grep -e "$name"; fi; } | sed 's/^/cgroup /'
  [ $# -eq 0 ] || find "$@" -mindepth 1 -printf 'file %p\n' 2>/dev/null
}

# leaks_processes: all but kernel threads and what this shell has started; zombies count. Builtins only, so that it sees nothing of itself.
leaks_processes() {
  local folder pid comm parent line word arguments
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/} comm= parent= arguments=
    while read -r line; do
      case $line in Name:*) comm=${line#Name:?} ;; PPid:*) parent=${line#PPid:?} ;; esac
    done 2>/dev/null < "$folder/status" || continue
    case $parent in ''|2|"$BASHPID") [ "$pid" = "${registry_pid:-}" ] || continue ;; esac
    [ "$pid" != "$BASHPID" ] || continue
    while read -r -d '' word; do arguments+=" $word"; done 2>/dev/null < "$folder/cmdline"
    printf 'process %s %s:%s\n' "$pid" "$comm" "$arguments"
  done
}

# leaks_compare BEFORE AFTER [ALLOWED-PATTERN]: prints what AFTER has and BEFORE had not; its status is 1 when there is any.
leaks_compare() {
  local left
  left=$(comm -13 <(sort "$1") <(sort "$2") | { if [ -n "${3:-}" ]; then grep -vE "$3"; else cat; fi; })
  [ -z "$left" ] || { printf '%s\n' "$left"; return 1; }
}
