/* A disk that breaks when it is told to: loaded before libc (LD_PRELOAD), it counts what is written, synchronised,
   renamed, linked, cut and deleted below one folder, and at the n-th such call kills the process, fails, or writes half.

   break_at(folder, kind, n): kind 1 SIGKILL before the call, 2 SIGKILL after half of a write, 3 EIO at that call alone,
   4 EIO from that call on, 5 no space left after n bytes, 6 a file system that can only be read; 0 only counts.
   broken_calls() says how many there were, broken_bytes() how much was written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[4096];
static int kind, armed;
static long goal;
static atomic_long calls, bytes;

void break_at(const char *where, int what, long n) {
    snprintf(folder, sizeof folder, "%s", where);
    kind = what; goal = n; calls = 0; bytes = 0; armed = 1;
}
long broken_calls(void) { return calls; }
long broken_bytes(void) { return bytes; }

static int below(const char *path) { return armed && path && strncmp(path, folder, strlen(folder)) == 0; }
static int concerns(int fd) {
    char link[64], path[4096];
    if (!armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}
/* 0: go on; 1: fail with errno; 2: write half, then die */
static int now(size_t size) {
    long mine = atomic_fetch_add(&calls, 1) + 1;
    long now = atomic_fetch_add(&bytes, (long)size) + (long)size;
    if (kind == 5) {
        if (size == 0 || now <= goal) return 0;
        errno = ENOSPC; return 1;
    }
    if (kind == 6) { errno = EROFS; return 1; }
    if (kind == 1 && mine == goal) raise(SIGKILL);
    if (kind == 2 && mine == goal) return 2;
    if ((kind == 3 && mine == goal) || (kind == 4 && mine >= goal)) { errno = EIO; return 1; }
    return 0;
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES(name, off_type) \
    ssize_t name(int fd, const void *b, size_t n, off_type at) { \
        if (concerns(fd)) { int w = now(n); if (w == 1) return -1; \
            if (w == 2) { REAL(name)(fd, b, n / 2, at); raise(SIGKILL); } } \
        return REAL(name)(fd, b, n, at); }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)
ssize_t write(int fd, const void *b, size_t n) {
    if (concerns(fd)) { int w = now(n); if (w == 1) return -1;
        if (w == 2) { REAL(write)(fd, b, n / 2); raise(SIGKILL); } }
    return REAL(write)(fd, b, n);
}
#define CALL1(name) int name(int fd) { \
    if (concerns(fd)) { int w = now(0); if (w == 1) return -1; if (w == 2) raise(SIGKILL); } return REAL(name)(fd); }
CALL1(fsync)
CALL1(fdatasync)
#define CUTS(name, off_type) int name(int fd, off_type n) { \
    if (concerns(fd)) { int w = now(0); if (w == 1) return -1; if (w == 2) raise(SIGKILL); } return REAL(name)(fd, n); }
CUTS(ftruncate, off_t)
CUTS(ftruncate64, off64_t)
#define NAMES2(name) int name(const char *a, const char *b) { \
    if (below(a) || below(b)) { int w = now(0); if (w == 1) return -1; if (w == 2) raise(SIGKILL); } return REAL(name)(a, b); }
NAMES2(rename)
NAMES2(link)
int linkat(int d, const char *a, int e, const char *b, int f) {
    if (below(a) || below(b)) { int w = now(0); if (w == 1) return -1; if (w == 2) raise(SIGKILL); }
    return REAL(linkat)(d, a, e, b, f);
}
int unlink(const char *a) {
    if (below(a)) { int w = now(0); if (w == 1) return -1; if (w == 2) raise(SIGKILL); }
    return REAL(unlink)(a);
}
int mkdir(const char *a, mode_t m) {
    if (kind == 6 && below(a)) { errno = EROFS; return -1; }
    return REAL(mkdir)(a, m);
}
#define OPENS(name, before, where) int name(before const char *a, int flags, ...) { \
    mode_t m = 0; \
    if (flags & O_CREAT) { va_list more; va_start(more, flags); m = va_arg(more, mode_t); va_end(more); } \
    if (kind == 6 && below(a) && (flags & (O_WRONLY | O_RDWR | O_CREAT))) { errno = EROFS; return -1; } \
    return REAL(name)(where a, flags, m); }
#define NONE
OPENS(open, NONE, NONE)
OPENS(open64, NONE, NONE)
#define AT int d,
#define D d,
OPENS(openat, AT, D)
OPENS(openat64, AT, D)
