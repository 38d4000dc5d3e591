import FoundationEssentials
import Glibc
import Reconcile

/// The child process in which network steps run: the hidden command `git-network` of the executable.
///
/// It leads a session of its own together with the ssh it starts. Its standard input is its lease on life: when that
/// ends, because the parent ended however, it kills its whole process group.
package enum GitNetworkChild {
    /// The name of the hidden command.
    package static let command = "git-network"

    /// Reads one request (a line of JSON) from standard input, carries it out, writes one answer (a line of JSON) to
    /// standard output. Never returns. Writes nothing else; exits 0 whenever there is an answer.
    package static func main() -> Never {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Everything that is written here is the cache, which is ours alone.
        umask(0o077)
        guard let line = readLine(strippingNewline: true), let request = decode(line) else { exit(64) }
        limitResources(seconds: request.seconds, memory: request.limits.transferMemory)
        guardLife(seconds: request.seconds)
        let answer: GitNetworkReply
        do { answer = .answers(try FetchOperation(request).run()) } catch let error as GitError {
            answer = .failure(error)
        } catch {
            answer = .failure(GitError(.unexpected, "the network step failed: \(error)"))
        }
        guard var bytes = try? JSONEncoder().encode(answer) else { exit(70) }
        bytes.append(UInt8(ascii: "\n"))
        exit(writeAll(bytes) ? 0 : 74)
    }

    private static func decode(_ line: String) -> GitNetworkRequest? {
        try? JSONDecoder().decode(GitNetworkRequest.self, from: Data(line.utf8))
    }

    /// Generous limits, so that a hostile pack or server hurts this process only.
    private static func limitResources(seconds: Double, memory: Int) {
        let processor = rlim_t(max(60, seconds * 2))
        for (resource, limit) in [
            (RLIMIT_DATA, rlim_t(memory)), (RLIMIT_AS, rlim_t(6 << 30)),
            (RLIMIT_FSIZE, rlim_t(16 << 30)),
            (RLIMIT_CPU, processor), (RLIMIT_CORE, 0),
        ] {
            var current = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &current) == 0 else { continue }
            let new = min(limit, current.rlim_max)
            current = rlimit(rlim_cur: new, rlim_max: new)
            setrlimit(__rlimit_resource_t(resource.rawValue), &current)
        }
    }

    /// Ends the process group when standard input ends or twice the time has passed.
    private static func guardLife(seconds: Double) {
        let milliseconds = Int32(min(seconds * 2000 + 5000, 86_400_000))
        let thread = Thread {
            var polls = [pollfd(fd: 0, events: 0, revents: 0)]
            while poll(&polls, 1, milliseconds) < 0, errno == EINTR {}
            if getpgrp() == getpid() { kill(0, SIGKILL) }
            _exit(75)
        }
        thread.start()
    }

    /// A detached POSIX thread.
    private struct Thread {
        let body: @Sendable () -> Void

        func start() {
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Box(body))
            let code = pthread_create(
                &thread, nil,
                { pointer in
                    guard let pointer else { return nil }
                    Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
                    return nil
                }, box.toOpaque())
            if code == 0 { pthread_detach(thread) } else { box.release() }
        }
    }

    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func writeAll(_ bytes: Data) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = write(1, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return false }
                rest = rest.dropFirst(written)
            }
            return true
        }
    }
}
