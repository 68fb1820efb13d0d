#!/bin/sh
# Runs the JMH benchmarks in passes and prints a table of every run. The forks of a contender lie minutes apart,
# so that a disturbance of the machine does not hit one of them alone.
#
#   benchmarks/jmh.sh [REGULAR-EXPRESSION]
#
# PASSES (2), JMH_OPTIONS and OUT, a folder that keeps what JMH prints, can be set in the environment. JAVA_HOME
# has to be a JDK 25; the jar is built by: mvn -q package -DskipTests -pl benchmarks -am
set -eu

here=$(cd "$(dirname "$0")" && pwd)
jar=$here/target/benchmarks.jar
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
case $("$java" -version 2>&1) in
  *'version "25'*) ;;
  *)
    echo "jmh.sh: $java is not of a JDK 25; set JAVA_HOME to one" >&2
    exit 1
    ;;
esac
passes=${PASSES:-2}
options=${JMH_OPTIONS:--f 1 -wi 3 -i 5 -w 1 -r 1}

if [ ! -f "$jar" ]; then
  echo "jmh.sh: $jar is missing. Build it with: mvn -q package -DskipTests -pl benchmarks -am" >&2
  exit 1
fi
if [ -n "${OUT:-}" ]; then
  mkdir -p "$OUT"
  out=$OUT
else
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi

pass=1
while [ "$pass" -le "$passes" ]; do
  echo "pass $pass of $passes" >&2
  # shellcheck disable=SC2086 # the options are several words
  "$java" -jar "$jar" ${1:-} $options -jvmArgs "-Xms1g -Xmx1g --sun-misc-unsafe-memory-access=allow -Dslf4j.internal.verbosity=ERROR" \
    -prof gc -prof io.headrace.benchmarks.BatchSizes -prof io.headrace.benchmarks.CpuTime \
    >"$out/pass$pass.txt" 2>&1 || {
    cat "$out/pass$pass.txt" >&2
    exit 1
  }
  pass=$((pass + 1))
done
commit=$(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)
echo "commit $commit of the checkout, which the jar is built from"
echo "$(uname -sr), $(getconf _NPROCESSORS_ONLN) processors, $("$java" -version 2>&1 | sed -n 2p)"
awk -f "$here/jmh.awk" "$out"/pass*.txt
