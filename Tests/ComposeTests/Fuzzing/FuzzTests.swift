import Foundation
import Testing

@testable import Compose

private let environment = ProcessInfo.processInfo.environment
private let directory = environment["FUZZ_DIRECTORY"]

/// Loads mutated Compose and env files for a while. `scripts/fuzz` runs it in a child and keeps the input that ended it.
@Suite(.enabled(if: directory != nil, "FUZZ_DIRECTORY names no directory for the inputs; make fuzz does"))
struct FuzzTests {
    /// One input may take so much, in a debug build, which is several times slower than a release.
    private static let longest = Duration.seconds(1)
    private static let mostMemory = 100 << 20

    @Test func `mutated files neither crash nor take long`() throws {
        let directory = URL(filePath: try #require(directory))
        let seed = UInt64(environment["FUZZ_SEED"] ?? "") ?? 1
        var mutation = Mutation(seed: seed)
        let seeds = try Self.seeds()
        let clock = ContinuousClock()
        let end = clock.now + .seconds(Int(environment["FUZZ_SECONDS"] ?? "") ?? 60)
        let input = directory.appending(path: "input")
        var (count, accepted) = (0, 0)
        while clock.now < end {
            let files = mutation.files(from: seeds)
            // Written first, so that it is there if loading ends this process.
            try Data(files.record).write(to: input)
            PeakMemory.reset()
            let before = PeakMemory.bytes()
            let start = Self.processorTime()
            if Self.load(files) { accepted += 1 }
            let time = Self.processorTime() - start
            let memory = PeakMemory.bytes() - before
            count += 1
            if time > Self.longest || memory > Self.mostMemory {
                let kept = directory.appending(path: "slow-\(seed)-\(count)")
                try Data(files.record).write(to: kept)
                Issue.record("\(time) and \(memory >> 20) MB for one input, kept in \(kept.path)")
            }
        }
        print("fuzz: seed \(seed), \(count) inputs, \(accepted) of them accepted")
        try FileManager.default.removeItem(at: input)
    }

    /// The CPU time of this process: other programs on the machine must not matter.
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Everything `config` does with a project; whether it was accepted.
    private static func load(_ files: MutatedFiles) -> Bool {
        var request = ProjectLoader.Request(workingDirectory: "/p")
        request.files = files.names.filter { $0 != ".env" }
        request.environment = ["PATH": "/bin", "TAG": "1", "EMPTY": ""]
        request.interpolates = files.interpolates
        request.profiles = ["*"]
        do {
            let project = try ProjectLoader(files: files.access).load(request).project
            let resolved = try project.resolvingEnvironment(files: files.access)
            return !ProjectRendering.yaml(resolved).isEmpty && !ProjectRendering.json(resolved).isEmpty
                && ProjectRendering.hashes(project).allSatisfy { !$0.hash.isEmpty }
                && ProjectRendering.services(project).count <= project.services.count
        } catch {
            // Every refusal must be readable.
            return "\(error)".isEmpty
        }
    }

    /// The given corpus and what this project has of its own.
    private static func seeds() throws -> [[UInt8]] {
        var seeds = Mutation.ownSeeds.map { Array($0.utf8) }
        guard let corpus = environment["CORPUS"] else { return seeds }
        let keys: [URLResourceKey] = [.isRegularFileKey, .fileSizeKey]
        let found = FileManager.default.enumerator(at: URL(filePath: corpus), includingPropertiesForKeys: keys)
        for case let url as URL in found ?? .init() where ["yaml", "yml", "env"].contains(url.pathExtension) {
            let values = try url.resourceValues(forKeys: Set(keys))
            guard values.isRegularFile == true, (1...20_000).contains(values.fileSize ?? 0) else { continue }
            seeds.append(Array(try Data(contentsOf: url)))
        }
        return seeds.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

/// The most memory this process has held since the last reset; Linux counts it.
private enum PeakMemory {
    static func reset() { try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs")) }

    static func bytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) << 10
    }
}
