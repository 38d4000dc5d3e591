internal import CLinux
internal import Foundation

/// A command below its keeper. The process has no other thread: in a PID namespace of its own it could start none.
final class SupervisedCommand {
    private typealias Trouble = HostCommandSupervisor.Trouble

    private let order: HostCommandSupervisor.Order
    private let keeper: clinux_keeper
    /// Where the command's output comes from; -1 when that has ended.
    private var output: Int32
    /// Output that the run has not taken yet.
    private var unsent: ArraySlice<UInt8> = []
    private var report: clinux_report?

    /// Who has the lease of this process.
    private static let lease: Int32 = 0
    private static let listener: Int32 = 1
    /// How long the command may take to end by itself after it was asked to, and everything else to end when killed.
    private static let (grace, patience) = (3000.0, 10_000.0)

    /// Starts the command.
    /// - Throws: `Trouble` when that is not possible.
    init(_ order: HostCommandSupervisor.Order) throws {
        self.order = order
        let identity = try order.user.map(Identity.init)
        var variables = order.environment
        if variables["HOME"] == nil { variables["HOME"] = identity?.home ?? Identity.ownHome }
        variables["PWD"] = order.directory
        let input = try Self.inputFile(order.input)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Trouble("make a pipe", errno) }
        defer {
            close(ends[1])
            close(input)
        }
        for file in [ends[0], Self.listener] { _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK) }
        keeper = try Self.start(order, variables, identity, input: input, output: ends[1])
        output = ends[0]
    }

    private static func start(
        _ order: HostCommandSupervisor.Order, _ variables: [String: String], _ identity: Identity?, input: Int32,
        output: Int32
    ) throws -> clinux_keeper {
        guard !order.arguments.isEmpty else { throw Trouble("there is no command") }
        var keeper = clinux_keeper()
        let code = withCStrings(order.arguments) { arguments in
            withCStrings(variables.map { "\($0.key)=\($0.value)" }) { environment in
                order.directory.withCString { directory in
                    (identity?.groups ?? []).withUnsafeBufferPointer { groups in
                        var command = clinux_command(
                            arguments: arguments, environment: environment, directory: directory, input: input,
                            output: output, mask: Int32(order.mask ?? -1),
                            changes_user: identity?.isAnother == true ? 1 : 0, user: identity?.user ?? 0,
                            group: identity?.group ?? 0, groups: groups.baseAddress, group_count: groups.count)
                        return clinux_start(&command, &keeper)
                    }
                }
            }
        }
        guard code == 0 else { throw Trouble("start a process", code) }
        return keeper
    }

    /// The text as a file that is nowhere else; for an empty one /dev/null.
    private static func inputFile(_ text: String) throws -> Int32 {
        guard !text.isEmpty else { return open("/dev/null", O_RDONLY | O_CLOEXEC) }
        var name = Array("/tmp/watcher-input.XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0 else { throw Trouble("make a file in /tmp", errno) }
        unlink(name)
        let bytes = Array(text.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, lseek(file, 0, SEEK_SET) == 0 else {
            throw Trouble("write a file in /tmp", errno)
        }
        return file
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

    // MARK: - Watching

    /// Waits for the command's end, its deadline or that of the lease, and ends everything that came of it.
    func run() throws -> HostCommandSupervisor.Answer {
        var answer = HostCommandSupervisor.Answer()
        var event = follow(for: order.seconds * 1000)
        if event == .deadline {
            answer.isLate = true
            kill(keeper.process, SIGTERM)
            event = follow(for: Self.grace)
        }
        kill(keeper.process, SIGKILL)
        if clinux_end_children(Self.patience) == 0 {
            answer.loss = "left processes behind that cannot be killed"
            passOn()
            return answer
        }
        if report == nil { readReport() }
        finishOutput()
        guard let report else {
            if !answer.isLate { answer.loss = "lost the process that watches over it" }
            return answer
        }
        try look(at: report, &answer)
        return answer
    }

    private enum Happening { case ended, leaseEnded, deadline }

    /// Passes output on until something happens.
    private func follow(for milliseconds: Double) -> Happening {
        let end = Self.clock + milliseconds
        while true {
            let isBehind = !unsent.isEmpty
            var polls = [
                pollfd(fd: Self.lease, events: Int16(POLLIN), revents: 0),
                pollfd(fd: keeper.reports, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isBehind ? Self.listener : output, events: Int16(isBehind ? POLLOUT : POLLIN), revents: 0),
            ]
            let found = poll(&polls, 3, Int32(min(max(end - Self.clock, 0), 86_400_000).rounded(.up)))
            if found > 0 {
                if polls[0].revents != 0 { return .leaseEnded }
                if polls[2].revents != 0 { passOn() }
                if polls[1].revents != 0 {
                    readReport()
                    return .ended
                }
            }
            if Self.clock >= end { return .deadline }
        }
    }

    private func readReport() {
        var report = clinux_report()
        if read(keeper.reports, &report, MemoryLayout<clinux_report>.size) == MemoryLayout<clinux_report>.size {
            self.report = report
        }
    }

    /// Passes on what there is, as far as the run takes it.
    /// - Parameter isOver: Nothing of the command is left. Whoever was handed its output is not waited for.
    private func passOn(isOver: Bool = false) {
        if unsent.isEmpty, output >= 0 {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let got = read(output, &buffer, buffer.count)
            if got > 0 {
                unsent = buffer[..<got]
            } else if got == 0 || isOver || errno != EAGAIN && errno != EINTR {
                close(output)
                output = -1
            }
        }
        guard !unsent.isEmpty else { return }
        let sent = unsent.withUnsafeBytes { write(Self.listener, $0.baseAddress, $0.count) }
        if sent > 0 {
            unsent = unsent.dropFirst(sent)
        } else if errno != EAGAIN && errno != EINTR {
            unsent = []  // Nobody listens any more.
        }
    }

    /// Passes the rest on; nothing of the command is left to write more.
    private func finishOutput() {
        while output >= 0 || !unsent.isEmpty {
            var polls = [
                pollfd(fd: Self.lease, events: Int16(POLLIN), revents: 0),
                pollfd(fd: Self.listener, events: Int16(unsent.isEmpty ? 0 : POLLOUT), revents: 0),
            ]
            if !unsent.isEmpty { poll(&polls, 2, -1) }
            if polls[0].revents != 0 { return }
            passOn(isOver: true)
        }
    }

    private func look(at report: clinux_report, _ answer: inout HostCommandSupervisor.Answer) throws {
        switch clinux_report_kind(UInt32(report.kind)) {
        case CLINUX_ENDED:
            if report.value & 0x7f == 0 {
                answer.status = Int(report.value >> 8 & 0xff)
            } else {
                answer.signal = Int(report.value & 0x7f)
            }
        case CLINUX_NO_USER:
            throw Trouble(
                "cannot become \(order.user ?? "the user"): \(String(cString: strerror(report.value))) (under systemd, "
                    + "watcher.service needs the rights in systemd/build-user.conf)")
        case CLINUX_NO_DIRECTORY:
            throw Trouble("enter \(order.directory)", report.value)
        case CLINUX_NO_PROGRAM where report.value == E2BIG:
            throw Trouble(
                "its arguments and environment are larger than the system takes (E2BIG); shorten \"environment\" or the "
                    + "command in the configuration")
        case CLINUX_NO_PROGRAM:
            throw Trouble(String(cString: strerror(report.value)))
        default:
            throw Trouble("start a process", report.value)
        }
    }

    private static var clock: Double { ProcessInfo.processInfo.systemUptime * 1000 }
}

/// A user whom a command runs as.
private struct Identity {
    let user: uid_t
    let group: gid_t
    let groups: [gid_t]
    let home: String

    /// Whether that is somebody else than who runs this.
    var isAnother: Bool { user != geteuid() }

    static var ownHome: String? { getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) } }

    init(_ name: String) throws {
        guard let entry = getpwnam(name) else {
            throw HostCommandSupervisor.Trouble("this host has no user \(name)")
        }
        (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        home = String(cString: entry.pointee.pw_dir)
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        if getgrouplist(name, group, &groups, &count) < 0 {
            groups = [gid_t](repeating: 0, count: Int(count))
            guard getgrouplist(name, group, &groups, &count) >= 0 else {
                throw HostCommandSupervisor.Trouble("cannot look up the groups of \(name)")
            }
        }
        self.groups = Array(groups.prefix(Int(count)))
        guard user == geteuid() || geteuid() == 0 else {
            throw HostCommandSupervisor.Trouble("only root can run a command as \(name)")
        }
    }
}
