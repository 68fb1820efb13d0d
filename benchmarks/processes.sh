#!/bin/sh
# Measures worker processes, beside what the machine allows (two C processes that wait in futexes), Aeron and gRPC.
#
#   benchmarks/processes.sh [PIECE...]
#
# A piece is one of those below, and takes a minute or two; without any all of them run, one after the other. Every
# figure of a piece comes from one run. JAVA_HOME has to be a JDK 25; the jar is built by:
# mvn -q package -DskipTests -pl benchmarks -am
#
#   idle          round trips, wherever the system places the processes
#   one           round trips, all on one processor
#   busy          round trips, beside as many endless loops as processors: wherever the system places the processes, and
#                 all on one processor
#   sizes         round trips of values that stay in shared memory, and of results that are made for each call
#   throughput    items per second, 64 in flight, through handlers that need no time
#   handlers      the same through handlers that need 1 ms and 200 us
#   costs         start, memory and idle CPU of a worker
#   deaths        from the SIGKILL of a worker to the answer of the item that it had
set -eu

here=$(cd "$(dirname "$0")" && pwd)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
case $("$java" -version 2>&1) in
  *'version "25'*) ;;
  *)
    echo "processes.sh: $java is not of a JDK 25; set JAVA_HOME to one" >&2
    exit 1
    ;;
esac
jar=$here/target/benchmarks.jar
if [ ! -r "$jar" ]; then
  echo "processes.sh: $jar is missing. Make it with: mvn -q package -DskipTests -pl benchmarks -am" >&2
  exit 1
fi
work=$(mktemp -d)
loops=
stop_loops() {
  for loop in $loops; do
    kill "$loop" 2>/dev/null || true
  done
  loops=
}
stop() {
  stop_loops
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

# What a program has that uses nothing but the library: the jar above has 26,000 entries, whose index takes 3 MiB of
# every JVM.
library=
for module in core shm process benchmarks; do
  for found in "$here/../$module/target/headrace-$module-"*[0-9T].jar; do # none of sources, tests or Javadoc
    library=${library:+$library:}$found
  done
done

program=io.headrace.benchmarks
run() {
  "$@" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    --add-opens=java.base/jdk.internal.misc=ALL-UNNAMED -Dslf4j.internal.verbosity=ERROR -cp "$jar" $classes
}

# placement, contenders, command to place
round_trips() {
  placement=$1
  contenders=$2
  shift 2
  echo "| round trip | where | p50 us, every run | p99 us, every run |"
  echo "|---|---|---|---|"
  floors "$placement" "$@"
  placement_word=$(echo "$placement" | tr -d ' ')
  classes="$program.ProcessRoundTrips $placement_word $contenders" run "$@" "$java"
  floors "$placement, afterwards" "$@"
}

# placement, command to place
floors() {
  if [ -n "$floor" ]; then
    placed=$1
    shift
    for time in 1 2 3; do
      "$@" "$floor" 20000
    done | awk -v placed="$placed" '{ p50 = p50 " " $1; p99 = p99 " " $2 }
      END { print "| two C processes | " placed " |" p50 " |" p99 " |" }'
  fi
}

piece() {
  case $1 in
    idle) round_trips idle "floor headrace aeron grpc" ;;
    one)
      if command -v taskset >/dev/null 2>&1; then
        round_trips one "floor headrace aeron grpc" taskset -c 0
      else
        echo "no taskset: without one processor" >&2
      fi
      ;;
    busy)
      for processor in $(seq "$(getconf _NPROCESSORS_ONLN)"); do
        sh -c 'while :; do :; done' &
        loops="$loops $!"
      done
      round_trips busy "floor headrace aeron grpc"
      if command -v taskset >/dev/null 2>&1; then
        round_trips "busy, one" "floor headrace" taskset -c 0
      fi
      stop_loops
      ;;
    sizes) round_trips idle sizes ;;
    throughput) classes=$program.ProcessThroughput run "$java" ;;
    handlers) classes="$program.ProcessThroughput handlers" run "$java" ;;
    costs) classes=$program.ProcessCosts jar=$library run "$java" ;;
    deaths) classes=$program.ProcessDeaths run "$java" ;;
    *)
      echo "processes.sh: $1 is no piece; they are idle, one, busy, sizes, throughput, handlers, costs, deaths" >&2
      exit 2
      ;;
  esac
  echo
}

echo "$(uname -sr), $(getconf _NPROCESSORS_ONLN) processors, $("$java" -version 2>&1 | sed -n 2p)"
echo
if [ $# -eq 0 ]; then
  set -- idle one busy sizes throughput handlers costs deaths
fi
for name in "$@"; do
  piece "$name"
done
