# Makes tables of what JMH has printed: a row for each contender with every iteration; passes are separated
# by a slash. Throughput, processor time and batch size are medians of the iterations.

function median(text,    n, i, j, t, a) {
  n = split(text, a, " ")
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && a[j] + 0 < a[j - 1] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
  return n == 0 ? 0 : n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}

/^# Benchmark: / {
  benchmark = $3
  sub(/^.*benchmarks\./, "", benchmark)
}

/^# Parameters: / {
  contender = $0
  gsub(/^.*contender = |\)$/, "", contender)
  contender = tolower(contender)
  gsub(/_/, " ", contender)
  key = benchmark SUBSEP contender
  if (!(benchmark in seen)) { seen[benchmark] = 1; benchmarks[++benchmarkCount] = benchmark }
  if (!(key in known)) { known[key] = 1; rows[benchmark] = rows[benchmark] "\n" contender }
  else runs[key] = runs[key] " /"
}

/^Iteration / {
  all[key] = all[key] " " $3
  runs[key] = runs[key] sprintf(" %.1f", $3)
}
/^ +cpu: / { cpu[key] = cpu[key] " " $2 }
/^ +gc.alloc.rate.norm: / { bytes[key] = bytes[key] " " $2 }
/^ +batch: / { batch[key] = batch[key] " " $2 }

END {
  for (b = 1; b <= benchmarkCount; b++) {
    print "\n" benchmarks[b] "\n"
    print "| contender | million items/s | every iteration | CPU ns per item | bytes per item | mean batch |"
    print "|---|---|---|---|---|---|"
    n = split(substr(rows[benchmarks[b]], 2), names, "\n")
    for (i = 1; i <= n; i++) {
      key = benchmarks[b] SUBSEP names[i]
      size = median(batch[key])
      printf "| %s | %.1f |%s | %.0f | %.0f | %s |\n", names[i], median(all[key]), runs[key],
        median(cpu[key]), median(bytes[key]), (size > 0 ? sprintf("%.0f", size) : "")
    }
  }
}
