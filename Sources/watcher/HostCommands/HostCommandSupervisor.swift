internal import CLinux
internal import Deploy
internal import Foundation
internal import Synchronization

/// The process that runs one command on the host and answers for everything that comes of it.
///
/// It reads an order (a line of JSON) from standard input, a socket, on which it answers when all is over. Whatever the
/// command leaves behind, daemons included, is killed before that: orphans become the supervisor's children.
enum HostCommandSupervisor {
    /// The name of the hidden command.
    static let command = "host-command"

    struct Order: Codable {
        var arguments: [String]
        /// All variables of the command, but HOME of another user.
        var environment: [String: String]
        /// Absolute.
        var directory: String
        var seconds: Double
        var user: String?
        var input: String
    }

    struct Answer: Codable {
        var status: Int?
        var signal: Int?
        var isLate = false
        var trouble: String?

        var end: HostCommandEnd {
            if let trouble { return .notStarted(trouble) }
            if isLate { return .timedOut }
            if let signal { return .killed(signal: signal) }
            return .exited(status: status ?? 0)
        }
    }

    private static let isLate = Mutex(false)

    static func main() -> Never {
        signal(SIGPIPE, SIG_IGN)
        guard let line = readLine(strippingNewline: true),
            let order = try? JSONDecoder().decode(Order.self, from: Data(line.utf8))
        else { exit(64) }
        _ = clinux_adopt_orphans()
        var answer = Answer()
        do {
            let process = try start(order)
            guardLife(process, seconds: order.seconds)
            let status = wait(for: process)
            killDescendants()
            if status & 0x7f == 0 {
                answer.status = Int(status >> 8 & 0xff)
            } else {
                answer.signal = Int(status & 0x7f)
            }
            answer.isLate = isLate.withLock { $0 }
        } catch let error as Trouble {
            answer.trouble = error.text
        } catch {
            answer.trouble = "\(error)"
        }
        let said = (try? JSONEncoder().encode(answer)) ?? Data()
        _ = said.withUnsafeBytes { send(0, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        exit(0)
    }

    private struct Trouble: Error {
        var text: String

        init(_ text: String) { self.text = text }
        init(_ doing: String, _ code: Int32) { text = "\(doing): \(String(cString: strerror(code)))" }
    }

    // MARK: - Starting

    private static func start(_ order: Order) throws -> pid_t {
        var variables = order.environment
        // Before the user changes, who might not be let into the directories above.
        guard chdir(order.directory) == 0 else { throw Trouble("cannot enter \(order.directory)", errno) }
        let input = try inputFile(order.input)
        let home = try become(order.user)
        if variables["HOME"] == nil { variables["HOME"] = home }
        variables["PWD"] = order.directory
        // The search for the program goes by this process's own.
        setenv("PATH", variables["PATH"] ?? "", 1)
        return try spawn(order.arguments, variables.map { "\($0.key)=\($0.value)" }, input: input)
    }

    /// The text as a file that is nowhere else; for an empty one /dev/null.
    private static func inputFile(_ text: String) throws -> Int32 {
        guard !text.isEmpty else { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
        var name = Array("/tmp/watcher-input.XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0, fcntl(file, F_SETFD, FD_CLOEXEC) == 0 else {
            throw Trouble("cannot make a file in /tmp", errno)
        }
        unlink(name)
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, lseek(file, 0, SEEK_SET) == 0 else {
            throw Trouble("cannot write a file in /tmp", errno)
        }
        return file
    }

    /// Gives up this user's rights for those of another; returns whose home is what HOME says.
    private static func become(_ user: String?) throws -> String? {
        guard let user else { return getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) } }
        guard let entry = getpwnam(user) else { throw Trouble("this host has no user \(user)") }
        let (id, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        let home = String(cString: entry.pointee.pw_dir)
        if id == geteuid() { return home }
        guard geteuid() == 0 else { throw Trouble("only root can run a command as \(user)") }
        guard initgroups(user, group) == 0, setgid(group) == 0, setuid(id) == 0 else {
            throw Trouble("cannot become \(user)", errno)
        }
        return home
    }

    private static func spawn(_ arguments: [String], _ variables: [String], input: Int32) throws -> pid_t {
        guard let program = arguments.first else { throw Trouble("there is no command") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigfillset(&defaults)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var process: pid_t = -1
        let code = withCStrings(arguments) { arguments in
            withCStrings(variables) { posix_spawnp(&process, program, &actions, &attributes, arguments, $0) }
        }
        guard code == 0 else { throw Trouble(String(cString: strerror(code))) }
        return process
    }

    private static func withCStrings<R>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let pointers = texts.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has a place") }
            return body(base)
        }
    }

    // MARK: - Ending

    /// Waits for the command; orphans that end meanwhile are taken note of.
    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while true {
            var ended: Int32 = 0
            let one = waitpid(-1, &ended, 0)
            if one == process { return ended }
            if one < 0, errno != EINTR { return status }
            status = 0
        }
    }

    /// Kills everything when the lease ends, and the command when it takes too long: politely first.
    private static func guardLife(_ process: pid_t, seconds: Double) {
        Thread.detachNewThread {
            func leaseEnds(within milliseconds: Double) -> Bool {
                let end = clockMilliseconds() + milliseconds
                while true {
                    var polls = [pollfd(fd: 0, events: Int16(POLLIN), revents: 0)]
                    let left = min(max(end - clockMilliseconds(), 0), 86_400_000)
                    let found = poll(&polls, 1, Int32(left))
                    if found > 0 { return true }
                    if found == 0, clockMilliseconds() >= end { return false }
                }
            }
            if !leaseEnds(within: seconds * 1000) {
                isLate.withLock { $0 = true }
                kill(-process, SIGTERM)
                _ = leaseEnds(within: 3000)
            }
            killDescendants()
            // The main thread may be about to answer.
            sleep(5)
            _exit(75)
        }
    }

    private static func clockMilliseconds() -> Double { ProcessInfo.processInfo.systemUptime * 1000 }

    /// Kills every descendant until there is none; what cannot be killed is given up after some seconds.
    private static func killDescendants() {
        for _ in 0..<1000 {
            var ended: Int32 = 0
            while waitpid(-1, &ended, WNOHANG) > 0 {}
            let descendants = self.descendants()
            if descendants.isEmpty { return }
            for process in descendants { kill(process, SIGKILL) }
            usleep(5000)
        }
    }

    private static func descendants() -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = pid_t(name),
                let data = FileManager.default.contents(atPath: "/proc/\(name)/stat"),
                let end = data.lastIndex(of: UInt8(ascii: ")"))
            else { continue }
            let fields = data[data.index(after: end)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 1, fields[0] != Data("Z".utf8),
                let parent = pid_t(String(decoding: fields[1], as: UTF8.self))
            else { continue }
            children[parent, default: []].append(process)
        }
        var found: [pid_t] = []
        var waiting = [getpid()]
        while let next = waiting.popLast() {
            for child in children[next] ?? [] where !found.contains(child) {
                found.append(child)
                waiting.append(child)
            }
        }
        return found
    }
}
