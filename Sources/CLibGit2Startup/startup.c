#define _GNU_SOURCE
#include "startup.h"

#include <dlfcn.h>
#include <stdio.h>

// What the functions below keep is written by the one thread that starts libgit2, before any other calls it.
static bool is_brief;
static char certificates[4096];

void libgit2_startup_set_brief(bool brief) { is_brief = brief; }

const char *libgit2_startup_certificates(void) { return certificates[0] ? certificates : NULL; }

typedef int parsing(void *chain, const char *path);
typedef int initializing(int flags);

// The functions below take the place of the libraries' own.
#ifdef LIBGIT2_IS_STATIC
// The linker has libgit2 call them, and gives the libraries' own another name (--wrap).
#define REPLACEMENT(function) __wrap_##function
#define ORIGINAL(function) __real_##function
parsing __real_mbedtls_x509_crt_parse_file __attribute__((weak));
initializing __real_libssh2_init __attribute__((weak));
#else
// A program's symbols come before those of its libraries.
#define REPLACEMENT(function) __attribute__((visibility("default"))) function
#define ORIGINAL(function) dlsym(RTLD_NEXT, #function)
#endif

int REPLACEMENT(mbedtls_x509_crt_parse_file)(void *chain, const char *path) {
    static const int file_io_error = -0x2900;  // MBEDTLS_ERR_X509_FILE_IO_ERROR
    if (is_brief) {
        snprintf(certificates, sizeof certificates, "%s", path);
        return file_io_error;
    }
    parsing *parse_file = (parsing *)ORIGINAL(mbedtls_x509_crt_parse_file);
    return parse_file ? parse_file(chain, path) : file_io_error;
}

int REPLACEMENT(libssh2_init)(int flags) {
    if (is_brief) return 0;
    initializing *init = (initializing *)ORIGINAL(libssh2_init);
    return init ? init(flags) : -1;
}
