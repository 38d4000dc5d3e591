internal import ArgumentParser
internal import Deploy
internal import DockerEngine
internal import Foundation
internal import Git
internal import Reconcile
internal import Store
internal import Synchronization

/// The process in which the run for one of several projects happens: the hidden command `project-run`.
///
/// It reads an order from standard input, a socket, and after it instructions; it reports on standard output, each in a line
/// of JSON. Standard error is for crashes. When the socket ends, so does the run, in order.
enum ProjectProcess {
    /// The name of the hidden command.
    static let command = "project-run"
    /// The status of a process that ended because there was no more memory.
    static let outOfMemory: Int32 = 71

    static func main() -> Never {
        let channel = Channel()
        guard let order = channel.order() else { exit(64) }
        EngineClient.useOneThread()
        channel.listen()
        _ = Main.waiting {
            await Interruption.whileWatchingSignals(isPatient: true) {
                channel.report(.result(await result(order, channel)))
                return .success
            }
        }
        exit(0)
    }

    private static func result(_ order: ProjectOrder, _ channel: Channel) async -> RunResult {
        do {
            let options = try GlobalOptions.parse([
                "--config", order.configurationFile, "--state-dir", order.stateDirectory,
            ])
            let wiring = Wiring(options)
            let project = try wiring.configuration(text: order.configuration).selected([order.project])[0]
            MemoryLimit.apply(
                project.limits, lastWords: MemoryLimit.LastWords(error: "", output: "", status: outOfMemory))
            let share = SharedFetches.Share(
                url: project.repository, revision: project.revision, access: project.access)
            let run = ProjectRun(
                wiring: wiring, command: order.command, changesThings: order.changesThings,
                fetches: SharedFetches(share) { try await channel.fetch() },
                emit: { channel.report(.event($0)) }, warn: { channel.report(.warning($0)) },
                end: { result in
                    channel.report(.result(result))
                    _exit(0)
                })
            return await run.result(project, try wiring.store()) { await order.task.run($0) }
        } catch {
            return .failed(order.project, error)
        }
    }
}

extension ProjectProcess {
    /// The two ends by which the process hears and reports. What it starts does not inherit them.
    fileprivate final class Channel: Sendable {
        private let input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        private let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        private let lines = Mutex(LineSplitter(longest: 64 << 20))
        private let early = Mutex<[[UInt8]]>([])
        private let writing = Mutex(())
        private let fetches = Mutex<[AsyncStream<GitNetworkAnswer>.Continuation]>([])

        init() {
            let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
            dup2(nothing, STDIN_FILENO)
            dup2(nothing, STDOUT_FILENO)
            close(nothing)
        }

        /// Reads the order; nil when there is none.
        func order() -> ProjectOrder? {
            while true {
                guard let read = read() else { return nil }
                guard let first = read.first else { continue }
                early.withLock { $0 = Array(read.dropFirst()) }
                return try? JSONDecoder().decode(ProjectOrder.self, from: Data(first))
            }
        }

        /// Hears what comes after the order, on a thread of its own.
        func listen() {
            Thread.detachNewThread {
                var read: [[UInt8]]? = self.early.withLock { $0 }
                while let lines = read {
                    for line in lines { self.hear(line) }
                    read = self.read()
                }
                self.interrupt()
            }
        }

        private func hear(_ line: [UInt8]) {
            switch try? JSONDecoder().decode(ProjectInstruction.self, from: Data(line)) {
            case .fetched(let answer): fetches.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.yield(answer)
            case .interrupt, nil: interrupt()
            }
        }

        private func interrupt() { Interruption.receive(SIGTERM, isPatient: true) }

        /// Waits for the complete lines of what comes next; nil at the end.
        private func read() -> [[UInt8]]? {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = Foundation.read(input, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return nil }
                return lines.withLock { $0.lines(in: buffer[..<count]) }
            }
        }

        /// Asks for the project's tip.
        func fetch() async throws -> FetchedTip {
            let (answers, continuation) = AsyncStream.makeStream(of: GitNetworkAnswer.self)
            fetches.withLock { $0.append(continuation) }
            report(.fetch)
            for await answer in answers { return try answer.get() }
            throw CancellationError()
        }

        /// Writes a line; nothing happens when nobody reads any more.
        func report(_ report: ProjectReport) {
            guard var line = try? JSONEncoder().encode(report) else { return }
            line.append(UInt8(ascii: "\n"))
            writing.withLock { _ in
                line.withUnsafeBytes { bytes in
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        let piece = UnsafeRawBufferPointer(rebasing: rest)
                        let written = write(output, piece.baseAddress, piece.count)
                        if written < 0, errno == EINTR { continue }
                        guard written > 0 else { return }
                        rest = rest.dropFirst(written)
                    }
                }
            }
        }
    }
}
