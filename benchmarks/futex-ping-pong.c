/*
 * How long a round trip between two processes takes at least: each waits in a futex until the other wakes it.
 * Prints the median and the 99th percentile in microseconds.
 *
 *   cc -O2 -o futex-ping-pong futex-ping-pong.c && ./futex-ping-pong 20000
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
  _Alignas(128) volatile uint32_t ping;
  _Alignas(128) volatile uint32_t pong;
};

static void await(volatile uint32_t *word, uint32_t value) {
  uint32_t seen;
  while ((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value) {
    syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
  }
}

static void set(volatile uint32_t *word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 20000;
  if (n < 100) {
    fprintf(stderr, "the number of round trips is %s, it has to be at least 100\n", argv[1]);
    return 2;
  }
  struct shared *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  double *micros = malloc(n * sizeof *micros);
  if (shared == MAP_FAILED || micros == NULL) {
    perror("memory");
    return 1;
  }
  pid_t child = fork();
  if (child < 0) {
    perror("fork");
    return 1;
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t i = 1; i <= (uint32_t)n; i++) {
      await(&shared->ping, i);
      set(&shared->pong, i);
    }
    return 0;
  }
  for (uint32_t i = 1; i <= (uint32_t)n; i++) {
    double begin = now();
    set(&shared->ping, i);
    await(&shared->pong, i);
    micros[i - 1] = now() - begin;
  }
  waitpid(child, NULL, 0);
  qsort(micros, n, sizeof *micros, compare);
  printf("%.1f %.1f\n", micros[n / 2], micros[n * 99L / 100]);
  return 0;
}
