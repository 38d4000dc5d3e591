import FoundationEssentials
import Glibc
import Synchronization

/// A directory of a test's own; what was started in it ends, and it vanishes, with the value.
final class Sandbox: Sendable {
    struct Failure: Error, CustomStringConvertible { var description: String }

    let path: String
    private let processes = Mutex<[pid_t]>([])

    init() throws {
        var template = Array("/tmp/watcher-git-XXXXXX\0".utf8.map { CChar($0) })
        guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary directory") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
    }

    deinit {
        for process in processes.withLock({ $0 }) {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file with this mode. A program is written by a process that has ended when this returns: one that this
    /// process wrote could not be run while another test, just forking, holds it open.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws -> String {
        let file = name.hasPrefix("/") ? name : "\(path)/\(name)"
        let parent = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        guard mode & 0o111 != 0 else {
            try Data(text.utf8).write(to: URL(filePath: file))
            chmod(file, mode)
            return file
        }
        try Data(text.utf8).write(to: URL(filePath: file + ".text"))
        try run("install", "-m", String(mode, radix: 8), file + ".text", file)
        try FileManager.default.removeItem(atPath: file + ".text")
        return file
    }

    /// Runs a command to its end; throws what it said when it fails.
    @discardableResult
    func run(_ command: String..., in directory: String? = nil) throws -> String {
        try run(command, in: directory)
    }

    @discardableResult
    func run(_ command: [String], in directory: String? = nil) throws -> String {
        let (process, output) = try spawn(command, in: directory, joiningErrors: true)
        let said = readToEnd(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        guard status == 0 else { throw Failure(description: "\(command): status \(status >> 8): \(said)") }
        return String(said.reversed().drop(while: \.isNewline).reversed())
    }

    /// Starts a server and returns the first line on its standard output (and error) that `isReady` accepts.
    func start(_ command: [String], isReady: (String) -> Bool) throws -> String {
        let (process, output) = try spawn(command, in: nil, joiningErrors: true)
        processes.withLock { $0.append(process) }
        var line: [UInt8] = []
        var all = ""
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1 {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            if isReady(text) {
                drain(output)
                return text
            }
            all += text + "\n"
            line = []
        }
        throw Failure(description: "\(command) ended: \(all)")
    }

    /// Lets a server go on writing: nobody listens, but nothing fills up.
    private func drain(_ output: Int32) {
        var thread = pthread_t()
        let argument = UnsafeMutableRawPointer(bitPattern: Int(output))
        pthread_create(
            &thread, nil,
            { argument in
                var buffer = [UInt8](repeating: 0, count: 4096)
                while read(Int32(Int(bitPattern: argument)), &buffer, buffer.count) > 0 {}
                close(Int32(Int(bitPattern: argument)))
                return nil
            }, argument)
        pthread_detach(thread)
    }

    private func readToEnd(_ output: Int32) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let got = read(output, &buffer, buffer.count), got > 0 { all += buffer[..<got] }
        close(output)
        return String(decoding: all, as: UTF8.self)
    }

    private func spawn(_ command: [String], in directory: String?, joiningErrors: Bool) throws -> (pid_t, Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)  // a pipe would be inherited by others
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw Failure(description: "no socket") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        let whole = ["env", "-C", directory ?? path] + environment.map { "\($0.key)=\($0.value)" } + command
        var arguments = whole.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, "env", &actions, nil, &arguments, Glibc.environ)
        close(ends[1])
        guard code == 0 else { throw Failure(description: "cannot run \(command)") }
        return (process, ends[0])
    }

    private var environment: [String: String] {
        [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Ada Lovelace", "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada Lovelace", "GIT_COMMITTER_EMAIL": "ada@example.com",
        ]
    }
}

/// The processes whose command line holds a text.
func processes(holding text: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { process in
        guard let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else { return false }
        return String(decoding: data, as: UTF8.self).contains(text)
    }
}

/// A port of 127.0.0.1 on which connections are accepted and never answered, while the value lives.
final class SilentServer: Sendable {
    let port: Int
    private let socket: Int32

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let file = socket
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                guard bind(file, $0, size) == 0, listen(file, 16) == 0, getsockname(file, $0, &size) == 0 else {
                    throw Sandbox.Failure(description: "cannot listen")
                }
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
    }

    deinit { close(socket) }
}
