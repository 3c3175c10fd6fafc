// Stands between a program and the system (LD_PRELOAD) for the files below one folder: counts what could change a disk, logs it, and at the nth
// operation kills the process or answers with an error. scripts/stress-durability compiles it.
//
//   SHIM_ROOT  the folder          SHIM_LOG   write every operation there      SHIM_COUNT  write the number of operations there at the end
//   SHIM_KILL  n: SIGKILL before the nth operation; with SHIM_HALF=1 half of a write arrives first
//   SHIM_FAIL  n, SHIM_ERRNO  e, SHIM_ONCE=1: the nth operation fails, or all from there on
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 4096

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char root[4096];
static size_t root_length;
static int log_fd = -1, count_fd = -1;
static long counted, kill_at, fail_at;
static int fail_errno, fail_once, half;
// What each descriptor is: 0 not ours, 1 a file, 2 a folder.
static unsigned char kind[MAX_FDS];
static uint64_t inode[MAX_FDS];

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("SHIM_ROOT");
    if (!folder) return;
    snprintf(root, sizeof root, "%s/", folder);
    root_length = strlen(root);
    kill_at = number("SHIM_KILL");
    fail_at = number("SHIM_FAIL");
    fail_errno = (int)number("SHIM_ERRNO");
    fail_once = (int)number("SHIM_ONCE");
    half = (int)number("SHIM_HALF");
    // High numbers, out of the way of the program's own.
    const char *log = getenv("SHIM_LOG"), *count = getenv("SHIM_COUNT");
    int fd;
    if (log && (fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) >= 0) {
        log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
    }
    if (count && (fd = (int)syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) >= 0) {
        count_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
    }
}

__attribute__((destructor)) static void stop(void) {
    if (count_fd < 0) return;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", counted);
    syscall(SYS_pwrite64, count_fd, text, (size_t)length, 0L);
}

// One record: kind, inode, offset, two lengths, then as many bytes. All numbers little-endian.
static void record(char what, uint64_t node, uint64_t offset, const void *first, size_t first_length, const void *second, size_t second_length) {
    if (log_fd < 0) return;
    struct __attribute__((packed)) { char what; uint64_t node, offset, first, second; } head = {what, node, offset, first_length, second_length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)first, first_length}, {(void *)second, second_length}};
    if (syscall(SYS_writev, log_fd, parts, 3) != (long)(sizeof head + first_length + second_length)) abort();
}

// The path below the folder; NULL when it is not ours.
static const char *ours(const char *path) {
    if (!root_length || !path || strncmp(path, root, root_length) != 0) return NULL;
    return path + root_length;
}

static int is_ours(int fd) { return root_length && fd >= 0 && fd < MAX_FDS && kind[fd] != 0; }

// Called with the lock held before each operation. Answers whether it must fail, with errno set.
static int refuses(void) {
    counted++;
    if (kill_at && counted == kill_at) syscall(SYS_kill, getpid(), SIGKILL);
    if (!fail_at || counted < fail_at || (fail_once && counted > fail_at)) return 0;
    errno = fail_errno;
    return 1;
}

// Half of a write arrives, and then the process is gone.
static void tear(int fd, const void *bytes, size_t count, off_t offset) {
    if (half && kill_at && counted + 1 == kill_at) syscall(SYS_pwrite64, fd, bytes, count / 2, offset);
}

#define BEGIN int saved; pthread_mutex_lock(&lock)
#define END(result) saved = errno; pthread_mutex_unlock(&lock); errno = saved; return result

static int opened(int directory, const char *path, int flags, mode_t mode) {
    const char *name = ours(path);
    if (!name) {
        int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
        // A folder is ours by its own name too.
        if (fd >= 0 && fd < MAX_FDS) kind[fd] = 0;
        if (fd >= 0 && fd < MAX_FDS && root_length && path && strlen(path) == root_length - 1 && strncmp(path, root, root_length - 1) == 0) {
            struct stat status;
            if (syscall(SYS_fstat, fd, &status) == 0) { kind[fd] = 2; inode[fd] = status.st_ino; record('d', status.st_ino, 0, "", 0, NULL, 0); }
        }
        return fd;
    }
    BEGIN;
    struct stat before;
    int existed = syscall(SYS_newfstatat, AT_FDCWD, path, &before, AT_SYMLINK_NOFOLLOW) == 0;
    int changes = ((flags & O_CREAT) && !existed) || ((flags & O_TRUNC) && existed);
    int fd = changes && refuses() ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
    struct stat status;
    if (fd >= 0 && fd < MAX_FDS && syscall(SYS_fstat, fd, &status) == 0) {
        kind[fd] = S_ISDIR(status.st_mode) ? 2 : 1;
        inode[fd] = status.st_ino;
        if (kind[fd] == 2) record('d', status.st_ino, 0, name, strlen(name), NULL, 0);
        else if (!existed) record('c', status.st_ino, 0, name, strlen(name), NULL, 0);
        else if (flags & O_TRUNC) record('t', status.st_ino, 0, NULL, 0, NULL, 0);
    }
    END(fd);
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(list, int) : 0; }

#define OPEN(name) int name(const char *path, int flags, ...) { va_list list; va_start(list, flags); mode_t mode = mode_of(flags, list); va_end(list); return opened(AT_FDCWD, path, flags, mode); }
#define OPENAT(name) int name(int directory, const char *path, int flags, ...) { va_list list; va_start(list, flags); mode_t mode = mode_of(flags, list); va_end(list); return opened(directory, path, flags, mode); }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }

int close(int fd) {
    if (fd >= 0 && (fd == log_fd || fd == count_fd)) { errno = EBADF; return -1; }
    if (fd >= 0 && fd < MAX_FDS) kind[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

static ssize_t wrote(int fd, const void *bytes, size_t count, off_t offset) {
    BEGIN;
    tear(fd, bytes, count, offset);
    ssize_t result = refuses() ? -1 : syscall(SYS_pwrite64, fd, bytes, count, offset);
    if (result > 0) record('w', inode[fd], (uint64_t)offset, bytes, (size_t)result, NULL, 0);
    END(result);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return is_ours(fd) ? wrote(fd, bytes, count, offset) : syscall(SYS_pwrite64, fd, bytes, count, offset); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_ours(fd)) {
        off_t offset = (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
        ssize_t result = wrote(fd, bytes, count, offset);
        if (result > 0) syscall(SYS_lseek, fd, offset + result, SEEK_SET);
        return result;
    }
    if (fd != 1 || !root_length) return syscall(SYS_write, fd, bytes, count);
    // What the program says on its standard output is what it has acknowledged by then.
    BEGIN;
    ssize_t result = syscall(SYS_write, fd, bytes, count);
    if (result > 0) record('a', 0, 0, bytes, (size_t)result, NULL, 0);
    END(result);
}

static int synced(int fd, long call) {
    if (!is_ours(fd)) return (int)syscall(call, fd);
    BEGIN;
    int result = refuses() ? -1 : (int)syscall(call, fd);
    if (result == 0) record('s', inode[fd], 0, NULL, 0, NULL, 0);
    END(result);
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int ftruncate64(int fd, off64_t size) {
    if (!is_ours(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    BEGIN;
    int result = refuses() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
    if (result == 0) record('t', inode[fd], (uint64_t)size, NULL, 0, NULL, 0);
    END(result);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int rename(const char *from, const char *to) {
    const char *first = ours(from), *second = ours(to);
    if (!first || !second) return (int)syscall(SYS_rename, from, to);
    BEGIN;
    int result = refuses() ? -1 : (int)syscall(SYS_rename, from, to);
    if (result == 0) record('r', 0, 0, first, strlen(first), second, strlen(second));
    END(result);
}

int unlink(const char *path) {
    const char *name = ours(path);
    if (!name) return (int)syscall(SYS_unlink, path);
    BEGIN;
    // What is not there cannot change.
    struct stat status;
    int exists = syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    int result = exists && refuses() ? -1 : (int)syscall(SYS_unlink, path);
    if (result == 0) record('u', 0, 0, name, strlen(name), NULL, 0);
    END(result);
}

int mkdir(const char *path, mode_t mode) {
    const char *name = ours(path);
    if (!name) return (int)syscall(SYS_mkdir, path, mode);
    BEGIN;
    struct stat status;
    int exists = syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    int result = !exists && refuses() ? -1 : (int)syscall(SYS_mkdir, path, mode);
    if (result == 0 && syscall(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0) record('m', status.st_ino, 0, name, strlen(name), NULL, 0);
    END(result);
}
