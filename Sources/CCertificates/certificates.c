#define _GNU_SOURCE
#include "certificates.h"

#include <dlfcn.h>
#include <stdio.h>

// Written by the one thread that starts libgit2, before any other calls it.
static bool is_deferred;
static char deferred_file[4096];

void ccertificates_set_deferred(bool deferred) { is_deferred = deferred; }

const char *ccertificates_deferred_file(void) { return deferred_file[0] ? deferred_file : NULL; }

// mbedTLS's own function of this name: a program's symbols come before those of its libraries.
__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain, const char *path) {
    static const int file_io_error = -0x2900;  // MBEDTLS_ERR_X509_FILE_IO_ERROR
    if (is_deferred) {
        snprintf(deferred_file, sizeof deferred_file, "%s", path);
        return file_io_error;
    }
    int (*parse_file)(void *, const char *) = (int (*)(void *, const char *))dlsym(RTLD_NEXT, __func__);
    return parse_file ? parse_file(chain, path) : file_io_error;
}
