#ifndef CLIBGIT2STARTUP_H
#define CLIBGIT2STARTUP_H

#include <stdbool.h>

/// Starts TLS, with the certificates of the system, where that was left out when libgit2 started: libgit2 collects random
/// numbers and has mbedTLS parse all certificates then, and starts libssh2, which we do not use. Only https needs any of it,
/// and it is a third of what a run costs that has nothing to do. Negative when it fails, as functions of libgit2 are.
int libgit2_startup_tls(void);

#endif
