#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// prctl is variadic, which Swift cannot call.

/// Orphans among this process's descendants become its children.
static inline int clinux_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

// sys/mman.h shows it to GNU programs only.

int memfd_create(const char *name, unsigned int flags);

/// A file that exists in memory only; it is closed in programs that are started.
static inline int clinux_memory_file(void) { return memfd_create("watcher", 1 /* MFD_CLOEXEC */); }

// time.h shows it to X/Open programs only, which Swift's Glibc is not.

char *strptime(const char *text, const char *format, struct tm *time);

// Where the linker put global variables that begin as zero.

extern char __bss_start[], _end[];

/// Has the kernel give memory to all global variables at once. Else each page of them costs a fault, or two.
static inline void clinux_populate_globals(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)__bss_start & ~(page - 1);
    madvise((void *)start, (uintptr_t)_end - start, 23 /* MADV_POPULATE_WRITE, Linux 5.14; an older one refuses */);
}
