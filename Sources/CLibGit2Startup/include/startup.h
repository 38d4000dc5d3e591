#ifndef CLIBGIT2STARTUP_H
#define CLIBGIT2STARTUP_H

#include <stdbool.h>

/// libgit2 as Debian builds it starts libssh2, which we do not use, and has mbedTLS parse all certificates of the system,
/// which only https needs: a third of what a run costs that has nothing to do. While this is set, neither happens.
void libgit2_startup_set_brief(bool brief);

/// The file of certificates that was not read, to be read when it is needed; NULL when none was asked for.
const char *libgit2_startup_certificates(void);

#endif
