import FoundationEssentials
import Glibc
import Reconcile

/// A program that verifies signatures: what it gets it gets by descriptors, so that no file is written for it.
struct VerifyingProgram: Sendable {
    /// Its name, looked up in PATH.
    var name: String
    /// The Debian package that brings it.
    var package: String
    var deadline: Duration = .seconds(30)
    /// The variables of this process; of them it gets PATH and the time zone.
    var environment = ProcessInfo.processInfo.environment

    struct Result: Sendable {
        /// What `waitpid` gave.
        var status: Int32
        var output: String
        var errors: String

        var succeeded: Bool { status == 0 }
        /// The first line of what it complained about.
        var complaint: String {
            let lines = (errors + "\n" + output).split(whereSeparator: \.isNewline).map(String.init)
            return (lines.first ?? "it said nothing").withoutControlCharacters(keepingLines: false)
        }
    }

    /// It is not installed.
    struct Missing: Error {}

    /// Where a program finds the file that it gets as the one of this number, from 0.
    static func path(ofFile index: Int) -> String { "/proc/self/fd/\(firstFile + Int32(index))" }

    private static let firstFile: Int32 = 3
    private static let mostOutput = 64 << 10

    /// Runs it to its end. Blocks.
    ///
    /// - Throws: `Missing` when it is not installed; `GitError` when it did not end in time or could not be run.
    func run(_ arguments: [String], input: [UInt8], files: [MemoryFile]) throws -> Result {
        let input = try MemoryFile(input)
        let errors = try MemoryFile()
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw GitError.system("make a socket", errno) }
        defer { close(ends[0]) }
        let descriptors = [input.descriptor, ends[1], errors.descriptor] + files.map(\.descriptor)
        let (code, process) = spawn(arguments, descriptors)
        close(ends[1])
        guard code == 0 else {
            if code == ENOENT { throw Missing() }
            throw GitError.system("run \(name)", code)
        }
        let output = read(ends[0])
        if output == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard let output else {
            throw GitError(.unexpected, "\(name) did not end within \(deadline.components.seconds) s")
        }
        return Result(
            status: status, output: String(decoding: output, as: UTF8.self), errors: errors.text(atMost: 4096))
    }

    private func spawn(_ arguments: [String], _ descriptors: [Int32]) -> (Int32, pid_t) {
        var variables = ["LC_ALL=C", "HOME=/nonexistent"]
        for key in ["PATH", "TZ"] { environment[key].map { variables.append("\(key)=\($0)") } }
        return spawnProcess(name, [name] + arguments, variables, descriptors: descriptors)
    }

    /// What it writes until it ends; nil when it does not within the deadline.
    private func read(_ socket: Int32) -> [UInt8]? {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        let end = ContinuousClock.now + deadline
        while true {
            let left = Int32(max(0, (end - ContinuousClock.now) / .milliseconds(1)))
            var polls = [pollfd(fd: socket, events: Int16(POLLIN), revents: 0)]
            let ready = poll(&polls, 1, left)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let got = Glibc.read(socket, &buffer, buffer.count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return output }
            output += buffer.prefix(min(got, Self.mostOutput - output.count))
        }
    }
}
