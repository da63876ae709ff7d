# What the kernel can do, tried each time: a spec may be skipped, or fail, for want of something only while its probe says that it is missing.
#
#   probes_run FILE     writes a line for each probe: name, a tab, present or missing, a tab, what was seen
#
# A probe is a function probe_NAME: it prints what it saw and succeeds when the feature is there. Needs root and a stage (or the guest).

probes_run() {
  local name seen state
  for name in $(declare -F | sed -n 's/^declare -f probe_//p'); do
    state=missing
    ! seen=$("probe_$name" 2>&1) || state=present
    printf '%s\t%s\t%s\n' "$name" $state "${seen//[$'\t\n']/ }"
  done > "$1"
}

# a profile can be loaded and a process confined by it
probe_apparmor() {
  local enabled
  enabled=$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) || { echo "the kernel has no /sys/module/apparmor"; return 1; }
  echo "/sys/module/apparmor/parameters/enabled says $enabled"
  [ "$enabled" = Y ] && [ -e /sys/kernel/security/apparmor/profiles ]
}

# the cgroup v2 hierarchy can limit and count memory
probe_memory() {
  local hierarchy
  hierarchy=$(awk '$9 == "cgroup2" || / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
  [ -n "$hierarchy" ] || { echo "no cgroup v2 hierarchy is mounted"; return 1; }
  echo "the cgroup v2 hierarchy's controllers: $(cat "$hierarchy/cgroup.controllers")"
  grep -qw memory "$hierarchy/cgroup.controllers"
}

# netfilter can translate IPv4 addresses
probe_nat() {
  local table=molo_probe_nat
  if nft -f - <<< "add table ip $table; add chain ip $table out { type nat hook postrouting priority 100; }; add rule ip $table out ip daddr 127.0.0.2 masquerade; delete table ip $table;"; then
    echo "a masquerading rule was accepted"
  else
    nft delete table ip $table 2>/dev/null
    return 1
  fi
}

# what a runtime's data lies on can be mounted with shifted ids, as pods with user namespaces need it; suite_open has made $folder
probe_idmap() { "$top/conformance/lib/idmapped" "$folder"; }
