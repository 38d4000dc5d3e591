#include <sys/prctl.h>

// prctl is variadic, which Swift cannot call.

/// Orphans among this process's descendants become its children.
static inline int clinux_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
