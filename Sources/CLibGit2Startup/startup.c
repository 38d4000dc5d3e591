#define _GNU_SOURCE
#include "startup.h"

#include <dlfcn.h>
#include <stdio.h>

// The functions below take the place of the libraries' own: a program's symbols come before those of its libraries. What
// they keep is written by the one thread that starts libgit2, before any other calls it.
static bool is_brief;
static char certificates[4096];

void libgit2_startup_set_brief(bool brief) { is_brief = brief; }

const char *libgit2_startup_certificates(void) { return certificates[0] ? certificates : NULL; }

__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain, const char *path) {
    static const int file_io_error = -0x2900;  // MBEDTLS_ERR_X509_FILE_IO_ERROR
    if (is_brief) {
        snprintf(certificates, sizeof certificates, "%s", path);
        return file_io_error;
    }
    int (*parse_file)(void *, const char *) = (int (*)(void *, const char *))dlsym(RTLD_NEXT, __func__);
    return parse_file ? parse_file(chain, path) : file_io_error;
}

__attribute__((visibility("default"))) int libssh2_init(int flags) {
    if (is_brief) return 0;
    int (*init)(int) = (int (*)(int))dlsym(RTLD_NEXT, __func__);
    return init ? init(flags) : -1;
}
