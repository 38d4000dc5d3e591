#ifndef CLINUX_COMMAND_H
#define CLINUX_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A command on this host, with everything it gets.
struct clinux_command {
    /// Program and arguments, ended by NULL; the program is looked up in the PATH of the environment below.
    char *const *arguments;
    char *const *environment;
    /// Entered with the rights of the command's user.
    const char *directory;
    /// Standard input, and standard output and error.
    int input, output;
    /// The file mode creation mask; -1 keeps the caller's.
    int mask;
    /// Whether the command runs as the user below, with nothing that the caller has beyond it.
    int changes_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
};

enum clinux_report_kind {
    /// The command ended; the value is its status as of wait(2).
    CLINUX_ENDED,
    // It never ran; the value is the error.
    CLINUX_NO_PROCESS,
    CLINUX_NO_USER,
    CLINUX_NO_DIRECTORY,
    CLINUX_NO_PROGRAM,
};

/// What a keeper says before it ends, once.
struct clinux_report {
    int32_t kind, value;
};

/// The process between the caller and the command.
struct clinux_keeper {
    pid_t process;
    /// To be read: one report. When it ends without one, the keeper was killed.
    int reports;
    /// Whether it is the init of a PID namespace, so that nothing in it outlives the keeper.
    int is_isolated;
};

/// Starts a keeper, which starts the command. SIGTERM to the keeper is passed on to the command and, in a namespace, to
/// everything there. The caller has one thread, keeps its rights, and may start nothing else. Returns 0, or an error.
int clinux_start(const struct clinux_command *command, struct clinux_keeper *keeper);

/// Kills this process's children, and those that become its children when their parents die (it is the reaper of its
/// descendants), until none is left. Returns 0 when some are left after so many milliseconds.
int clinux_end_children(double patience);

/// Lets no process of the same user without further rights look into this one.
int clinux_hide_from_debuggers(void);

#endif
