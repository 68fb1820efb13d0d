#!/bin/sh
# Measures worker processes beside what the machine allows: the round trip of two C processes that wait in futexes.
#
#   benchmarks/processes.sh
#
# Every figure comes from one run, on an idle machine, on one processor, and beside two busy loops.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
jar=$here/target/benchmarks.jar
if [ ! -r "$jar" ]; then
  echo "processes.sh: $jar is missing. Make it with: mvn -q package -DskipTests -pl benchmarks -am" >&2
  exit 1
fi
work=$(mktemp -d)
loops=
stop() {
  for loop in $loops; do
    kill "$loop" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap stop EXIT

floor=
if command -v cc >/dev/null 2>&1; then
  cc -O2 -o "$work/floor" "$here/futex-ping-pong.c"
  floor=$work/floor
else
  echo "no C compiler (cc): without the round trip of two C processes" >&2
fi

# placement, command to place
round_trips() {
  placement=$1
  shift
  if [ -n "$floor" ]; then
    for run in 1 2 3; do
      printf '| two C processes, %s | %s |\n' "$placement" "$("$@" "$floor" 20000 | sed 's/ / | /')"
    done
  fi
  "$@" "$java" -cp "$jar" io.headrace.benchmarks.ProcessRoundTrips "$placement"
}

echo "| round trip | p50 us | p99 us |"
echo "|---|---|---|"
round_trips "idle machine"
if command -v taskset >/dev/null 2>&1; then
  round_trips "one processor" taskset -c 0
fi
for processor in $(seq "$(nproc)"); do
  sh -c 'while :; do :; done' &
  loops="$loops $!"
done
round_trips "busy processors"
for loop in $loops; do
  kill "$loop" 2>/dev/null || true
done
loops=

echo
"$java" -cp "$jar" io.headrace.benchmarks.ProcessThroughput
