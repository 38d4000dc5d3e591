import Compose
import Reconcile
import Testing
import WatcherTestSupport

/// Which images are pulled and built, and when.
@Suite struct ImagePlanTests {
    private static let old = BuildFingerprint(
        String(repeating: "a", count: 32) + "." + String(repeating: "b", count: 32))
    private static let new = BuildFingerprint(
        String(repeating: "a", count: 32) + "." + String(repeating: "c", count: 32))

    private func plan(
        _ services: String, _ world: World = World(),
        _ change: (inout Target, inout ObservedState) -> Void = { _, _ in }
    ) throws -> [String] {
        let project = try FileTree.project(
            "services:\n" + services.split(separator: "\n").map { "  \($0)\n" }.joined(),
            files: ["/checkout/Dockerfile": "FROM busybox:1"])
        var target = try world.target(project)
        var state = world.engine.state
        change(&target, &state)
        let plan = Reconciler.plan(target, state)
        return plan.missing + plan.pulls.map(\.description)
            + plan.builds.map { "build \($0.image.image): \($0.causes.joined(separator: ", "))" }
    }

    @Test(
        arguments: [
            ("always", "pull web:1 for a, else use the local one"), ("missing", nil), ("never", nil), ("daily", nil),
            ("every_23h", "pull web:1 for a, else use the local one"),
        ] as [(String, String?)])
    func `an image that is here is pulled when its policy says so`(_ policy: String, _ pull: String?) throws {
        let day = 24 * 3600 * 1000
        let plan = try plan("a: {image: web:1, pull_policy: \(policy)}") { target, state in
            target.now = 10 * day
            state.images["web:1"]?.lastTaggedAt = 9 * day
        }
        #expect(plan == [pull].compactMap { $0 })
    }

    @Test func `one that was never pulled is pulled by a policy with a period`() throws {
        let plan = try plan("a: {image: web:1, pull_policy: weekly}") { target, _ in target.now = 1_700_000_000_000 }
        #expect(plan == ["pull web:1 for a, else use the local one"])
    }

    @Test(arguments: [
        ("always", "pull x:1 for a"), ("missing", "pull x:1 for a"), ("daily", "pull x:1 for a"),
        ("never", "image x:1 of service a, which its pull policy forbids to pull"),
    ])
    func `an image that is not here is pulled unless its policy forbids`(_ policy: String, _ line: String) throws {
        #expect(try plan("a: {image: x:1, pull_policy: \(policy)}") == [line])
    }

    @Test func `one image is pulled once, in whatever spelling, for all who use it`() throws {
        #expect(
            try plan(
                """
                a: {image: x}
                b: {image: 'docker.io/library/x:latest', pull_policy: never}
                c: {image: 'index.docker.io/library/x'}
                d: {image: 'web:1', volumes: [{type: image, source: 'x:latest', target: /x}]}
                """) == ["pull x for a, c, d"])
    }

    @Test func `an image for another platform counts as missing`() throws {
        for (wanted, lines) in [("linux/arm64", ["pull web:1 (linux/arm64) for a"]), ("linux/x86_64", [])] {
            let plan = try plan("a: {image: web:1, platform: \(wanted)}") { _, state in
                state.images["web:1"]?.platform = "linux/amd64"
            }
            #expect(plan == lines)
        }
    }

    @Test func `what is built is not pulled, not even for another service`() throws {
        #expect(
            try plan(
                """
                a: {image: app:1, build: .}
                b: {image: app:1}
                c: {build: .}
                """) == ["build app:1: the engine does not have it", "build shop-c: the engine does not have it"])
    }

    @Test func `a policy that asks the registry may give a built image, else it is built`() throws {
        #expect(
            try plan("a: {image: app:1, build: ., pull_policy: always}") == [
                "pull app:1 for a, else use the local one", "build app:1: the engine does not have it",
            ])
        #expect(
            try plan("a: {image: web:1, build: ., pull_policy: always}") { target, state in
                state.images["web:1"]?.buildHash = Self.old?.description
                target.builds["a"] = Self.new
            } == ["pull web:1 for a, else use the local one"])
    }

    @Test func `an image is built again when what it was built from changed`() throws {
        func plan(_ label: BuildFingerprint?, recorded: BuildFingerprint?, policy: String = "missing") throws
            -> [String]
        {
            try self.plan("a: {image: web:1, build: ., pull_policy: \(policy)}") { target, state in
                state.images["web:1"]?.buildHash = label?.description
                target.builds["a"] = Self.new
                if let recorded {
                    target.previous = Target.Previous(
                        project: target.project, contentHashes: [:], contents: [:], builds: ["a": recorded],
                        completed: [])
                }
            }
        }
        let rebuilt = ["build web:1: its build context changed"]
        #expect(try plan(Self.old, recorded: nil) == rebuilt)
        #expect(try plan(Self.old, recorded: Self.new) == rebuilt)
        #expect(try plan(Self.new, recorded: Self.old) == [])
        // One that docker compose built is taken as it is, until what is recorded with it changes.
        #expect(try plan(nil, recorded: nil) == [])
        #expect(try plan(nil, recorded: Self.old) == rebuilt)
        #expect(try plan(Self.new, recorded: Self.new, policy: "build") == ["build web:1: its pull policy is build"])
    }

    @Test func `a recorded image is used, pulled by digest when it is lost, or built again`() throws {
        func plan(_ service: String, digest: String? = nil, isThere: Bool = false) throws -> [String] {
            try self.plan(service) { target, state in
                target.pinnedImages = ["a": "sha256:gone"]
                target.pinnedDigests["a"] = digest
                target.builds["a"] = Self.new
                state.images["web:1"]?.buildHash = Self.old?.description
                if isThere { state.images["sha256:gone"] = .init(id: "sha256:gone") }
            }
        }
        let digest = "web@sha256:" + String(repeating: "d", count: 64)
        #expect(try plan("a: {image: web:1, pull_policy: always}", digest: digest) == ["pull \(digest) for a"])
        #expect(try plan("a: {image: 'x:1'}", digest: digest) == ["pull \(digest) for a"])
        #expect(try plan("a: {image: web:1, pull_policy: always}", digest: digest, isThere: true) == [])
        #expect(try plan("a: {image: web:1, build: ., pull_policy: build}", isThere: true) == [])
        #expect(try plan("a: {image: web:1, build: .}") == ["build web:1: its build context changed"])
    }
}
