internal import CLibGit2
import Glibc
import Reconcile

/// A running `ssh` whose standard input and output are a connection to `git-upload-pack`.
///
/// Used by one thread. Nothing of it is left when the value goes: ssh is asked to end, then killed, and waited for.
final class SSHProcess {
    private let process: pid_t
    private var input: Int32
    private var output: Int32
    private var errors: Int32
    private var words: [UInt8] = []
    private var status: Int32?

    /// What ssh and the remote said on standard error so far, at most 64 KiB.
    var said: String { String(decoding: words, as: UTF8.self) }

    init(_ command: SSHCommand, environment: [String: String]) throws {
        var pipes: [[Int32]] = []
        for index in 0..<3 {
            var ends: [Int32] = [-1, -1]
            // A socket for its input, because writing to one can be told not to raise SIGPIPE.
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let made = index == 0 ? socketpair(AF_UNIX, type, 0, &ends) : clibgit2_pipe(&ends, O_CLOEXEC)
            guard made == 0 else {
                let code = errno
                for end in pipes.joined() { close(end) }
                throw GitError.system("make a pipe", code)
            }
            pipes.append(ends)
        }
        // libgit2 speaks the first version of the protocol only.
        let variables = environment.filter { $0.key != "GIT_PROTOCOL" }.map { "\($0.key)=\($0.value)" }
        let (code, process) = spawnProcess(
            command.program, command.arguments, variables, descriptors: [pipes[0][0], pipes[1][1], pipes[2][1]])
        for end in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(end) }
        (self.process, input, output, errors) = (process, pipes[0][1], pipes[1][0], pipes[2][0])
        guard code == 0 else {
            for end in [input, output] { close(end) }
            status = -1
            throw GitError(
                .invalidConfiguration, "cannot run \(command.program): \(String(cString: strerror(code)))",
                advice: "Install openssh-client, or correct GIT_SSH.")
        }
        for end in [input, errors] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        end()
        close(errors)
    }

    /// Reads what the remote sends; 0 at its end. Collects standard error meanwhile.
    func read(into buffer: UnsafeMutableRawPointer, count: Int) throws -> Int {
        while true {
            var polls = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
            if errors >= 0 { polls.append(pollfd(fd: errors, events: Int16(POLLIN), revents: 0)) }
            if poll(&polls, nfds_t(polls.count), -1) < 0, errno != EINTR {
                throw GitError.system("wait for ssh", errno)
            }
            if polls.count > 1, polls[1].revents != 0 { drainErrors() }
            guard polls[0].revents != 0 else { continue }
            let got = Glibc.read(output, buffer, count)
            if got >= 0 { return got }
            if errno != EINTR && errno != EAGAIN { throw GitError.system("read from ssh", errno) }
        }
    }

    /// Sends everything to the remote.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = send(input, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            if sent > 0 {
                rest = rest.dropFirst(sent)
                continue
            }
            guard sent < 0, errno == EAGAIN || errno == EINTR else { throw GitError.system("write to ssh", errno) }
            var polls = [pollfd(fd: input, events: Int16(POLLOUT), revents: 0)]
            if errors >= 0 { polls.append(pollfd(fd: errors, events: Int16(POLLIN), revents: 0)) }
            _ = poll(&polls, nfds_t(polls.count), -1)
            if polls.count > 1, polls[1].revents != 0 { drainErrors() }
        }
    }

    private func drainErrors() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while errors >= 0 {
            let got = Glibc.read(errors, &buffer, buffer.count)
            if got > 0 {
                words += buffer.prefix(min(got, max(0, 65536 - words.count)))
            } else if got == 0 {
                close(errors)
                errors = -1
            } else {
                return
            }
        }
    }

    /// Ends the connection and waits for ssh: politely at first, so that the server sees an orderly end.
    /// Returns ssh's exit status as `waitpid` gives it.
    @discardableResult
    func end() -> Int32 {
        if let status { return status }
        for descriptor in [input, output] where descriptor >= 0 { close(descriptor) }
        (input, output) = (-1, -1)
        var result: Int32 = 0
        for (signal, milliseconds) in [(Int32(0), 400), (SIGTERM, 1000), (SIGKILL, 10_000)] {
            if signal != 0 { kill(process, signal) }
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .milliseconds(milliseconds) {
                if waitpid(process, &result, WNOHANG) != 0 {
                    drainErrors()
                    status = result
                    return result
                }
                var polls = [pollfd(fd: errors, events: Int16(POLLIN), revents: 0)]
                // The end of standard error is usually the end of ssh: it ends the wait at once.
                _ = poll(&polls, errors >= 0 ? 1 : 0, errors >= 0 ? 20 : 2)
                drainErrors()
            }
        }
        status = result
        return result
    }
}
