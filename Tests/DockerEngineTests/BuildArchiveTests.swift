import Compose
import FoundationEssentials
import NIOCore
import Reconcile
import Testing
import WatcherTestSupport

@testable import DockerEngine

@Suite struct BuildArchiveTests {
    private func context(_ entries: [FileAccess.Entry]) throws -> BuildContext {
        let dockerfile = FileAccess.Entry(
            name: "Dockerfile", kind: .file, id: "", content: { Array("FROM busybox:1".utf8) })
        let files = FileAccess(
            kind: { $0 == "/c" ? .directory : $0 == "/c/Dockerfile" ? .file : nil },
            read: { _ in try dockerfile.content() }, list: { $0 == "/c" ? entries + [dockerfile] : [] })
        let project = try FileTree.project("services:\n  web: {build: /c}\n")
        let service = try #require(project.services["web"])
        let build = try #require(ImageBuild(of: service, in: project))
        return try BuildContext(of: build, files: files)
    }

    @Test func `tar reads what is streamed, in pieces, with long names and links`() async throws {
        let long = String(repeating: "n", count: 180)
        let target = String(repeating: "t", count: 150)
        let large = [UInt8](repeating: 7, count: 3 << 20)
        let archive = BuildArchive(
            context: try context([
                .init(name: long, kind: .executable, id: "", content: { Array("run".utf8) }),
                .init(name: "link", kind: .link, id: "", content: { Array("Dockerfile".utf8) }),
                .init(name: "long link", kind: .link, id: "", content: { Array(target.utf8) }),
                .init(name: "large", kind: .file, id: "", content: { large }),
                .init(name: "empty", kind: .directory, id: "", content: { [] }),
            ]), modified: 1_600_000_000)
        let directory = "/tmp/watcher-archive-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var data = Data()
        for try await piece in archive {
            #expect(piece.readableBytes > 0 && piece.readableBytes <= 256 << 10)
            data += piece.readableBytesView
        }
        try data.write(to: URL(filePath: "\(directory)/context.tar"))
        let listed = try await execute(
            "tar", ["-tvf", "\(directory)/context.tar", "--utc", "--numeric-owner"],
            environment: ["PATH": "/usr/bin:/bin"])
        let lines = listed.output.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
        let time = "2020-09-13 12:26"
        #expect(
            lines == [
                "-rw-r--r-- 0/0 14 \(time) Dockerfile", "drwxr-xr-x 0/0 0 \(time) empty/",
                "-rw-r--r-- 0/0 \(3 << 20) \(time) large", "lrwxrwxrwx 0/0 0 \(time) link -> Dockerfile",
                "lrwxrwxrwx 0/0 0 \(time) long link -> \(target)", "-rwxr-xr-x 0/0 3 \(time) \(long)",
            ], "\(listed)")
    }

    @Test(arguments: [
        ("The command '/bin/sh -c x' returned a non-zero code: 1", "RUN x", Reason.buildFailed),
        ("COPY failed: file not found in build context", "COPY a b", .buildFailed),
        ("COPY failed: stat x: file does not exist", "COPY --from=base x y", .buildFailed),
        ("pull access denied for x, repository does not exist", "FROM x", .imageNotFound),
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "FROM r/x AS base", .registryUnreachable),
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "COPY --from=r/x a b", .registryUnreachable),
        ("toomanyrequests: slow down", "FROM x", .rateLimited),
        ("base name (${X}) should not be blank", "FROM ${X}", .buildFailed),
        ("write /x: no space left on device", "RUN x", .diskFull),
    ])
    func `a failing build is told from trouble on the way to its base`(
        _ message: String, _ instruction: String, _ reason: Reason
    ) {
        #expect(EngineError.buildReason(message, instruction: instruction) == reason)
    }

    @Test func `values that may be secrets are masked, the longest first`() {
        let mask = Mask(["password1", "password123", "short", "line one\nline number two"])
        #expect(
            mask.apply(to: "password123 password1 short line one / line number two")
                == "*** *** short *** / ***")
    }
}
