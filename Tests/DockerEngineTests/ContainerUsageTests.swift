import FoundationEssentials
import Testing

@testable import DockerEngine

/// What `status --stats` makes of the engine's counters; the expected numbers are those of `docker stats`.
@Suite struct ContainerUsageTests {
    private func answer(_ text: String) throws -> StatsAnswer {
        try JSONDecoder().decode(StatsAnswer.self, from: Data(text.utf8))
    }

    private func cpu(_ used: Int, _ system: Int, _ more: String = #","online_cpus":4"#) -> String {
        #""cpu_stats":{"cpu_usage":{"total_usage":\#(used)},"system_cpu_usage":\#(system)\#(more)}"#
    }

    @Test func `memory is without the cache that can be taken back, in both versions of control groups`() throws {
        let first = try answer("{\(cpu(0, 0))}")
        func memory(_ stats: String) throws -> Int {
            let second = try answer(#"{"memory_stats":{"usage":1000,"limit":4096,"stats":{\#(stats)}}}"#)
            let usage = ContainerUsage(first, second)
            #expect(usage.memoryLimit == 4096)
            return usage.memoryUsage
        }
        // Version 1 has both; the total counts.
        #expect(try memory(#""total_inactive_file":300,"inactive_file":100,"cache":500"#) == 700)
        #expect(try memory(#""inactive_file":100,"file":500"#) == 900)
        #expect(try memory(#""inactive_file":2000"#) == 1000)
        #expect(try memory("") == 1000)
    }

    @Test func `processor time is a share of all processors' time, of which each is a hundred percent`() throws {
        let first = try answer("{\(cpu(1_000_000, 100_000_000))}")
        #expect(ContainerUsage(first, try answer("{\(cpu(3_000_000, 104_000_000))}")).cpuPercent == 200)
        #expect(ContainerUsage(first, try answer("{\(cpu(1_000_000, 104_000_000))}")).cpuPercent == 0)
        // It was started anew between the looks.
        #expect(ContainerUsage(first, try answer("{\(cpu(500_000, 104_000_000))}")).cpuPercent == 0)
        // An engine that does not say how many processors there are lists them.
        let listed =
            #"{"cpu_stats":{"cpu_usage":{"total_usage":3000000,"percpu_usage":[1,2]},"system_cpu_usage":104000000}}"#
        #expect(ContainerUsage(first, try answer(listed)).cpuPercent == 100)
    }

    @Test func `traffic is that of all networks and devices`() throws {
        let second = try answer(
            #"""
            {"networks":{"eth0":{"rx_bytes":10,"tx_bytes":1},"eth1":{"rx_bytes":20,"tx_bytes":2}},
             "blkio_stats":{"io_service_bytes_recursive":[
               {"op":"Read","value":5},{"op":"read","value":6},{"op":"Write","value":7},{"op":"Total","value":99}]},
             "pids_stats":{"current":3}}
            """#)
        let usage = ContainerUsage(try answer("{}"), second)
        #expect(usage.networkReceived == 30 && usage.networkSent == 3)
        #expect(usage.blockRead == 11 && usage.blockWritten == 7 && usage.processes == 3)
        let none = ContainerUsage(
            try answer("{}"), try answer(#"{"blkio_stats":{"io_service_bytes_recursive":null},"networks":null}"#))
        #expect(none.blockRead == 0 && none.networkReceived == 0)
    }
}
