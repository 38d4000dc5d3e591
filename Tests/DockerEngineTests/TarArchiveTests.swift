import FoundationEssentials
import Subprocess
import Testing

@testable import DockerEngine

@Suite struct TarArchiveTests {
    @Test func `tar reads what is written`() async throws {
        var archive = TarArchive()
        let long = "/" + String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 90) + "/file"
        try archive.add(
            .init(path: "/etc/c1", mode: 0o440, uid: 1005, gid: 1006, modified: 1_700_000_000),
            content: Array("hello".utf8))
        try archive.add(.init(path: long, mode: 0o444, modified: 0), content: Array(repeating: 65, count: 512))
        let listing = try await Subprocess.run(
            .name("tar"), arguments: ["-tvf", "-", "--numeric-owner", "--utc"], input: .array(archive.finished()),
            output: .string(limit: 10_000), error: .string(limit: 10_000))
        #expect(listing.terminationStatus.isSuccess, "\(listing.standardError)")
        let lines = listing.standardOutput.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0] == "-r--r----- 1005/1006         5 2023-11-14 22:13 etc/c1")
        #expect(lines[1].hasSuffix(long.dropFirst()))
    }

    @Test func `the size is a whole number of blocks and ends with two empty ones`() throws {
        var archive = TarArchive()
        #expect(archive.isEmpty)
        try archive.add(.init(path: "a", mode: 0o444, modified: 0), content: [1])
        #expect(archive.finished().count == 4 * 512)
        #expect(archive.finished().suffix(1024).allSatisfy { $0 == 0 })
    }

    @Test func `a path or number that does not fit is refused`() {
        var archive = TarArchive()
        #expect(throws: TarArchive.Problem.pathTooLong) {
            try archive.add(.init(path: String(repeating: "x", count: 101), mode: 0o444, modified: 0), content: [])
        }
        #expect(throws: TarArchive.Problem.numberTooLarge) {
            try archive.add(.init(path: "a", mode: 0o444, uid: 0o10000000, modified: 0), content: [])
        }
    }
}
