#!/bin/sh
# Loads the digits demo with wrk and prints every run. A closed loop: each connection sends its next
# request when it has the answer to the last one.
#
#   benchmarks/http.sh
#
# SECONDS_PER_RUN (10), RUNS (3), CONNECTIONS ("1 32 64") and PORT (18080) can be set in the environment.
set -eu

seconds=${SECONDS_PER_RUN:-10}
runs=${RUNS:-3}
connections=${CONNECTIONS:-1 32 64}
port=${PORT:-18080}
url=http://127.0.0.1:$port
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

for tool in wrk curl awk; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "http.sh: $tool is missing. Get it with: apt-get install $tool, or: brew install $tool" >&2
    exit 1
  fi
done
if curl -s -o /dev/null --max-time 2 "$url/"; then
  echo "http.sh: something answers on port $port already. Choose another one: PORT=18081 $0" >&2
  exit 1
fi

work=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$root/headrace" demo --port "$port" >"$work/server.log" 2>&1 &
server=$!
tries=0
until curl -sf -o /dev/null --max-time 2 "$url/health/ready"; do
  tries=$((tries + 1))
  if ! kill -0 "$server" 2>/dev/null || [ "$tries" -ge 1500 ]; then
    echo "http.sh: the demo does not answer. What it said:" >&2
    cat "$work/server.log" >&2
    exit 1
  fi
  sleep 0.2
done

# 256 pictures of 64 counts of 0 to 16, the same in every run.
awk 'BEGIN {
  srand(1)
  for (line = 0; line < 256; line++) {
    for (i = 0; i < 64; i++) printf "%s%d", i ? "," : "", int(rand() * 17)
    print ""
  }
}' >"$work/counts"
curl -sf -o "$work/sample.png" "$url/sample.png"

load() { # kind, file, connections, seconds
  threads=1
  [ "$3" -gt 1 ] && threads=2
  wrk -t "$threads" -c "$3" -d "$4s" -s "$here/http.lua" "$url" -- "$1" "$2" | tail -1
}

measure() { # kind, file
  echo
  echo "POST /digits, $1:"
  printf '%11s %4s %10s %9s %9s %9s %9s %9s\n' \
    connections run requests/s "p50 ms" "p99 ms" "max ms" "not 2xx" failed
  load "$1" "$2" 32 "$seconds" >/dev/null # warm-up
  for count in $connections; do
    run=1
    while [ "$run" -le "$runs" ]; do
      printf '%11s %4s %s\n' "$count" "$run" "$(load "$1" "$2" "$count" "$seconds")"
      run=$((run + 1))
    done
  done
  echo "GET /stats:"
  curl -sf "$url/stats"
  echo
}

echo "$(uname -sr), $(getconf _NPROCESSORS_ONLN) processors, which the server and wrk share;" \
  "$seconds s per run, after a warm-up"
measure json "$work/counts"
measure image "$work/sample.png"
