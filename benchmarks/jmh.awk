# Makes tables of what JMH has printed: a row for each contender and each value of the other parameters, with
# every iteration; passes are separated by a slash. All figures beside the iterations are medians of them; the
# percentiles are there where single operations were timed.

function median(text,    n, i, j, t, a) {
  n = split(text, a, " ")
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && a[j] + 0 < a[j - 1] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
  return n == 0 ? 0 : n % 2 ? a[(n + 1) / 2] + 0 : (a[n / 2] + a[n / 2 + 1]) / 2
}

# Three digits that count.
function digits(value) {
  return sprintf(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value)
}

# What an operation is.
function operation(benchmark) {
  if (benchmark ~ /^Coalescer/) return "call"
  if (benchmark ~ /^Collection/) return "task"
  if (benchmark ~ /^Throttle/) return "permit"
  return "item"
}

function figure(benchmark, unit) {
  if (unit == "ops/us") return "million " operation(benchmark) "s/s"
  sub(/\/op$/, "", unit)
  return unit " per " operation(benchmark)
}

# A column if any row of the benchmark has it.
function column(benchmark, values,    i) {
  for (i = 1; i <= rowCount[benchmark]; i++)
    if (median(values[benchmark, i]) > 0) return 1
  return 0
}

/^# Benchmark: / {
  benchmark = $3
  sub(/^.*benchmarks\./, "", benchmark)
}

/^# Parameters: / {
  line = $0
  gsub(/^# Parameters: \(|\)$/, "", line)
  parameters = split(line, pairs, ", ")
  names = values = ""
  for (p = 1; p <= parameters; p++) {
    split(pairs[p], pair, " = ")
    value = tolower(pair[2])
    gsub(/_/, " ", value)
    names = names (p > 1 ? " | " : "") pair[1]
    values = values (p > 1 ? " | " : "") value
  }
  if (!(benchmark in seen)) { seen[benchmark] = 1; benchmarks[++benchmarkCount] = benchmark }
  header[benchmark] = names
  parameterCount[benchmark] = parameters
  if (!((benchmark, values) in known)) {
    known[benchmark, values] = ++rowCount[benchmark]
    label[benchmark, rowCount[benchmark]] = values
  } else runs[benchmark, known[benchmark, values]] = runs[benchmark, known[benchmark, values]] " /"
  key = benchmark SUBSEP known[benchmark, values]
}

/^Iteration .*: [0-9]/ {
  all[key] = all[key] " " $3
  runs[key] = runs[key] " " digits($3)
  unit[benchmark] = $NF
}
/^ +cpu: / { cpu[key] = cpu[key] " " $2 }
/^ +gc.alloc.rate.norm: / { bytes[key] = bytes[key] " " $2 }
/^ +batch: / { batch[key] = batch[key] " " $2 }
/p0\.50: / { half[key] = half[key] " " $2 }
/p0\.99: / { most[key] = most[key] " " $2 }

END {
  for (b = 1; b <= benchmarkCount; b++) {
    name = benchmarks[b]
    hasPercentiles = column(name, half)
    hasBatch = column(name, batch)
    print "\n### `" name "`\n"
    printf "| %s | %s | every iteration |", header[name], figure(name, unit[name])
    if (hasPercentiles) printf " half below | 99 %% below |"
    printf " CPU ns per %s | bytes per %s |", operation(name), operation(name)
    print hasBatch ? " mean batch |" : ""
    for (i = 1; i <= parameterCount[name] + 4 + 2 * hasPercentiles + hasBatch; i++) printf "|---"
    print "|"
    for (i = 1; i <= rowCount[name]; i++) {
      printf "| %s | %s |%s |", label[name, i], digits(median(all[name, i])), runs[name, i]
      if (hasPercentiles) printf " %s | %s |", digits(median(half[name, i])), digits(median(most[name, i]))
      printf " %.0f | %.0f |", median(cpu[name, i]), median(bytes[name, i])
      size = median(batch[name, i])
      print hasBatch ? sprintf(" %s |", size > 0 ? sprintf("%.0f", size) : "") : ""
    }
  }
}
