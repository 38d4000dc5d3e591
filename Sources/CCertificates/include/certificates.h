#ifndef CCERTIFICATES_H
#define CCERTIFICATES_H

#include <stdbool.h>

/// libgit2 with mbedTLS, as Debian builds it, parses all certificates of the system whenever it starts: a third of what a
/// run costs that has nothing to do, although only https needs them. While this is set, mbedTLS is kept from reading a
/// file of certificates, and says so to its caller.
void ccertificates_set_deferred(bool deferred);

/// The file that was not read, to be read when it is needed; NULL when none was asked for.
const char *ccertificates_deferred_file(void);

#endif
