import Glibc

/// Starts a program with these descriptors as its standard input, output, errors and so on, all signals at their defaults and
/// no other descriptor that was made to be closed. Returns the error number, 0 for none, and the process.
func spawnProcess(
    _ program: String, _ arguments: [String], _ variables: [String], descriptors: [Int32]
) -> (Int32, pid_t) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Beyond all numbers that are wanted, so that none is overwritten before it was copied.
    let copies = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 64) }
    defer { for copy in copies where copy >= 0 { close(copy) } }
    for (number, copy) in copies.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, copy, Int32(number))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigfillset(&defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var process: pid_t = -1
    let code = withCStrings(arguments) { arguments in
        withCStrings(variables) { posix_spawnp(&process, program, &actions, &attributes, arguments, $0) }
    }
    return (code, process)
}

/// Calls `body` with the strings as a null-terminated vector of C strings.
private func withCStrings<R>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    let vector = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { vector.initializeElement(at: index, to: strdup(string)) }
    vector.initializeElement(at: strings.count, to: nil)
    defer {
        for string in vector { free(string) }
        vector.deallocate()
    }
    guard let start = vector.baseAddress else { preconditionFailure("a vector of at least one element has a start") }
    return body(start)
}
