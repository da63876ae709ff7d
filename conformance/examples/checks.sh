# What each file in docs/examples has to come to, whoever runs it: molo run or a kubelet. Needs suite.sh.
# The runtime under test is asked with crictl; a pod is found by the label app, which its manifest gives it.

examples=$top/docs/examples
database_seconds=${database_seconds:-5} # how long 50 clients ask the database

# examples_prepare FOLDER: what the files expect of a node, below FOLDER, which is seen at /srv.
examples_prepare() {
  mkdir -p "$1/molo/mariadb/secret" && cp -r "$examples/website" "$1/molo/" && mount --bind "$1" /srv || return 1
  (umask 077 && head -c 18 /dev/urandom | base64 > /srv/molo/mariadb/secret/root)
}
examples_end() { umount /srv; }

example_pod() { crictl pods -q --state ready --label "app=$1"; }
example_address() { crictl inspectp "$(example_pod "$1")" | jq -r .status.network.ip; }
# the newest container of that name: a kubelet keeps the one before
example_container() { crictl ps -a -q --label "io.kubernetes.container.name=$2" --pod "$(crictl pods -q --label "app=$1" | head -n 1)" | head -n 1; }
example_exec() { crictl exec -s "$(example_container "$1" "$2")" "${@:3}"; }
example_log() { crictl logs "$(example_container "$1" "$2")" 2>&1; }
example_runs() { [ -n "$(example_pod "$1")" ] && [ -n "$(crictl ps -q --pod "$(example_pod "$1")")" ]; }

check_website() {
  answers() { curl -sf "http://$(example_address website)/"; }
  eventually 30 answers || return 1
  match "the page that lies on the node" "lies on the node" "$(answers)"
  match "as the configuration file says" "X-Served-By: website" "$(curl -sI "http://$(example_address website)/" | tr -d '\r')"
  try example_exec website nginx sh -c 'echo uploaded > /data/file'
  same "a file in the pod's volume" uploaded "$(curl -sf "http://$(example_address website)/uploads/file")"
  refuse "[Rr]ead-only" example_exec website nginx sh -c 'echo x > /usr/share/nginx/html/index.html'
}

check_shared() {
  reads() { [ "$(example_log shared reader | grep -c '^read from memory: line ')" -ge 3 ]; }
  eventually 30 reads || return 1
  same "what the reader complains of" "" "$(example_log shared reader | grep -v '^read from memory: line ')"
}

check_batch() {
  ended() { [ "$(crictl inspect "$(example_container batch sum)" | jq -r .status.state)" = CONTAINER_EXITED ]; }
  eventually 30 ended || return 1
  same "exit code" 0 "$(crictl inspect "$(example_container batch sum)" | jq -r '.status.exitCode // 0')"
  same "result" "the sum of 100000 numbers is 5000050000" "$(example_log batch sum)"
}

# sql DATABASE STATEMENT: over TCP, as its user
sql() { example_exec mariadb mariadb mariadb -h 127.0.0.1 -u shop "-pfor the example only" -N -e "$2" "$1"; }
database_answers() { sql shop "SELECT 1"; }
check_mariadb() {
  eventually 150 database_answers || return 1
  try sql shop "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT); INSERT INTO orders (what) VALUES ('one'), ('two')"
  match "the password in the file" "^shop$" "$(example_exec mariadb mariadb sh -c 'mariadb -h 127.0.0.1 -u root -p"$(cat /run/secrets/mariadb/root)" -N -e "SHOW DATABASES LIKE \"shop\""')"
  refuse "Access denied" example_exec mariadb mariadb mariadb -h 127.0.0.1 -u root -pwrong -e "SELECT 1"
  database_load
}

# 50 clients at once for some seconds: each round asks 2500 times, and none may fail
database_load() {
  local rounds
  try example_exec mariadb mariadb sh -c 'rounds=0 until=$(($(date +%s) + '"$database_seconds"'))
    while [ $rounds = 0 ] || [ "$(date +%s)" -lt $until ]; do
      mariadb-slap -h 127.0.0.1 -u root -p"$(cat /run/secrets/mariadb/root)" --concurrency=50 --number-of-queries=2500 \
        --auto-generate-sql --auto-generate-sql-load-type=mixed --create-schema=load > /tmp/slap || exit 1
      rounds=$((rounds + 1))
    done
    echo $rounds'
  rounds=$out
  match "rounds" "^[1-9][0-9]*$" "$rounds"
  echo "      $((rounds * 2500)) queries by 50 clients in $database_seconds s or the round that took longer"
}

# after it was killed, and on another daemon: what was committed is there
check_database_kept() {
  eventually 60 database_answers || return 1
  same "rows" "one two" "$(sql shop "SELECT what FROM orders ORDER BY id" | xargs)"
}

database_kill() {
  local pid
  pid=$(crictl inspect "$(example_container mariadb mariadb)" | jq -r .info.pid)
  # kill takes 0, which tells of no process, for the script's own group
  [[ $pid =~ ^[1-9][0-9]*$ ]] || flunk "the database has no process: \"$pid\"" || return 1
  kill -KILL "$pid"
  killed() { ! kill -0 "$pid"; }
  eventually 10 killed
}
