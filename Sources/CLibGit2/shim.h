#include <git2.h>
#include <git2/sys/transport.h>
// git_libgit2_opts is variadic, which Swift cannot call.
static inline int clibgit2_set_int(int option, int value) { return git_libgit2_opts(option, value); }
static inline int clibgit2_set_path(int option, const char *value) { return git_libgit2_opts(option, value); }
static inline int clibgit2_set_search_path(int level, const char *path) {
    return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}
