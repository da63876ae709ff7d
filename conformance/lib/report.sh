# Tests as shell functions, counted. Needs paths.sh.
#
#   report_open SUITE         starts a suite; its results go to $MOLO_RESULTS/SUITE.tsv when that folder is named
#   step NAME FUNCTION ...    runs one test; it has failed when any assertion in it did
#   skip NAME REASON          a test that cannot run here
#   report_close              prints `SUITE: N passed, N failed, N skipped`; its status is 1 when anything failed or nothing ran
#
#   take_rows FILE            adds the rows of another suite

# Assertions, to be used inside a step (each goes on after a failure, so one step reports all that is wrong):
#   try COMMAND ...           the command must succeed; what it prints is in $out, what it complains of in the failure
#   refuse PATTERN COMMAND    the command must fail, with the extended regular expression in what it prints
#   same WHAT WANTED GOT      text equality
#   match WHAT PATTERN GOT    extended regular expression
#   flunk TEXT                records a failure

report_passed=0 report_failed=0 report_skipped=0 report_suite= report_file=/dev/null
step_failures=() out=

report_open() {
  report_suite=$1
  if [ -n "${MOLO_RESULTS:-}" ]; then
    mkdir -p "$MOLO_RESULTS"
    report_file=$MOLO_RESULTS/$1.tsv
    : > "$report_file"
  fi
}

# report_row OUTCOME NAME REASON [MILLISECONDS]
report_row() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "${3//[$'\t\n']/ }" "${4:-}" >> "$report_file"; }

step() {
  local name=$1 began=${EPOCHREALTIME/./} failure
  shift
  step_failures=()
  "$@" || [ ${#step_failures[@]} -gt 0 ] || flunk "$1 ended with status $?"
  local took=$(( (${EPOCHREALTIME/./} - began) / 1000 ))
  if [ ${#step_failures[@]} -eq 0 ]; then
    report_passed=$((report_passed + 1))
    printf 'ok    %s (%d ms)\n' "$name" "$took"
    report_row passed "$name" "" "$took"
  else
    report_failed=$((report_failed + 1))
    printf 'FAIL  %s (%d ms)\n' "$name" "$took"
    for failure in "${step_failures[@]}"; do printf '%s\n' "$failure" | sed 's/^/      /'; done
    report_row failed "$name" "${step_failures[0]}" "$took"
  fi
}

take_rows() {
  local outcome name reason took
  # read takes several tabs in a row for one: an empty reason would be filled with what follows it
  while IFS=$'\x1f' read -r outcome name reason took; do
    case $outcome in
      passed) report_passed=$((report_passed + 1)); printf 'ok    %s\n' "$name" ;;
      failed) report_failed=$((report_failed + 1)); printf 'FAIL  %s\n      %s\n' "$name" "$reason" ;;
      skipped) report_skipped=$((report_skipped + 1)); printf 'skip  %s: %s\n' "$name" "$reason" ;;
      *) continue ;;
    esac
    report_row "$outcome" "$name" "$reason" "$took"
  done < <(tr '\t' '\037' < "$1")
}

skip() {
  report_skipped=$((report_skipped + 1))
  printf 'skip  %s: %s\n' "$1" "$2"
  report_row skipped "$1" "$2"
}

report_close() {
  printf '%s: %d passed, %d failed, %d skipped\n' "$report_suite" "$report_passed" "$report_failed" "$report_skipped"
  [ "$report_file" = /dev/null ] || touch "${report_file%.tsv}.complete"
  [ "$report_failed" -eq 0 ] && [ "$report_passed" -gt 0 ]
}

flunk() { step_failures+=("$*"); return 1; }

try() {
  local errors status
  errors=$(mktemp)
  out=$("$@" 2>"$errors")
  status=$?
  [ $status -eq 0 ] || flunk "$* : status $status: $(tail -n 5 "$errors")${out:+ (printed: $(printf '%s' "$out" | tail -n 5))}"
  rm -f "$errors"
  return $status
}

refuse() {
  local pattern=$1 said
  shift
  if said=$("$@" 2>&1); then flunk "$* : succeeded, but should have been refused"; return 1; fi
  [[ $said =~ $pattern ]] || flunk "$* : refused, but without \"$pattern\": $said"
}

same() { [ "$2" = "$3" ] || flunk "$1: wanted \"$2\", got \"$3\""; }

match() { [[ $3 =~ $2 ]] || flunk "$1: wanted something like \"$2\", got \"$3\""; }

# eventually SECONDS COMMAND ...: waits until the command succeeds, and tries every $report_pause seconds. SECONDS is what it takes at most on
# a machine that does nothing else: it gets six times as long, and ten times in the guest, which is slow.
report_patience=6 report_pause=0.05
! grep -q 'User Mode Linux' /proc/cpuinfo || report_patience=10
eventually() {
  local until=$((SECONDS + $1 * report_patience))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -le $until ] || { flunk "$* : did not come true in time"; return 1; }
    sleep $report_pause
  done
}
