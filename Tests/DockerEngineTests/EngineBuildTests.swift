import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Testing
import WatcherTestSupport

@testable import DockerEngine

/// Against the real engine.
@Suite(.timeLimit(.minutes(15))) struct EngineBuildTests {
    /// Builds a service `web` with these lines in its `build` section; returns what the builder said.
    @discardableResult
    private func build(
        _ lines: [String] = [], _ files: [String: String], in scenario: EngineScenario
    ) async throws -> [String] {
        let yaml =
            "services:\n  web:\n    build:\n      context: .\n" + lines.map { "      \($0)\n" }.joined()
        let tree = Dictionary(uniqueKeysWithValues: files.map { ("/checkout/\($0.key)", $0.value) })
        let project = try FileTree.project(yaml, files: tree, name: scenario.name)
        let service = try #require(project.services["web"])
        var image = try #require(ImageBuild(of: service, in: project))
        image.fingerprint = try BuildContext(of: image, files: FileTree(tree).access).fingerprint
        let output = EngineScenario.Lines()
        try await scenario.client.build(image, files: FileTree(tree).access, modified: 1_600_000_000) {
            output.add($0)
        }
        return output.all
    }

    private func remove(_ reference: String, _ scenario: EngineScenario) async throws {
        _ = try await scenario.client.connection.send(
            EngineRequest(.delete, "/images/\(reference)", to: "clean up").adding("force", "1").expecting(404))
    }

    @Test func `an image gets its names, labels and platform, and the same files give the same image`() async throws {
        try await EngineScenario.run { scenario in
            let (name, tag) = ("\(scenario.name)-web", "\(scenario.name)-other:2")
            let lines = ["tags: ['\(tag)']", "labels: {team: blue}", "args: {A: 'x &\"z\"'}", "no_cache: false"]
            let files = ["Dockerfile": "FROM busybox:1\nARG A\nRUN echo \"A is $A\"\nCOPY f /\n", "f": "1"]
            let output = try await build(lines, files, in: scenario)
            #expect(output.contains { $0.hasPrefix("Step 1/") } && output.contains(#"A is x &"z""#), "\(output)")
            let image = try #require(try await scenario.client.imageDetails(of: name))
            #expect(try await scenario.client.imageDetails(of: tag)?.id == image.id)
            let labels = try #require(image.config?.labels)
            #expect(labels["team"] == "blue" && labels["com.docker.compose.service"] == "web")
            let state = try await scenario.client.observe(ObservationQuery(project: "none", images: [name]))
            #expect(state.images[name]?.buildHash.flatMap(BuildFingerprint.init) != nil)
            #expect(state.images[name]?.platform?.hasPrefix("linux/") == true)
            try await build(lines, files, in: scenario)
            #expect(try await scenario.client.imageDetails(of: name)?.id == image.id)
            for reference in [tag, name] { try await remove(reference, scenario) }
        }
    }

    @Test(arguments: [
        ("FROM busybox:1\nRUN echo oh no; exit 7\n", [], "non-zero code: 7", Reason.buildFailed),
        ("FROM busybox:1\nCOPY nothing /\n", [], "nothing", .buildFailed), ("NONSENSE\n", [], "NONSENSE", .buildFailed),
        ("FROM busybox:1\n", ["target: none"], "none", .buildFailed), ("# empty\n", [], "", .buildFailed),
        ("FROM 127.0.0.1:1/x:1\n", [], "127.0.0.1:1", .registryUnreachable),
        ("FROM REGISTRY/no/such:1\n", [], "no/such", .imageNotFound),
        // It is here, but the registry is asked for a newer one.
        ("FROM busybox:1\n", ["pull: true"], "docker.io", .registryUnreachable),
    ])
    func `a failure says whose fault it is`(
        _ dockerfile: String, _ lines: [String], _ words: String, _ reason: Reason
    ) async throws {
        let registry = try TestEnvironment.registry()
        try await EngineScenario.run { scenario in
            let error = try await #require(throws: EngineError.self) {
                try await build(
                    lines, ["Dockerfile": dockerfile.replacing("REGISTRY", with: registry)], in: scenario)
            }
            #expect(error.reason == reason && error.detail.contains(words), "\(error)")
            #expect(error.message.contains("build image \(scenario.name)-web"))
        }
    }

    @Test func `layers come from the images that may be used for it`() async throws {
        try await EngineScenario.run { scenario in
            let name = "\(scenario.name)-web"
            func layer(_ lines: String...) async throws -> (id: String, isCached: Bool) {
                let files = ["Dockerfile": "FROM busybox:1\nRUN cat /proc/sys/kernel/random/uuid > /id\n"]
                let output = try await build(lines, files, in: scenario)
                let image = try #require(try await scenario.client.imageDetails(of: name))
                return (image.id, output.contains { $0.contains("Using cache") })
            }
            let first = try await layer()
            let fromIt = try await layer("cache_from: ['\(name)']")
            #expect(fromIt.isCached && fromIt.id == first.id)
            for lines in ["cache_from: ['\(scenario.name)-none:1']", "no_cache: true"] {
                let other = try await layer(lines)
                #expect(!other.isCached && other.id != first.id, "\(lines)")
            }
            try await remove(name, scenario)
            try await remove(first.id, scenario)
        }
    }

    @Test func `a file that cannot be read is what is told`() async throws {
        try await EngineScenario.run { scenario in
            let project = try FileTree.project("services:\n  web: {build: /c}\n", name: scenario.name)
            let service = try #require(project.services["web"])
            let image = try #require(ImageBuild(of: service, in: project))
            let broken = FileAccess(
                kind: { $0 == "/c" ? .directory : $0.hasSuffix("Dockerfile") ? .file : nil },
                read: { _ in Array("FROM busybox:1".utf8) },
                list: { _ in
                    [
                        .init(name: "f", kind: .file, id: "") {
                            throw FileAccessError.unreadable(path: "/c/f", reason: "damaged")
                        }
                    ]
                })
            await #expect(throws: FileAccessError.unreadable(path: "/c/f", reason: "damaged")) {
                try await scenario.client.build(image, files: broken, modified: 0) { _ in }
            }
        }
    }

    @Test func `a builder that says nothing is given up`() async throws {
        var deadlines = EngineDeadlines()
        deadlines.buildIdle = .seconds(2)
        try await EngineScenario.run(deadlines: deadlines) { scenario in
            let error = try await #require(throws: EngineError.self) {
                try await build([], ["Dockerfile": "FROM busybox:1\nRUN sleep 300\n"], in: scenario)
            }
            #expect(error.reason == .engineFailed && error.detail.contains("said nothing"), "\(error)")
        }
    }
}
