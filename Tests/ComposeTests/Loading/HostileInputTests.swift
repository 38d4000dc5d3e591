import Testing
import YAML

@testable import Compose

/// Input that is made to exhaust time or memory is refused, quickly.
@Suite(.timeLimit(.minutes(1)))
struct HostileInputTests {
    @Test func `Variables that double each other are stopped`() {
        var text = "V0=xxxxxxxxxx\n"
        for index in 1...60 { text += "V\(index)=$V\(index - 1)$V\(index - 1)\n" }
        let files = MemoryFiles(["compose.yaml": "services: {web: {image: x}}\n", ".env": text])
        #expect(files.problems() == "/p/.env:18:1: the text has more than 1048576 bytes once expanded")
    }

    @Test func `Long variables used often are stopped`() {
        let commands = Array(repeating: "$A", count: 200).joined(separator: ", ")
        let found = problems(
            "services: {web: {image: x, command: [\(commands)]}}\n",
            environment: ["A": String(repeating: "x", count: 1 << 20)])
        #expect(found.contains("services.web.command[64]: the text has more than"))
    }

    @Test func `Services that pile up what they extend are stopped`() {
        let ports = (1...100).map { "\"\($0)\"" }.joined(separator: ", ")
        var text = "services:\n  s0: {image: x, ports: [\(ports)]}\n"
        for index in 1...2_000 {
            text += "  s\(index): {extends: s\(index - 1), labels: [\"a\(index)\", \"b\(index)\"]}\n"
        }
        #expect(problems(text).hasSuffix(": the project is too large"))
    }

    @Test func `A long chain of services in reverse order does not exhaust the stack`() {
        var text = "services:\n"
        for index in 0..<5_000 { text += "  s\(index): {extends: s\(index + 1)}\n" }
        text += "  s5000: {image: x}\n"
        #expect(problems(text).hasSuffix("more than 100 services extend one another"))
    }

    @Test func `Port ranges are bounded`() {
        let ranges = "\"1-65535\", \"1-65534\", \"1-65533\""
        #expect(
            problems("services: {web: {image: x, ports: [\(ranges)]}}\n")
                == "/p/compose.yaml:1:58: services.web.ports[2]: more than 131072 ports")
    }

    @Test func `Thousands of services that depend on each other load`() throws {
        var text = "services:\n  s0: {image: x}\n"
        for index in 1...3_000 { text += "  s\(index): {image: x, depends_on: [s\(index - 1)]}\n" }
        #expect(try tree(text).root["services"]?.mapping?.entries.count == 3_001)
    }
}
