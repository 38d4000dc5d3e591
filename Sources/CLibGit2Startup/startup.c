#include "startup.h"

#ifdef LIBGIT2_IS_STATIC
// The linker has libgit2 call these for its own, which have another name then (--wrap). They are called by the one thread
// that starts libgit2, before any other calls it.
int __real_git_mbedtls_stream_global_init(void) __attribute__((weak));

static bool is_waiting;

int __wrap_git_mbedtls_stream_global_init(void) {
    is_waiting = true;
    return 0;
}

int __wrap_git_transport_ssh_global_init(void) { return 0; }

int libgit2_startup_tls(void) {
    if (!is_waiting) return 0;
    is_waiting = false;
    return __real_git_mbedtls_stream_global_init ? __real_git_mbedtls_stream_global_init() : -1;
}

// Kerberos, which libgit2 uses with default credentials only; ours are a name and a password. So nothing calls these.
#define WITHOUT(function) \
    unsigned function(unsigned *minor) { \
        *minor = 0; \
        return 13u << 16; /* GSS_S_FAILURE, RFC 2744 */ \
    }
WITHOUT(gss_delete_sec_context)
WITHOUT(gss_display_status)
WITHOUT(gss_import_name)
WITHOUT(gss_indicate_mechs)
WITHOUT(gss_init_sec_context)
WITHOUT(gss_release_buffer)
WITHOUT(gss_release_name)
WITHOUT(gss_release_oid_set)
void *GSS_C_NT_HOSTBASED_SERVICE;
#else
int libgit2_startup_tls(void) { return 0; }
#endif
