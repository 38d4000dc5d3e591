// Runs a command on the host below a keeper that outlives it. All of it runs between fork and exec or in a process that
// never executes anything else, where Swift's runtime must not be used.
#define _GNU_SOURCE
#include "command.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static volatile pid_t running_command;
static volatile int keeps_namespace;
static volatile sig_atomic_t has_lost_caller;

int clinux_hide_from_debuggers(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static void pass_on(int signal) {
    int saved = errno;
    if (keeps_namespace)
        kill(-1, signal);
    else if (running_command > 0)
        kill(-running_command, signal);
    errno = saved;
}

static void note_loss(int signal) {
    (void)signal;
    has_lost_caller = 1;
    // Ends the wait below, too.
    if (running_command > 0) kill(running_command, SIGKILL);
}

// MARK: - Ending

/// The parent of a process; 0 when it is gone.
static pid_t parent_of(pid_t process) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0) return 0;
    text[got] = 0;
    char state;
    int parent = 0;
    const char *end = strrchr(text, ')');
    return end && sscanf(end + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

/// Kills the children that this process has now.
static void kill_children(void) {
    char path[64];
    // Lists also those that a /proc with hidepid does not show.
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *children = fopen(path, "re");
    if (children) {
        int process;
        while (fscanf(children, "%d", &process) == 1) kill(process, SIGKILL);
        fclose(children);
        return;
    }
    DIR *all = opendir("/proc");
    if (!all) return;
    struct dirent *item;
    while ((item = readdir(all))) {
        pid_t process = isdigit((unsigned char)*item->d_name) ? atoi(item->d_name) : 0;
        if (process > 0 && parent_of(process) == getpid()) kill(process, SIGKILL);
    }
    closedir(all);
}

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int clinux_end_children(double patience) {
    double end = milliseconds() + patience;
    for (int round = 0; milliseconds() < end; round++) {
        pid_t ended;
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {}
        if (ended < 0 && errno == ECHILD) return 1;
        kill_children();
        usleep(round < 50 ? 200 : 2000);
    }
    return 0;
}

// MARK: - The command

/// Closes all descriptors from the number on.
static void close_from(int first) {
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    struct rlimit limit;
    int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1 << 20 ? (int)limit.rlim_cur : 1 << 20;
    for (int file = first; file < last; file++) close(file);
}

/// Moves a descriptor above those that are numbered anew.
static int lift(int file) { return fcntl(file, F_DUPFD_CLOEXEC, 10); }

static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void say(int file, enum clinux_report_kind kind, int value) {
    struct clinux_report report = {.kind = (int32_t)kind, .value = value};
    while (write(file, &report, sizeof report) < 0 && errno == EINTR) {}
}

/// Mounts over a place for the processes of this mount namespace only. What else is mounted in it stays seen outside.
static void cover(const char *place, const char *type, unsigned long flags, const char *options) {
    if (mount(NULL, place, NULL, MS_PRIVATE, NULL) == 0) mount(type, place, type, flags | MS_NOSUID | MS_NODEV, options);
}

/// Shows the command the processes of its namespace alone. Without it the numbers in /proc are those of another namespace.
static void cover_places(const struct clinux_command *command) {
    if (unshare(CLONE_NEWNS) != 0) return;
    cover("/proc", "proc", MS_NOEXEC, NULL);
    if (!command->changes_user) return;
    // What a user leaves in shared memory goes with the namespace.
    if (unshare(CLONE_NEWIPC) == 0) cover("/dev/shm", "tmpfs", 0, "mode=1777");
}

/// Gives up everything that the user has no right to; cannot be undone.
static int become(const struct clinux_command *command) {
    if (setgroups(command->group_count, command->groups) != 0) return errno;
    if (setresgid(command->group, command->group, command->group) != 0) return errno;
    if (setresuid(command->user, command->user, command->user) != 0) return errno;
    if (command->user != 0 && (setuid(0) == 0 || getuid() != command->user)) return EPERM;
    // The session's keyring would give its keys to whoever inherits it.
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    return 0;
}

static void run_command(const struct clinux_command *command, int reports) {
    setsid();
    reset_signals();
    if (command->mask >= 0) umask((mode_t)command->mask);
    int code = command->changes_user ? become(command) : 0;
    if (code != 0) {
        say(reports, CLINUX_NO_USER, code);
        _exit(127);
    }
    if (chdir(command->directory) != 0) {
        say(reports, CLINUX_NO_DIRECTORY, errno);
        _exit(127);
    }
    environ = (char **)command->environment;
    execvp(command->arguments[0], command->arguments);
    say(reports, CLINUX_NO_PROGRAM, errno);
    _exit(127);
}

// MARK: - The keeper

/// The keeper: starts the command, reaps what comes of it, and reports how it ended.
static void keep(const struct clinux_command *command, int go, int reports, int is_isolated) {
    // The kernel ends a namespace with its init; without one the keeper has to end what it keeps.
    prctl(PR_SET_PDEATHSIG, is_isolated ? SIGKILL : SIGHUP, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "watcher-keeper", 0, 0, 0);
    if (!is_isolated) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // Nothing comes when the caller died before it could be waited for.
    char byte;
    if (read(go, &byte, 1) != 1) _exit(1);
    setsid();
    reset_signals();
    keeps_namespace = is_isolated;
    struct sigaction passing = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &passing, NULL);
    struct sigaction noting = {.sa_handler = note_loss};
    if (!is_isolated) sigaction(SIGHUP, &noting, NULL);
    if (is_isolated) cover_places(command);

    // 0, 1, 2: as the command gets them; 3: the reports; nothing else.
    int input = lift(command->input), output = lift(command->output);
    reports = lift(reports);
    if (input < 0 || output < 0 || reports < 0) _exit(1);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    dup2(reports, 3);
    reports = 3;
    fcntl(reports, F_SETFD, FD_CLOEXEC);
    close_from(4);

    int started[2];
    if (pipe2(started, O_CLOEXEC) != 0) {
        say(reports, CLINUX_NO_PROCESS, errno);
        _exit(0);
    }
    pid_t process = fork();
    if (process == 0) run_command(command, started[1]);
    if (process < 0) {
        say(reports, CLINUX_NO_PROCESS, errno);
        _exit(0);
    }
    running_command = process;
    close(started[1]);
    struct clinux_report trouble;
    ssize_t got;
    while ((got = read(started[0], &trouble, sizeof trouble)) < 0 && errno == EINTR) {}
    close(started[0]);
    if (got == (ssize_t)sizeof trouble) {
        say(reports, (enum clinux_report_kind)trouble.kind, trouble.value);
        _exit(0);
    }
    // Whoever writes to these from now on is the command.
    close(0);
    close(1);
    close(2);
    while (1) {
        int status = 0;
        pid_t ended = wait(&status);
        if (has_lost_caller) {
            clinux_end_children(10000);
            _exit(1);
        }
        if (ended == process) {
            say(reports, CLINUX_ENDED, status);
            _exit(0);
        }
        if (ended < 0 && errno != EINTR) _exit(1);
    }
}

int clinux_start(const struct clinux_command *command, struct clinux_keeper *keeper) {
    int go[2], reports[2];
    if (pipe2(go, O_CLOEXEC) != 0) return errno;
    if (pipe2(reports, O_CLOEXEC) != 0) {
        int code = errno;
        close(go[0]);
        close(go[1]);
        return code;
    }
    keeper->is_isolated = unshare(CLONE_NEWPID) == 0;
    pid_t process = fork();
    if (process == 0) {
        close(go[1]);
        close(reports[0]);
        keep(command, go[0], reports[1], keeper->is_isolated);
        _exit(1);
    }
    int code = process < 0 ? errno : 0;
    close(go[0]);
    close(reports[1]);
    if (process > 0) {
        keeper->process = process;
        keeper->reports = reports[0];
        while (write(go[1], "", 1) < 0 && errno == EINTR) {}
    } else {
        close(reports[0]);
    }
    close(go[1]);
    return code;
}
