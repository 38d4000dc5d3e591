#include <git2.h>
#include <git2/sys/stream.h>
#include <git2/sys/transport.h>
#if __has_include(<git2/sys/errors.h>) // git_error_set_str lives there since 1.9.
#include <git2/sys/errors.h>
#endif

// git_libgit2_opts is variadic, which Swift cannot call.
static inline int clibgit2_set_int(int option, int value) { return git_libgit2_opts(option, value); }
static inline int clibgit2_set_size(int option, size_t value) { return git_libgit2_opts(option, value); }
static inline int clibgit2_set_search_path(int level, const char *path) {
    return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}
static inline int clibgit2_set_certificates(const char *file, const char *directory) {
    return git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, directory);
}

// Hidden from Swift because its Glibc module is built without _GNU_SOURCE.
extern int pipe2(int fds[2], int flags);
extern int renameat2(int from, const char *old_name, int to, const char *new_name, unsigned int flags);
static inline int clibgit2_pipe(int fds[2], int flags) { return pipe2(fds, flags); }
// Like renameat, but fails with EEXIST when there is something at the new name (RENAME_NOREPLACE).
static inline int clibgit2_rename_new(int from, const char *old_name, int to, const char *new_name) {
    return renameat2(from, old_name, to, new_name, 1);
}

extern int memfd_create(const char *name, unsigned int flags);
// A file in memory, closed on exec (MFD_CLOEXEC).
static inline int clibgit2_memory_file(const char *name) { return memfd_create(name, 1); }
