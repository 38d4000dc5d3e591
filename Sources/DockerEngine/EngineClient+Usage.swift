package import Reconcile

/// What a container uses, as `docker stats` computes it.
package struct ContainerUsage: Sendable, Equatable, Codable {
    /// Of one processor: 150 is one and a half.
    package var cpuPercent: Double
    /// Bytes, without the page cache that the kernel can take back.
    package var memoryUsage: Int
    /// Bytes; the machine's memory when the container has no limit of its own.
    package var memoryLimit: Int
    /// Bytes since the container started, of all its networks.
    package var networkReceived: Int
    package var networkSent: Int
    /// Bytes since the container started, of all its devices.
    package var blockRead: Int
    package var blockWritten: Int
    /// Processes and threads.
    package var processes: Int
}

/// `GET /containers/{id}/stats`, as far as it is used.
struct StatsAnswer: Decodable, Sendable {
    struct CPU: Decodable, Sendable {
        struct Usage: Decodable, Sendable {
            var total: UInt64?
            var perProcessor: [UInt64]?

            private enum CodingKeys: String, CodingKey {
                case total = "total_usage"
                case perProcessor = "percpu_usage"
            }
        }

        var usage: Usage?
        var system: UInt64?
        var online: Int?

        private enum CodingKeys: String, CodingKey {
            case usage = "cpu_usage"
            case system = "system_cpu_usage"
            case online = "online_cpus"
        }
    }

    struct Memory: Decodable, Sendable {
        var usage: UInt64?
        var limit: UInt64?
        /// Counters of the memory controller; those of version 1 and version 2 differ.
        var stats: [String: UInt64]?
    }

    struct Network: Decodable, Sendable {
        var received: UInt64?
        var sent: UInt64?

        private enum CodingKeys: String, CodingKey {
            case received = "rx_bytes"
            case sent = "tx_bytes"
        }
    }

    struct Blocks: Decodable, Sendable {
        struct Entry: Decodable, Sendable {
            var op: String?
            var value: UInt64?
        }

        var bytes: [Entry]?

        private enum CodingKeys: String, CodingKey { case bytes = "io_service_bytes_recursive" }
    }

    struct Processes: Decodable, Sendable { var current: UInt64? }

    var cpu: CPU?
    var memory: Memory?
    var networks: [String: Network]?
    var blocks: Blocks?
    var processes: Processes?

    private enum CodingKeys: String, CodingKey {
        case networks
        case cpu = "cpu_stats"
        case memory = "memory_stats"
        case blocks = "blkio_stats"
        case processes = "pids_stats"
    }
}

extension ContainerUsage {
    /// From two looks at the same container, the first one a moment before.
    init(_ first: StatsAnswer, _ second: StatsAnswer) {
        cpuPercent = Self.percent(first.cpu, second.cpu)
        let memory = second.memory
        let used = memory?.usage ?? 0
        // Version 1 counts it as total_inactive_file, version 2 as inactive_file.
        let cache = memory?.stats?["total_inactive_file"] ?? memory?.stats?["inactive_file"] ?? 0
        memoryUsage = Int(clamping: cache < used ? used - cache : used)
        memoryLimit = Int(clamping: memory?.limit ?? 0)
        let networks = (second.networks ?? [:]).values
        networkReceived = networks.reduce(0) { $0 &+ Int(clamping: $1.received ?? 0) }
        networkSent = networks.reduce(0) { $0 &+ Int(clamping: $1.sent ?? 0) }
        let blocks = second.blocks?.bytes ?? []
        func total(_ operation: String) -> Int {
            blocks.reduce(0) { sum, entry in
                entry.op?.lowercased() == operation ? sum &+ Int(clamping: entry.value ?? 0) : sum
            }
        }
        blockRead = total("read")
        blockWritten = total("write")
        processes = Int(clamping: second.processes?.current ?? 0)
    }

    private static func percent(_ first: StatsAnswer.CPU?, _ second: StatsAnswer.CPU?) -> Double {
        let used = Double(second?.usage?.total ?? 0) - Double(first?.usage?.total ?? 0)
        let passed = Double(second?.system ?? 0) - Double(first?.system ?? 0)
        guard used > 0, passed > 0 else { return 0 }
        let counted = second?.usage?.perProcessor?.count ?? 0
        let processors = second?.online.flatMap { $0 > 0 ? $0 : nil } ?? counted
        return used / passed * Double(processors) * 100
    }
}

extension EngineClient {
    /// What each of the containers uses now: two looks a second apart, all at once. A container that does not run, is gone,
    /// or does not answer within the deadline of a call is left out.
    package func usage(of containers: [ContainerID]) async throws -> [ContainerID: ContainerUsage] {
        let found = try await mapConcurrently(containers, atMost: 64) { id in
            do {
                guard let first = try await self.stats(of: id) else { return (id, ContainerUsage?.none) }
                try await Task.sleep(for: .seconds(1))
                guard let second = try await self.stats(of: id) else { return (id, nil) }
                return (id, ContainerUsage(first, second))
            } catch is EngineError {
                return (id, nil)
            }
        }
        var usage: [ContainerID: ContainerUsage] = [:]
        for (id, value) in found { usage[id] = value }
        return usage
    }

    private func stats(of id: ContainerID) async throws -> StatsAnswer? {
        let answer: StatsAnswer? = try await connection.decodedIfPresent(
            .get("/containers/\(id.hex)/stats", to: "ask what container \(id.short) uses")
                .adding("stream", "false").adding("one-shot", "true"))
        // A container that does not run answers with zeros.
        return answer?.cpu?.system == nil ? nil : answer
    }
}
