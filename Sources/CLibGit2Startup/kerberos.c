// Kerberos for the static libgit2 of `make release`: the system's library is loaded when a server asks for it, and by no
// other run. Without it libgit2 says that it has no mechanism for Negotiate, and takes the next scheme.
#ifdef LIBGIT2_IS_STATIC
#include <dlfcn.h>
#include <stdint.h>

typedef struct {
    uint32_t length;
    void *elements;
} object_identifier;

// RFC 2744, appendix A: {1 2 840 113554 1 2 1 4}.
static object_identifier hostbased_service = {10, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"};
object_identifier *GSS_C_NT_HOSTBASED_SERVICE = &hostbased_service;

static const uint32_t failure = 13u << 16;  // GSS_S_FAILURE

// Servers are talked to by one thread. Loading what is loaded already only counts it.
static void *function(const char *name) {
    void *library = dlopen("libgssapi_krb5.so.2", RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : 0;
}

// RFC 2744, section 5; what is handed on as it came is a void pointer.
#define FORWARD(name, parameters, arguments) \
    uint32_t name parameters { \
        uint32_t (*original) parameters = (uint32_t(*) parameters)function(#name); \
        if (original) return original arguments; \
        *minor = 0; \
        return failure; \
    }

FORWARD(gss_indicate_mechs, (uint32_t * minor, void *set), (minor, set))
FORWARD(gss_release_oid_set, (uint32_t * minor, void *set), (minor, set))
FORWARD(gss_release_buffer, (uint32_t * minor, void *buffer), (minor, buffer))
FORWARD(gss_release_name, (uint32_t * minor, void *name), (minor, name))
FORWARD(gss_import_name, (uint32_t * minor, void *buffer, void *type, void *name), (minor, buffer, type, name))
FORWARD(gss_delete_sec_context, (uint32_t * minor, void *context, void *token), (minor, context, token))
FORWARD(
    gss_display_status, (uint32_t * minor, uint32_t status, int type, void *mechanism, uint32_t *more, void *text),
    (minor, status, type, mechanism, more, text))
FORWARD(
    gss_init_sec_context,
    (uint32_t * minor, void *credential, void *context, void *target, void *mechanism, uint32_t flags, uint32_t time,
     void *bindings, void *input, void *actual, void *output, uint32_t *given, uint32_t *left),
    (minor, credential, context, target, mechanism, flags, time, bindings, input, actual, output, given, left))
#endif
